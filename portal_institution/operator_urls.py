"""The addresses of /y/."""

from django.urls import path

from portal_institution.views import operator_form

app_name = "operator"

urlpatterns = [
    path("done/", operator_form.done, name="done"),
    path("<str:token>/", operator_form.operator_form, name="form"),
    path("<str:token>/draft/", operator_form.operator_draft, name="draft"),
]
