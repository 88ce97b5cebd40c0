"""The addresses of /r/."""

from django.urls import path

from . import certificates, views

app_name = "registration_entry"

urlpatterns = [
    path("<str:token>/", views.entry, name="entry"),
    path("<str:token>/draft/", views.draft, name="draft"),
    path("<str:token>/account/", views.account, name="account"),
    path("<str:token>/certificates/", certificates.certificate_add, name="certificate_add"),
    path("<str:token>/certificates/<uuid:certificate>/", certificates.certificate, name="certificate"),
    path(
        "<str:token>/certificates/<uuid:certificate>/small/",
        certificates.certificate_small,
        name="certificate_small",
    ),
    path(
        "<str:token>/certificates/<uuid:certificate>/remove/",
        certificates.certificate_remove,
        name="certificate_remove",
    ),
]
