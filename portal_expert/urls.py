"""The addresses of /expert/."""

from django.urls import path

from portal_expert.views import device, home, visit

app_name = "expert"

urlpatterns = [
    path("", home.home, name="home"),
    path("session/", device.session, name="session"),
    path("worker.js", device.worker, name="worker"),
    path("manifest.webmanifest", device.manifest, name="manifest"),
    path("visits/<str:number>/", visit.visit, name="visit"),
]
