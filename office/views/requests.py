"""例外承認: WEB support, more dispatches than the limit, short notice; the office decides one after the other."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Min, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from accounts.models import User
from accounts.rights import may
from core import clock
from core.audit.models import Access
from core.audit.services import record_page, record_view
from core.errors import DomainError
from dispatch.models import ApprovalRequest
from dispatch.selectors import open_requests
from dispatch.services import decide_request, edit_token
from dispatch.transitions import PLANNED
from office.access import office_view, person
from office.application_facts import NEAR, request_facts
from office.lists import containing, page_of
from office.waiting import Waiting, waiting_source

SEARCHED = (
    "dispatch__number",
    "dispatch__company__name",
    "dispatch__institution__name",
    "dispatch__expert__name",
)
OPEN, DECIDED = "open", "decided"


@waiting_source(14)
def requests_waiting(user: User) -> list[Waiting]:
    """Requests without a decision; overdue when the visit is near or past."""
    if not may(user, "decide_request").allowed:
        return []
    found = (
        open_requests(user)
        .filter(dispatch__status__in=PLANNED)
        .order_by()
        .aggregate(
            count=Count("pk"),
            oldest=Min("asked_at"),
            late=Count("pk", filter=Q(dispatch__planned_from__lt=clock.now() + NEAR)),
        )
    )
    if not found["count"]:
        return []
    line: Waiting = {
        "title": "例外承認の判断",
        "url": reverse("office:request_list"),
        "count": found["count"],
        "oldest": found["oldest"],
        "note": "支援日が近いもの、過ぎたものがあります。" if found["late"] else "",
    }
    if found["late"]:
        line["overdue"] = found["late"]
    return [line]


class DecisionForm(forms.Form):
    """Approved or not, and why."""

    approved = forms.ChoiceField(
        label="判断", choices=[("yes", "承認する"), ("no", "承認しない")], widget=forms.RadioSelect
    )
    reason = forms.CharField(
        label="判断の理由",
        max_length=1000,
        help_text="機関に伝わります。",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    edit_token = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)


@office_view()
def request_list(request: HttpRequest) -> HttpResponse:
    """Requests: those that wait, oldest first, or those decided, newest first."""
    user = person(request)
    state = DECIDED if request.GET.get("state") == DECIDED else OPEN
    if state == OPEN:
        rows = open_requests(user).filter(dispatch__status__in=PLANNED)
    else:
        rows = (
            ApprovalRequest.objects.visible_to(user)
            .exclude(decided_at=None)
            .select_related(
                "dispatch", "dispatch__institution", "dispatch__company", "dispatch__expert", "decided_by"
            )
            .order_by("-decided_at", "-pk")
        )
    rows = rows.filter(containing(request.GET.get("q", ""), *SEARCHED))
    kind = request.GET.get("kind", "")
    if kind in ApprovalRequest.Kind.values:
        rows = rows.filter(kind=kind)
    page = page_of(request, rows)
    record_page(actor=user, rows=page.object_list)
    context = {
        "section": "work",
        "page": page,
        "state": state,
        "kinds": ApprovalRequest.Kind.choices,
        "decided_choice": [(DECIDED, "判断済み")],
        "near": clock.now() + NEAR,
    }
    return render(request, "office/requests/list.html", context)


@office_view()
def request_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One request with the facts of its decision; after the decision the next one comes."""
    user = person(request)
    found = get_object_or_404(
        ApprovalRequest.objects.visible_to(user).select_related(
            "asked_by",
            "decided_by",
            "dispatch__institution",
            "dispatch__company",
            "dispatch__expert",
            "dispatch__application__case",
        ),
        pk=pk,
    )
    form = DecisionForm(
        request.POST if request.method == "POST" else None,
        initial={"edit_token": edit_token(found.dispatch)},
    )
    if request.method == "POST" and form.is_valid():
        approved, reason = form.cleaned_data["approved"] == "yes", form.cleaned_data["reason"].strip()
        if _same_again(found, user, approved, reason):
            return _next(request, user, found)
        try:
            decide_request(
                request=found,
                approved=approved,
                reason=reason,
                actor=user,
                edit_token=form.cleaned_data["edit_token"],
            )
        except DomainError as refused:
            found.refresh_from_db()
            form = _with_token_of_now(request, found)
            form.add_error(None, refused.message)
        else:
            said = "承認しました" if approved else "承認しませんでした"
            messages.success(
                request,
                f"派遣 {found.dispatch.number} の{found.get_kind_display()}を{said}。機関に知らせました。",
            )
            return _next(request, user, found)
    record_view(actor=user, what=Access.What.EVIDENCE, object=found.dispatch)
    allowed, why_not = may(user, "decide_request")
    if allowed and found.dispatch.status not in PLANNED:
        why_not = f"この派遣は「{found.dispatch.get_status_display()}」のため、判断は要らなくなりました。"
    context: dict[str, Any] = {
        "section": "work",
        "asked": found,
        "dispatch": found.dispatch,
        "form": form,
        "why_not": why_not,
        **request_facts(found, user),
    }
    return render(request, "office/requests/detail.html", context)


def _same_again(found: ApprovalRequest, user: User, approved: bool, reason: str) -> bool:
    """A second press of the same decision by the same person is no refusal."""
    return (
        found.decided_at is not None
        and found.decided_by_id == user.pk
        and (found.approved, found.decision_reason) == (approved, reason)
    )


def _with_token_of_now(request: HttpRequest, found: ApprovalRequest) -> DecisionForm:
    """The form again with what was typed; sent once more it answers to what is shown now."""
    found.dispatch.refresh_from_db()
    data = request.POST.copy()
    data["edit_token"] = edit_token(found.dispatch)
    form = DecisionForm(data)
    form.full_clean()
    return form


def _next(request: HttpRequest, user: User, found: ApprovalRequest) -> HttpResponse:
    waiting = open_requests(user).filter(dispatch__status__in=PLANNED).exclude(pk=found.pk)
    # first what else is asked for the same dispatch
    same = waiting.filter(dispatch=found.dispatch_id).values_list("pk", flat=True).first()
    following = same or waiting.values_list("pk", flat=True).first()
    if following is None:
        messages.info(request, "判断を待つ申請は、ほかにありません。")
        return redirect("office:request_list")
    return redirect("office:request_detail", pk=following)
