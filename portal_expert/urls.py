"""The addresses of /expert/."""

from django.urls import path

from portal_expert.views import answers, declarations, device, home, report, visit

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
    path("dispatches/<str:number>/report/", report.report, name="report"),
    path("dispatches/<str:number>/report/draft/", report.keep, name="report_keep"),
    path("dispatches/<str:number>/report/check/", report.check, name="report_check"),
    path("dispatches/<str:number>/declarations/", declarations.declarations, name="declarations"),
    path("dispatches/<str:number>/declarations/<str:slug>/", declarations.declaration, name="declaration"),
    path(
        "dispatches/<str:number>/declarations/<str:slug>/draft/", declarations.keep, name="declaration_keep"
    ),
]
