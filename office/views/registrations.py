"""Registrations of experts at the office: the queue, checking one, sending back, approving (requirement A4)."""

import uuid as uuids
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import reauthentication
from accounts.rights import may, require
from core.audit.services import record_page
from core.errors import DomainError, FieldErrors
from experts.duplicates import Duplicate
from experts.registration import services
from experts.registration.fields import RETURNABLE
from experts.registration.models import Registration
from experts.registration.selectors import Review, review_of
from experts.registration.states import CLOSED, State
from office import registration_facts as facts
from office.access import office_view, person
from office.lists import page_of, sorted_by
from office.views.bank_accounts import ReasonForm
from portal_institution.forms.registrations import WithdrawForm

_SECTION = "experts"
_MOST_KEYS = 2_000
_DIGITS = {
    "account_number": "口座番号",
    "yucho_kigo": "ゆうちょ銀行の記号",
    "yucho_bango": "ゆうちょ銀行の番号",
}


class ApproveForm(forms.Form):
    """That the people shown as alike were looked at; `shown` says whom the page showed."""

    shown = forms.CharField(required=False, max_length=_MOST_KEYS, widget=forms.HiddenInput)
    confirmed = forms.BooleanField(
        label="表示された専門家・登録手続きを開いて確かめ、どれとも別の人であることを確認しました",
        error_messages={"required": "同じ人の可能性がある相手を確かめて、チェックを入れてください。"},
    )

    def __init__(self, *args: Any, asks: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asks = asks
        if not asks:
            del self.fields["confirmed"]

    def keys(self) -> list[int]:
        """The experts the page showed; what is no number was not written by the page."""
        parts = self.cleaned_data.get("shown", "").split(",")
        return [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 18]


@office_view()
@require_safe
def registration_list(request: HttpRequest) -> HttpResponse:
    """Registrations, those that wait for the office first; by words, state and whose turn it is."""
    user, asked = person(request), request.GET
    rows = facts.registrations(
        user,
        words=asked.get("q", ""),
        state=asked.get("state", ""),
        # without a word about it: what is the office's to do
        turn=asked.get("turn", "") if asked else "office",
    )
    columns = {
        "number": "number",
        "since": "state_since",
        "created": "created_at",
        "institution": "institution__code",
    }
    page = page_of(request, sorted_by(request, rows, columns, ("state_since", "id")))
    for row in page.object_list:
        row.turn = facts.turn_of(row)
    record_page(actor=user, rows=page.object_list)
    context = {
        "section": _SECTION,
        "page": page,
        "states": State.choices,
        "turns": facts.TURNS,
        "only_own": not asked,
    }
    return render(request, "office/registrations/list.html", context)


def _found(request: HttpRequest, uuid: uuids.UUID) -> Registration:
    rows = Registration.objects.visible_to(person(request)).select_related(
        "institution", "recommended_by", "checked_by", "approved_by", "expert", "typed"
    )
    return get_object_or_404(rows, uuid=uuid)


@never_cache
@office_view()
@require_http_methods(["GET", "HEAD", "POST"])
def registration_detail(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    """One registration: all that was entered beside its papers; sent back or approved from here."""
    row = _found(request, uuid)
    tried: dict[str, Any] = {}
    if request.method == "POST":
        if request.POST.get("act") == "return":
            returning = tried["return_form"] = facts.OfficeReturnForm(request.POST)
            if returning.is_valid() and _send_back(request, row, returning):
                return redirect("office:registration", uuid)
        else:
            # what the page showed decides whether there was something to confirm
            asks = bool(request.POST.get("shown") or request.POST.get("alike"))
            approving = tried["approve_form"] = ApproveForm(request.POST, asks=asks)
            if approving.is_valid() and _approve(request, row, approving):
                return redirect("office:registration", uuid)
        # a refusal is shown beside what stands there by now
        row = _found(request, uuid)
    return _page(request, row, review_of(row, person(request)), tried)


def _send_back(request: HttpRequest, row: Registration, form: facts.OfficeReturnForm) -> bool:
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


def _approve(request: HttpRequest, row: Registration, form: ApproveForm) -> bool:
    user = person(request)
    alike = {str(found.registration.number) for found in facts.alike_registrations(row, user)}
    if row.state == State.OFFICE and alike - set(request.POST.get("alike", "").split(",")):
        form.add_error(
            None,
            "同じ人の可能性がある登録手続きが、画面に表示した後に増えました。"
            "確かめて、もう一度承認してください。",
        )
        return False
    try:
        expert = services.approve(
            registration=row, actor=user, duplicates_seen=form.keys(), seen=request.POST.get("seen", "")
        )
    except FieldErrors as errors:
        for field, why in errors.by_field.items():
            form.add_error(None, f"{RETURNABLE.get(field, field)}：{why}")
        form.add_error(None, "このままでは登録できません。上の項目を本人へ差し戻してください。")
        return False
    except DomainError as refusal:
        form.add_error(None, refusal.message)
        return False
    messages.success(
        request, f"{expert.name}さんを専門家 {expert.code} として登録し、承認のメールを送りました。"
    )
    return True


def _page(
    request: HttpRequest, row: Registration, review: Review | None, tried: dict[str, Any]
) -> HttpResponse:
    user = person(request)
    ours = row.state == State.OFFICE and review is not None
    shows_alike = review is not None and row.state not in CLOSED
    duplicates: list[Duplicate] = services.duplicates_of(row, user) if shows_alike else []
    alike = facts.alike_registrations(row, user) if shows_alike else []
    record_page(actor=user, rows=[row, *(found.registration for found in alike)])
    if duplicates:
        record_page(actor=user, rows=[found.expert for found in duplicates])
    context: dict[str, Any] = {
        "section": _SECTION,
        "registration": row,
        "turn": facts.turn_of(row),
        "review": review,
        "ours": ours,
        "seen": services.seen_token(row),
        "duplicates": duplicates,
        "alike": alike,
        "shown": ",".join(str(found.expert.pk) for found in duplicates),
        "alike_shown": ",".join(found.registration.number for found in alike),
        "can_withdraw": row.state not in CLOSED and may(user, "withdraw_registration").allowed,
        "can_see_account": may(user, "view_bank_account").allowed,
        **tried,
    }
    if row.state == State.APPROVED:
        context["mail"] = facts.approval_mail(row)
    if review is not None:
        may_return = ours and may(user, "return_registration").allowed
        returning = tried.get("return_form") or (facts.OfficeReturnForm() if may_return else None)
        context |= {
            "return_form": returning if may_return else None,
            "refused": tried.get("return_form"),
            "groups": facts.field_rows(review, returning if may_return else None),
            "certificates": facts.certificate_rows(review, returning if may_return else None),
        }
        if ours and may(user, "approve_registration").allowed:
            context["approving"] = _approving(tried.get("approve_form"), bool(duplicates or alike))
    return render(request, "office/registrations/detail.html", context)


def _approving(tried: ApproveForm | None, asks: bool) -> ApproveForm:
    """The form of now: a refused one keeps its tick only while it asks the same."""
    if tried is not None and tried.asks == asks:
        return tried
    return ApproveForm(asks=asks)


@office_view()
@require_http_methods(["GET", "HEAD", "POST"])
def registration_withdraw(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    """Ends a registration with a reason."""
    require(person(request), "withdraw_registration")
    row = _found(request, uuid)
    form = WithdrawForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.withdraw(
                registration=row,
                reason=form.cleaned_data["reason"],
                actor=person(request),
                seen=request.POST.get("seen", ""),
            )
        except DomainError as refusal:
            form.add_error(None, refusal.message)
            row = _found(request, uuid)
        else:
            messages.success(request, f"{row.number} {row.display_name}さんの登録手続きを取り下げました。")
            return redirect("office:registration", uuid)
    record_page(actor=person(request), rows=row)
    context = {
        "section": _SECTION,
        "registration": row,
        "form": form,
        "seen": services.seen_token(row),
        "possible": row.state not in CLOSED,
    }
    return render(request, "office/registrations/withdraw.html", context)


@never_cache
@office_view("view_bank_account")
@reauthentication.required
def registration_account(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    """Asks for the reason; then shows the account's digits as submitted, once, on this page alone."""
    row = _found(request, uuid)
    back_url = reverse("office:registration", args=[uuid])
    if row.submitted_at is None:
        messages.error(request, f"{row.number} はまだ提出されていないため、表示できる口座がありません。")
        return redirect(back_url)
    form = ReasonForm(request.POST or None)
    context: dict[str, Any] = {"section": _SECTION, "registration": row, "back_url": back_url}
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        digits = services.account_in_full(registration=row, reason=reason, actor=person(request))
        context |= {"digits": [(_DIGITS[name], value) for name, value in digits.items()], "reason": reason}
        return render(request, "office/registrations/account.html", context)
    context |= {
        "title": "口座番号をすべて表示しますか",
        "lead": f"登録手続き {row.number} {row.display_name}",
        "facts": [],
        "consequences": ["誰が、いつ、何のために見たかが記録され、承認者と管理者が確かめます。"],
        "label": "理由を記録して表示する",
        "tone": "primary",
        "action_url": request.path,
        "form": form,
    }
    return render(request, "office/confirm.html", context)
