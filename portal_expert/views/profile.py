"""/expert/profile/: what is registered about oneself, and asking for it to be changed (A7)."""

import json
import uuid
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from core import clock
from core.audit.services import record_page
from core.errors import DomainError, FieldErrors, NotAllowed
from dispatch import services as drafts
from experts.changes.entry import FIELDS, in_words, title_of, values_of
from experts.changes.forms import FORMS, NOT_KEPT, ChangeForm
from experts.changes.models import ChangeRequest
from experts.changes.selectors import affiliations_of, lines_of
from experts.changes.services import ask_change, withdraw_change
from experts.models import Expert
from portal_expert.access import expert_view, person
from portal_expert.account_answers import answer_account
from portal_expert.report_entry import plain

Kind, State = ChangeRequest.Kind, ChangeRequest.State
_MOST_PAST: Final = 20
_MOST_VALUES: Final = 60
_LONGEST: Final = 4_000


@dataclass(frozen=True, slots=True)
class Begun:
    """A form begun earlier: its values, when they were saved, and where they are thrown away."""

    values: dict[str, Any]
    saved_at: Any
    discard_url: str


def _own(user: User) -> Expert:
    expert = Expert.objects.visible_to(user).filter(user=user).select_related("recommended_by").first()
    if expert is None:
        raise NotAllowed("この利用者には専門家の登録が結び付いていません。事務局へご連絡ください。")
    return expert


def _form_name(kind: str) -> str:
    return f"expert_change:{kind}"


def _known(kind: str) -> str:
    if kind not in FORMS:
        raise Http404
    return kind


@never_cache
@require_safe
@expert_view
def profile(request: HttpRequest) -> HttpResponse:
    """Everything registered, in groups; what is asked for; where to ask."""
    user = person(request)
    expert = _own(user)
    requests = list(ChangeRequest.objects.visible_to(user).filter(expert=expert)[:_MOST_PAST])
    open_ones = {row.kind: row for row in requests if row.is_open}
    groups = []
    for kind in (Kind.CONTACT, Kind.EXPERTISE, Kind.ACCOUNT, Kind.PAYEE):
        words = in_words(values_of(expert, kind))
        rows = [(title_of(name), words[name]) for name in FIELDS[kind]]
        groups.append({"kind": kind, "title": kind.label, "rows": rows, "open": open_ones.get(kind)})
    record_page(actor=user, rows=expert)
    context = {
        "section": "profile",
        "expert": expert,
        "groups": groups,
        "affiliated": affiliations_of(expert),
        "past": [row for row in requests if not row.is_open],
    }
    return render(request, "expert/profile/profile.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@expert_view
def change(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The form of one group, or the request that waits for the office."""
    user, expert = person(request), _own(person(request))
    kind = _known(kind)
    form: ChangeForm
    begun = None
    if request.method == "POST":
        form = FORMS[kind](request.POST, expert=expert)
        if form.is_valid() and (row := _asked(form, kind, user)) is not None:
            drafts.discard_draft(person=user, form=_form_name(kind), object="")
            messages.success(
                request,
                f"変更の申請（{row.number}）を受け付けました。事務局が確認するまで、登録内容は変わりません。",
            )
            return redirect("expert:profile")
    open_one = ChangeRequest.objects.visible_to(user).open().filter(expert=expert, kind=kind).first()
    if request.method != "POST":
        found = drafts.draft_of(person=user, form=_form_name(kind), object="")
        if found is not None:
            begun = Begun(found.values, found.saved_at, reverse("expert:change_discard", args=[kind]))
        form = FORMS[kind](expert=expert, begun=begun.values if begun else None)
    record_page(actor=user, rows=expert)
    context = {
        "section": "profile",
        "expert": expert,
        "kind": Kind(kind),
        "form": form,
        "begun": begun,
        "open_one": open_one,
        "lines": lines_of(open_one, expert) if open_one is not None else [],
        "can_ask": open_one is None or open_one.state == State.RETURNED,
        "now": [(title_of(name), words) for name, words in in_words(values_of(expert, kind)).items()],
    }
    return render(request, "expert/profile/change.html", context)


def _asked(form: ChangeForm, kind: str, user: User) -> ChangeRequest | None:
    """The request, or None with the refusal in the form; nothing typed is lost."""
    try:
        return ask_change(
            expert=form.expert,
            kind=kind,
            entry=form.entry(),
            reason=form.cleaned_data["reason"],
            key=form.cleaned_data["key"] or "-",
            actor=user,
        )
    except FieldErrors as refusal:
        form.refuse(refusal.by_field)
    except NotAllowed:
        raise
    except DomainError as refusal:
        form.add_error(None, refusal.message)
    return None


@require_POST
@expert_view
def account(request: HttpRequest) -> HttpResponse:
    """Answers the account fields while they are typed: banks, branches, what would be refused (static/js/account-entry.js)."""
    expert = _own(person(request))
    return answer_account(
        request,
        who=f"user:{person(request).pk}",
        person={"kana": expert.kana, "payee_class": expert.payee_class},
    )


@require_POST
@expert_view
def change_keep(request: HttpRequest, kind: str) -> HttpResponse:
    """Saves what was typed so far (static/js/autosave.js); never numbers of an account."""
    user = person(request)
    kind = _known(kind)
    _own(user)
    try:
        sent = json.loads(request.body)["values"]
        items = list(sent.items())[:_MOST_VALUES]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return JsonResponse({"message": "入力内容を読み取れませんでした。"}, status=400)
    fields = FORMS[kind].base_fields
    values: dict[str, Any] = {}
    for name, value in items:
        if name not in fields or name in NOT_KEPT:
            continue
        if isinstance(value, list):
            values[name] = [plain(each)[:_LONGEST] for each in value[:_MOST_VALUES] if isinstance(each, str)]
        elif isinstance(value, str):
            values[name] = plain(value)[:_LONGEST]
    try:
        saved = drafts.save_draft(person=user, form=_form_name(kind), object="", values=values)
    except DomainError as refusal:
        return JsonResponse({"message": refusal.message}, status=413)
    return JsonResponse({"shown": f"{clock.jst(saved.saved_at):%H:%M}"})


@require_POST
@expert_view
def change_discard(request: HttpRequest, kind: str) -> HttpResponse:
    """Forgets what was typed and shows the form as it was before."""
    drafts.discard_draft(person=person(request), form=_form_name(_known(kind)), object="")
    return redirect("expert:change", kind)


@require_POST
@expert_view
def change_withdraw(request: HttpRequest, request_id: uuid.UUID) -> HttpResponse:
    """Takes a request back."""
    user = person(request)
    row = get_object_or_404(ChangeRequest.objects.visible_to(user), uuid=request_id)
    withdraw_change(request=row, actor=user)
    messages.success(request, f"変更の申請（{row.number}）を取り下げました。登録内容は変わりません。")
    return redirect("expert:profile")
