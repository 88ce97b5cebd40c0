"""The addresses of /portal/."""

from django.urls import path

from portal_institution.views import drafts, home

app_name = "portal"

urlpatterns = [
    path("", home.home, name="home"),
    path("drafts/<str:form>/<str:object>/", drafts.draft, name="draft"),
    path("drafts/<str:form>/<str:object>/discard/", drafts.draft_discard, name="draft_discard"),
]
