"""The addresses of /renew/."""

from django.urls import path

from portal_expert.views import renewal_link

app_name = "renewal"

urlpatterns = [
    path("done/", renewal_link.done, name="done"),
    path("<str:token>/", renewal_link.renewal_link, name="answer"),
]
