"""The addresses of /expert/."""

from django.urls import path

from portal_expert.views import (
    answers,
    appointment,
    declarations,
    device,
    dispatches,
    fees,
    home,
    inquiries,
    profile,
    renewal,
    report,
    tokens,
    visit,
)

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
    path("dispatches/", dispatches.dispatch_list, name="dispatch_list"),
    path("dispatches/<str:number>/", dispatches.dispatch_detail, name="dispatch_detail"),
    path("dispatches/<str:number>/report/", report.report, name="report"),
    path("dispatches/<str:number>/report/draft/", report.keep, name="report_keep"),
    path("dispatches/<str:number>/report/check/", report.check, name="report_check"),
    path("dispatches/<str:number>/declarations/", declarations.declarations, name="declarations"),
    path("dispatches/<str:number>/declarations/<str:slug>/", declarations.declaration, name="declaration"),
    path(
        "dispatches/<str:number>/declarations/<str:slug>/draft/", declarations.keep, name="declaration_keep"
    ),
    path("inquiries/", inquiries.inquiry_list, name="inquiry_list"),
    path("inquiries/<int:pk>/", inquiries.inquiry, name="inquiry"),
    path("inquiries/<int:pk>/draft/", inquiries.inquiry_draft, name="inquiry_draft"),
    path("inquiries/<int:pk>/draft/discard/", inquiries.inquiry_discard, name="inquiry_discard"),
    path("fees/", fees.fees, name="fees"),
    path("fees/<int:payout>/notice/", fees.notice, name="notice"),
    path("appointment/", appointment.appointments, name="appointments"),
    path("appointment/<int:year>/answer/", appointment.answer, name="appointment_answer"),
    path("appointment/<int:year>/accept/", appointment.accept, name="appointment_accept"),
    path("appointment/<int:year>/<str:kind>.pdf", appointment.paper, name="appointment_paper"),
    path("profile/", profile.profile, name="profile"),
    path("profile/account/", profile.account, name="account"),
    path("profile/change/<str:kind>/", profile.change, name="change"),
    path("profile/change/<str:kind>/draft/", profile.change_keep, name="change_keep"),
    path("profile/change/<str:kind>/draft/discard/", profile.change_discard, name="change_discard"),
    path("profile/requests/<uuid:request_id>/withdraw/", profile.change_withdraw, name="change_withdraw"),
    path("renewal/", renewal.renewal, name="renewal"),
    path("renewal/draft/", renewal.renewal_keep, name="renewal_keep"),
    path("renewal/draft/discard/", renewal.renewal_discard, name="renewal_discard"),
    path("tokens/", tokens.token_list, name="tokens"),
    path("tokens/<int:pk>/revoke/", tokens.revoke, name="token_revoke"),
]
