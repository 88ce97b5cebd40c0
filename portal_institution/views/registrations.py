"""Recommending experts, and checking what they entered (requirements A1–A3)."""

import secrets
import uuid as uuids
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from core import clock
from core.audit.services import record_page
from core.documents.qr import qr_picture
from core.errors import DomainError, FieldErrors
from core.ui.lists import page_of, sorted_by
from dispatch.services import discard_draft
from experts.registration import services
from experts.registration.fields import CERTIFICATE
from experts.registration.models import Registration
from experts.registration.selectors import Review, review_of
from experts.registration.services.telling import entry_path
from experts.registration.states import CLOSED, ENTERING, State
from portal_institution.access import institution_view, own_institution, person
from portal_institution.drafts import address_of, begun
from portal_institution.forms.registrations import (
    CriteriaForm,
    RecommendationForm,
    ReturnFieldsForm,
    WithdrawForm,
)
from portal_institution.selectors import registrations as selectors

_SECTION = "registrations"
_DRAFT = "recommendation"


@institution_view("recommend_expert")
@require_safe
def registration_list(request: HttpRequest) -> HttpResponse:
    """The institution's registrations, by words, state and whose turn it is."""
    user, asked = person(request), request.GET
    rows = selectors.registrations(
        user, words=asked.get("q", ""), state=asked.get("state", ""), turn=asked.get("turn", "")
    )
    columns = {"number": "number", "since": "state_since", "created": "created_at"}
    page = page_of(request, sorted_by(request, rows, columns, ("-id",)))
    for row in page.object_list:
        row.turn = selectors.turn_of(row)
    record_page(actor=user, rows=page.object_list)
    context = {"section": _SECTION, "page": page, "states": selectors.STATES, "turns": selectors.TURNS}
    return render(request, "institution/registrations/list.html", context)


@institution_view("recommend_expert")
@require_http_methods(["GET", "HEAD", "POST"])
def registration_new(request: HttpRequest) -> HttpResponse:
    """Records the interview and sends the invitation; then its QR code is shown, once."""
    user = person(request)
    typed, key = None, request.POST.get("key", "")
    if request.method == "POST":
        form = RecommendationForm(request.POST)
        if form.is_valid():
            try:
                row, token = services.recommend(
                    institution=own_institution(user), actor=user, key=key, **form.cleaned_data
                )
            except FieldErrors as errors:
                form.put(errors)
            except DomainError as refusal:
                form.add_error(None, refusal.message)
            else:
                discard_draft(person=user, form=_DRAFT, object="new")
                if not token:  # pressed twice: the link was shown by the first
                    return redirect("portal:registration", row.uuid)
                return _link_page(request, row, token, fresh=True)
    else:
        typed, key = begun(user, _DRAFT), secrets.token_hex(16)
        interviewer = {"interview_on": f"{clock.today():%Y-%m-%d}", "interviewer": user.get_full_name()}
        form = RecommendationForm(initial={**interviewer, **(typed.values if typed else {})})
    context = {
        "section": _SECTION,
        "form": form,
        "key": key,
        "begun": typed,
        "draft_url": address_of(_DRAFT),
    }
    return render(request, "institution/registrations/new.html", context)


def _link_page(request: HttpRequest, row: Registration, token: str, *, fresh: bool) -> HttpResponse:
    """The new link as a QR code: it is known now and never again."""
    address = settings.PUBLIC_ORIGIN.rstrip("/") + entry_path(token)
    record_page(actor=person(request), rows=row)
    context = {
        "section": _SECTION,
        "registration": Registration.objects.get(pk=row.pk),
        "address": address,
        "picture": qr_picture(address),
        "fresh": fresh,
    }
    return render(request, "institution/registrations/link.html", context)


def _own(request: HttpRequest, uuid: uuids.UUID) -> Registration:
    rows = Registration.objects.visible_to(person(request))
    return get_object_or_404(
        rows.select_related("institution", "recommended_by", "checked_by", "expert", "typed"), uuid=uuid
    )


@institution_view("recommend_expert")
@require_http_methods(["GET", "HEAD", "POST"])
def registration(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    """One registration: interview, what was entered, certificates, criteria; sent back or on from here."""
    user, row = person(request), _own(request, uuid)
    review = review_of(row, user)
    tried: dict[str, Any] = {}
    if request.method == "POST" and review is not None:
        act = request.POST.get("act", "")
        if act == "pass":
            form = tried["criteria_form"] = CriteriaForm(request.POST, criteria=review.criteria)
            if form.is_valid() and _pass_on(request, row, form):
                return redirect("portal:registration", uuid)
        elif act == "return":
            returning = tried["return_form"] = ReturnFieldsForm(request.POST)
            if returning.is_valid() and _send_back(request, row, returning):
                return redirect("portal:registration", uuid)
        # a refusal is shown beside what stands there by now
        row = _own(request, uuid)
        review = review_of(row, user)
    return _page(request, row, review, tried)


def _pass_on(request: HttpRequest, row: Registration, form: CriteriaForm) -> bool:
    try:
        services.pass_to_office(
            registration=row,
            checks=form.confirmed(),
            actor=person(request),
            seen=request.POST.get("seen", ""),
        )
    except FieldErrors as errors:
        for code, why in errors.by_field.items():
            name = form.name_of(code)
            form.add_error(name if name in form.fields else None, why)
        return False
    except DomainError as refusal:
        form.add_error(None, refusal.message)
        return False
    messages.success(
        request, f"{row.display_name}さんの登録を事務局へ送りました。本人にもメールで知らせました。"
    )
    return True


def _send_back(request: HttpRequest, row: Registration, form: ReturnFieldsForm) -> bool:
    try:
        services.return_fields(
            registration=row,
            fields=form.chosen(),
            actor=person(request),
            seen=request.POST.get("seen", ""),
        )
    except FieldErrors as errors:
        form.put(errors)
        return False
    except DomainError as refusal:
        form.add_error(None, refusal.message)
        return False
    messages.success(
        request, f"{row.display_name}さんへ差し戻しました。理由と新しいリンクをメールで送りました。"
    )
    return True


def _page(
    request: HttpRequest, row: Registration, review: Review | None, tried: dict[str, Any]
) -> HttpResponse:
    user = person(request)
    record_page(actor=user, rows=row)
    ours = row.state == State.INSTITUTION and review is not None
    context: dict[str, Any] = {
        "section": _SECTION,
        "registration": row,
        "turn": selectors.turn_of(row),
        "review": review,
        "ours": ours,
        "seen": services.seen_token(row),
        "can_invite": row.state in ENTERING,
        "can_withdraw": row.state not in CLOSED,
        **tried,
    }
    if review is not None:
        returning = tried.get("return_form") or (ReturnFieldsForm() if ours else None)
        criteria_form = tried.get("criteria_form") or CriteriaForm(criteria=review.criteria)
        context |= {
            "criteria_form": criteria_form,
            "return_form": returning,
            "groups": _rows(review, returning),
            "certificates": _certificate_rows(review, returning),
        }
    return render(request, "institution/registrations/detail.html", context)


def _rows(review: Review, form: ReturnFieldsForm | None) -> list[tuple[str, list[dict[str, Any]]]]:
    """The entry by group, each field with its two inputs for sending it back (where it can be)."""
    return [
        (
            group,
            [
                {"shown": shown, **_inputs(form, shown.field.name, not shown.returns)}
                for shown in fields
                # what was left empty and is optional needs no line unless it may be asked for
                if shown.text or form is not None
            ],
        )
        for group, fields in review.groups.items()
    ]


def _certificate_rows(review: Review, form: ReturnFieldsForm | None) -> list[dict[str, Any]]:
    """The kinds of certificates that are there or needed, each with its files and inputs."""
    needed = {point.code.removeprefix(CERTIFICATE) for point in review.criteria if CERTIFICATE in point.code}
    kinds = {found.kind for found in review.certificates} | needed
    titles = ReturnFieldsForm.returnable()
    return [
        {
            "title": title,
            "files": [found for found in review.certificates if f"{CERTIFICATE}{found.kind}" == field],
            **_inputs(form, field, False),
        }
        for field, title in titles.items()
        if field.startswith(CERTIFICATE) and field.removeprefix(CERTIFICATE) in kinds
    ]


def _inputs(form: ReturnFieldsForm | None, field: str, fresh: bool) -> dict[str, Any]:
    if form is None or f"reason-{field}" not in form.fields:
        return {"reason": None, "words": None, "is_open": False}
    reason, words = form[f"reason-{field}"], form[f"words-{field}"]
    is_open = bool(reason.errors or words.errors or reason.value() or words.value())
    return {"reason": reason, "words": words, "is_open": is_open}


@institution_view("recommend_expert")
@require_http_methods(["GET", "HEAD", "POST"])
def registration_link(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    """Sends the invitation again with a new link, and shows that link as a QR code; the old one is dead."""
    user, row = person(request), _own(request, uuid)
    refused = ""
    if request.method == "POST":
        try:
            token = services.send_invitation_again(
                registration=row, actor=user, seen=request.POST.get("seen", "")
            )
        except DomainError as refusal:
            refused = refusal.message
            row = _own(request, uuid)
        else:
            return _link_page(request, row, token, fresh=False)
    record_page(actor=user, rows=row)
    context = {
        "section": _SECTION,
        "registration": row,
        "refused": refused,
        "seen": services.seen_token(row),
        "possible": row.state in ENTERING,
    }
    return render(request, "institution/registrations/again.html", context)


@institution_view("recommend_expert")
@require_http_methods(["GET", "HEAD", "POST"])
def registration_withdraw(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    """Ends a registration with a reason."""
    user, row = person(request), _own(request, uuid)
    form = WithdrawForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.withdraw(
                registration=row,
                reason=form.cleaned_data["reason"],
                actor=user,
                seen=request.POST.get("seen", ""),
            )
        except DomainError as refusal:
            form.add_error(None, refusal.message)
            row = _own(request, uuid)
        else:
            messages.success(request, f"{row.number} {row.display_name}さんの登録手続きを取り下げました。")
            return redirect("portal:registration", uuid)
    record_page(actor=user, rows=row)
    context = {"section": _SECTION, "registration": row, "form": form, "seen": services.seen_token(row)}
    return render(request, "institution/registrations/withdraw.html", context)
