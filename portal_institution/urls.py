"""The addresses of /portal/."""

from django.urls import path

from portal_institution.views import home

app_name = "portal"

urlpatterns = [
    path("", home.home, name="home"),
]
