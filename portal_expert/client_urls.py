"""The addresses of /c/."""

from django.urls import path

from portal_expert.views import client

app_name = "client"

urlpatterns = [
    path("done/", client.done, name="done"),
    path("<str:token>/", client.attestation, name="attestation"),
]
