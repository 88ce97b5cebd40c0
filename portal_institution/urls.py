"""The addresses of /portal/."""

from django.urls import path

from portal_institution.views import (
    applying,
    approval,
    attestation,
    cases,
    clients,
    dispatches,
    drafts,
    experts,
    home,
    inquiries,
    people,
    planning,
)

app_name = "portal"

urlpatterns = [
    path("", home.home, name="home"),
    path("clients/", clients.client_list, name="client_list"),
    path("clients/new/", clients.client_new, name="client_new"),
    path("clients/duplicates/", clients.client_duplicates, name="client_duplicates"),
    path("clients/<str:code>/", clients.client_detail, name="client_detail"),
    path("clients/<str:code>/change/", clients.client_change, name="client_change"),
    path("cases/", cases.case_list, name="case_list"),
    path("cases/new/", cases.case_new, name="case_new"),
    path("cases/<str:code>/", cases.case_detail, name="case_detail"),
    path("cases/<str:code>/change/", cases.case_change, name="case_change"),
    path("cases/<str:code>/consent/", cases.case_consent, name="case_consent"),
    path("cases/<str:code>/close/", cases.case_close, name="case_close"),
    path("cases/<str:code>/reopen/", cases.case_reopen, name="case_reopen"),
    path("cases/<str:code>/apply/", applying.apply, name="apply"),
    path("cases/<str:code>/apply/check/", applying.apply_check, name="apply_check"),
    path("experts/", experts.expert_search, name="expert_search"),
    path("dispatches/", dispatches.dispatch_list, name="dispatch_list"),
    path("dispatches/<str:number>/", dispatches.dispatch_detail, name="dispatch_detail"),
    path("dispatches/<str:number>/approval/", approval.approval, name="approval"),
    path("dispatches/<str:number>/attestation/", attestation.attestation, name="attestation"),
    path("dispatches/<str:number>/requests/", inquiries.request_approval, name="request_approval"),
    path("dispatches/<str:number>/applied/", applying.applied, name="applied"),
    path("dispatches/<str:number>/reschedule/", planning.reschedule, name="reschedule"),
    path("dispatches/<str:number>/reschedule/check/", planning.reschedule_check, name="reschedule_check"),
    path("dispatches/<str:number>/cancel/", planning.cancel, name="cancel"),
    path("approvals/", approval.approval_list, name="approval_list"),
    path("inquiries/", inquiries.inquiry_list, name="inquiry_list"),
    path("inquiries/<int:pk>/", inquiries.inquiry, name="inquiry"),
    path("people/", people.person_list, name="person_list"),
    path("people/new/", people.person_new, name="person_new"),
    path("people/<int:pk>/", people.person_detail, name="person_detail"),
    path("people/<int:pk>/<str:act>/", people.person_act, name="person_act"),
    path("drafts/<str:form>/<str:object>/", drafts.draft, name="draft"),
    path("drafts/<str:form>/<str:object>/discard/", drafts.draft_discard, name="draft_discard"),
]
