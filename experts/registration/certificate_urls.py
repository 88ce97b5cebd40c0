"""The addresses of /registrations/certificates/."""

from django.urls import path

from . import certificate_views

app_name = "certificates"

urlpatterns = [
    path("<uuid:certificate>/", certificate_views.content, name="content"),
    path("<uuid:certificate>/thumbnail/", certificate_views.thumbnail, name="thumbnail"),
]
