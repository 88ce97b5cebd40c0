"""Approving dispatches one after another, or sending them back."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from core.audit.models import Access
from core.audit.services import record_page, record_view
from core.errors import DomainError, NotAllowed
from dispatch import services
from dispatch.models import Dispatch
from dispatch.services.seeing import close_news
from portal_institution.access import institution_view, own_institution, person
from portal_institution.approvals import (
    done_already,
    hindrance_of,
    not_ready,
    place_of,
    ready,
    returned_before,
)
from portal_institution.attestation_mail import attestation_state
from portal_institution.dispatch_page import evidence
from portal_institution.drafts import Begun, address_of, begun
from portal_institution.forms.approval import FIELD_OF, ApprovalForm, ReturnForm
from portal_institution.views.dispatches import own_dispatch

APPROVE, RETURN = "approve", "return"
# How a form of each act is called among the drafts (portal_institution/drafts.py).
DRAFT_OF = {APPROVE: "approval", RETURN: "return"}


@institution_view("approve_dispatch")
@require_safe
def approval_list(request: HttpRequest) -> HttpResponse:
    """What waits for the approval, the longest waiting first, and what will wait next."""
    user = person(request)
    institution = own_institution(user)
    page = Paginator(ready(user, institution), 50).get_page(request.GET.get("page"))
    later = list(not_ready(user, institution)[:20])
    record_page(actor=user, rows=[*page.object_list, *later])
    context = {"section": "approvals", "page": page, "later": later}
    return render(request, "institution/approval/list.html", context)


@institution_view("approve_dispatch")
@require_http_methods(["GET", "HEAD", "POST"])
def approval(request: HttpRequest, number: str) -> HttpResponseBase:
    """Report beside attestation with the two answers: approve with the accompaniment, or return with reasons."""
    user = person(request)
    dispatch = own_dispatch(request, number)
    if request.method == "POST" and request.POST.get("act") in DRAFT_OF:
        act = request.POST["act"]
        place = place_of(dispatch, user, own_institution(user))
        form: Form = (
            ApprovalForm(request.POST, dispatch=dispatch) if act == APPROVE else ReturnForm(request.POST)
        )
        stale = _take(request, dispatch, act, form) if form.is_valid() else []
        if form.is_valid():
            following = place.after if request.POST.get("then") == "next" else ""
            return redirect("portal:approval", following) if following else redirect("portal:approval_list")
        # shown as it is by now
        return _page(request, own_dispatch(request, number), {act: form}, stale)
    return _page(request, dispatch, {}, [])


def _take(request: HttpRequest, dispatch: Dispatch, act: str, form: Any) -> list[services.FieldChange]:
    """Does what was asked; a refusal becomes the form's errors, answered with what others changed meanwhile."""
    user, token = person(request), request.POST.get("edit_token", "")
    try:
        if act == APPROVE:
            services.approve_dispatch(
                dispatch=dispatch, accompaniment=form.accompaniment(), actor=user, edit_token=token
            )
        else:
            services.return_dispatch(
                dispatch=dispatch,
                reasons=form.cleaned_data["reasons"],
                comment=form.cleaned_data["comment"],
                actor=user,
                edit_token=token,
            )
    except NotAllowed:
        raise
    except services.FieldErrors as problem:
        for name, why in problem.by_field.items():
            form.add_error(FIELD_OF.get(name), why)
        return []
    except DomainError as refusal:
        if done_already(dispatch, user, act):
            return []
        form.add_error(None, refusal.message)
        return refusal.changes if isinstance(refusal, services.StaleEdit) else []
    services.discard_draft(person=user, form=DRAFT_OF[act], object=dispatch.number)
    if act == APPROVE:
        messages.success(request, f"派遣 {dispatch.number} を承認しました。次は事務局が確認します。")
    else:
        messages.success(request, f"派遣 {dispatch.number} を差し戻しました。専門家に理由を知らせました。")
    return []


def _page(
    request: HttpRequest, dispatch: Dispatch, tried: dict[str, Form], stale: list[services.FieldChange]
) -> HttpResponse:
    user = person(request)
    record_view(actor=user, what=Access.What.EVIDENCE, object=dispatch)
    close_news(dispatch=dispatch, person=user)
    attestation = attestation_state(dispatch, user)
    kept = {
        act: None if act in tried else begun(user, name, dispatch.number) for act, name in DRAFT_OF.items()
    }
    context = {
        "section": "approvals",
        "dispatch": dispatch,
        "place": place_of(dispatch, user, own_institution(user)),
        "hindrance": hindrance_of(dispatch, attestation),
        "returned": returned_before(dispatch, user),
        "approval_form": tried.get(APPROVE) or ApprovalForm(dispatch=dispatch, begun=_values(kept[APPROVE])),
        "return_form": tried.get(RETURN) or ReturnForm(begun=_values(kept[RETURN])),
        "approval_begun": kept[APPROVE],
        "return_begun": kept[RETURN],
        "approval_autosave": address_of(DRAFT_OF[APPROVE], dispatch.number),
        "return_autosave": address_of(DRAFT_OF[RETURN], dispatch.number),
        "edit_token": services.edit_token(dispatch),
        "stale": stale,
        "returning": RETURN in tried,
        **evidence(dispatch, user, attestation),
    }
    return render(request, "institution/approval/detail.html", context)


def _values(kept: Begun | None) -> dict[str, Any] | None:
    return kept.values if kept else None
