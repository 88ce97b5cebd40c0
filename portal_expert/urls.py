"""The addresses of /expert/."""

from django.urls import path

from portal_expert.views import answers, device, home, visit

app_name = "expert"

urlpatterns = [
    path("", home.home, name="home"),
    path("session/", device.session, name="session"),
    path("worker.js", device.worker, name="worker"),
    path("manifest.webmanifest", device.manifest, name="manifest"),
    path("visits/<str:number>/", visit.visit, name="visit"),
    path("visits/<str:number>/accept/", answers.accept, name="accept"),
    path("visits/<str:number>/decline/", answers.decline, name="decline"),
    path("visits/<str:number>/qr/", answers.show_qr, name="qr"),
]
