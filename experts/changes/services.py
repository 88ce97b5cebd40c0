"""The acts on a request to change what is registered about an expert (A7, spec 002 §3(1)2)①).

The expert asks on the own page, or the office enters what came on paper or by mail. One person of the office checks it
against its evidence, another makes it: service and database refuse the same person. Only `make_change` writes the
expert; the old values stay in the history. What was computed before it is warned by listeners of higher layers
(`when_made`).
"""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from accounts.models import User
from accounts.rights import require
from accounts.services import change_contact
from core import clock
from core.audit.acting import Actor, acting
from core.errors import DomainError, FieldErrors, NotAllowed
from core.secrets import fingerprint
from experts.models import Expert

from . import telling
from .entry import FIELDS, applied, judged, title_of, values_of
from .models import ChangeRequest

Kind, State, Source = ChangeRequest.Kind, ChangeRequest.State, ChangeRequest.Source
ASK: Final = "ask_change"
HANDLE: Final = "handle_changes"
MAKE: Final = "make_change"
LONGEST: Final = 300
# Our own practice, no rule of the programme: so long somebody whose account was taken over can object.
WAIT_DAYS: Final = 3
WAITS: Final = frozenset({"bank_code", "branch_code", "account_number", "account_holder_kana", "email"})

MadeListener = Callable[[Expert, frozenset[str], Actor], None]
_LISTENERS: list[MadeListener] = []


def when_made(listener: MadeListener) -> MadeListener:
    """Registers who wants to know that an expert was changed: called in the transaction, with the changed fields."""
    if listener not in _LISTENERS:
        _LISTENERS.append(listener)
    return listener


class StaleRequest(DomainError):
    """The request, or the expert, is no longer what the page showed."""

    def __init__(self, row: ChangeRequest) -> None:
        super().__init__(
            f"{row.number} または専門家の登録が、画面を開いた後に変わりました（いまは「{row.get_state_display()}」）。"
            "最新の内容を確認して、もう一度行ってください。",
            code="stale",
        )


def changed_fields(row: ChangeRequest) -> tuple[str, ...]:
    """The fields in which the request differs from what was registered when it was asked."""
    old, new = row.old_values, row.new_values
    return tuple(name for name in FIELDS[row.kind] if old.get(name) != new.get(name))


def conflicts(row: ChangeRequest, expert: Expert) -> tuple[str, ...]:
    """The fields that became something else since the request was asked, and not what it wants."""
    old, new, now = row.old_values, row.new_values, values_of(expert, row.kind)
    return tuple(name for name in FIELDS[row.kind] if now[name] not in (old.get(name), new.get(name)))


def waits_until(row: ChangeRequest) -> dt.date | None:
    """Until which day an objection to a new account or address should be waited for; None for other changes."""
    if not WAITS.intersection(changed_fields(row)):
        return None
    return clock.jst(row.asked_at).date() + dt.timedelta(days=WAIT_DAYS)


def seen_token(row: ChangeRequest, expert: Expert) -> str:
    """Which request over which registered values a page shows; goes back with the act (`seen`)."""
    return fingerprint(json.dumps([row.pk, row.version, values_of(expert, row.kind)]))


def ask_change(
    *, expert: Expert, kind: str, entry: Mapping[str, Any], reason: str, key: str, actor: User
) -> ChangeRequest:
    """The expert asks for a change; the receipt goes to the address registered until now.

    FieldErrors; DomainError while a request of the same kind is open. The same key: the first one, unchanged. A
    returned request of the kind is sent again with the new values.
    """
    require(actor, ASK)
    if not Expert.objects.visible_to(actor).filter(pk=expert.pk, user=actor).exists():
        raise NotAllowed("ほかの専門家の登録内容は変更できません。ご自分の画面から申請してください。")
    with acting(actor, ASK):
        return _ask(expert, kind, entry, reason, key, actor, Source.PAGE, "")


def enter_request(
    *,
    expert: Expert,
    kind: str,
    entry: Mapping[str, Any],
    reason: str,
    source: str,
    source_note: str,
    key: str,
    actor: User,
) -> ChangeRequest:
    """The office enters a request that came on paper or by mail, with from whom and when. As `ask_change`."""
    require(actor, HANDLE)
    problems: dict[str, str] = {}
    note = " ".join(source_note.split())
    if source not in (Source.LETTER, Source.MAIL):
        problems["source"] = "届いた経路（書面かメール）を選んでください。"
    if not note:
        problems["source_note"] = (
            "誰から、いつ、何で届いたかを入力してください。例：11月20日着の変更届（郵送）"
        )
    elif len(note) > LONGEST:
        problems["source_note"] = f"{LONGEST}文字以内で入力してください。"
    if problems:
        raise FieldErrors(problems)
    with acting(actor, "enter_change_request", note):
        return _ask(expert, kind, entry, reason, key, actor, source, note)


def _ask(
    expert: Expert,
    kind: str,
    entry: Mapping[str, Any],
    reason: str,
    key: str,
    actor: User,
    source: str,
    note: str,
) -> ChangeRequest:
    locked = Expert.objects.select_for_update(of=("self",)).get(pk=expert.pk)
    if (first := ChangeRequest.objects.filter(key=key).first()) is not None:
        if (first.expert_id, first.kind) != (locked.pk, kind):
            raise DomainError(
                "この画面からは、別の変更が既に送信されています。画面を開き直して、もう一度申請してください。",
                code="key",
            )
        return first
    row = ChangeRequest.objects.open().select_for_update().filter(expert=locked, kind=kind).first()
    if row is not None and row.state != State.RETURNED:
        raise DomainError(
            f"「{row.get_kind_display()}」の変更は、{row.number} が{row.get_state_display()}です。"
            "終わるのを待つか、取り下げてから、もう一度申請してください。",
            code="open",
        )
    reason = " ".join(reason.split())
    problems: dict[str, str] = {}
    if not reason:
        problems["reason"] = "変更の理由を入力してください。例：転居のため"
    elif len(reason) > LONGEST:
        problems["reason"] = f"{LONGEST}文字以内で入力してください。"
    try:
        values, _hints = judged(locked, kind, entry)
    except FieldErrors as refusal:
        problems |= refusal.by_field
        values = {}
    if problems:
        raise FieldErrors(problems)
    if row is None:
        row = ChangeRequest(expert=locked, kind=kind, version=0)
    row.state, row.source, row.source_note, row.reason = State.ASKED, source, note, reason
    row.before, row.wanted = (
        json.dumps(each, ensure_ascii=False) for each in (values_of(locked, kind), values)
    )
    row.key, row.asked_by, row.asked_at = key, actor, clock.now()
    # what was checked before a return is another request's check
    row.checked_by, row.checked_at, row.check_note = None, None, ""
    row.version += 1
    row.save()
    telling.settle(row, actor)
    telling.mail_asked(row, locked.email, actor, waits=bool(WAITS.intersection(changed_fields(row))))
    return row


def withdraw_change(*, request: ChangeRequest, actor: User) -> ChangeRequest:
    """The expert takes the request back, at any time before it is made."""
    require(actor, ASK)
    with acting(actor, "withdraw_change"):
        row, _ = _locked(request, actor)
        if row.state == State.WITHDRAWN:
            return row
        _require(row, (State.ASKED, State.RETURNED, State.CHECKED), "取り下げ")
        return _answered(row, State.WITHDRAWN, "本人が取り下げました。", actor)


def check_change(*, request: ChangeRequest, note: str, seen: str, actor: User) -> ChangeRequest:
    """One person has compared the request with its evidence; `note` says with what. Another one makes it."""
    require(actor, HANDLE)
    note = _text(note, "確認した資料と内容", "例：通帳の写しと照合した")
    with acting(actor, "check_change", note):
        row, expert = _locked(request, actor, seen)
        _require(row, (State.ASKED,), "確認")
        row.state, row.check_note = State.CHECKED, note
        row.checked_by, row.checked_at = actor, clock.now()
        return _saved(row, expert)


def return_change(*, request: ChangeRequest, reason: str, seen: str, actor: User) -> ChangeRequest:
    """Back to the expert with a reason, by mail and as a task on the own page."""
    require(actor, HANDLE)
    reason = _text(reason, "差し戻す理由", "本人に伝わります")
    with acting(actor, "return_change", reason):
        row, expert = _locked(request, actor, seen)
        _require(row, (State.ASKED, State.CHECKED), "差戻し")
        _answered(row, State.RETURNED, reason, actor)
        telling.tell_returned(row, expert, actor)
        return row


def refuse_change(*, request: ChangeRequest, reason: str, seen: str, actor: User) -> ChangeRequest:
    """The change isn't made; the expert is told why."""
    require(actor, HANDLE)
    reason = _text(reason, "反映しない理由", "本人に伝わります")
    with acting(actor, "refuse_change", reason):
        row, expert = _locked(request, actor, seen)
        _require(row, (State.ASKED, State.RETURNED, State.CHECKED), "「反映しない」に")
        _answered(row, State.REFUSED, reason, actor)
        telling.mail_refused(row, expert.email, actor)
        return row


def why_not_make(row: ChangeRequest, actor: User) -> str:
    """Why this person can't make the change; "" when they can."""
    if row.checked_by_id == actor.pk:
        return "確認した人は反映できません。別の担当者または承認者に依頼してください。"
    return ""


def make_change(
    *, request: ChangeRequest, seen: str, actor: User, conflict_seen: bool = False
) -> ChangeRequest:
    """Writes the checked values to the expert, and tells the old and the new address.

    Refuses who checked it; StaleRequest when request or expert is another than shown; what can't be registered any
    more; and, unless `conflict_seen`, a request over values that became others after it was asked.
    """
    require(actor, MAKE)
    with acting(actor, MAKE, request.number):
        row, expert = _locked(request, actor, seen)
        _require(row, (State.CHECKED,), "反映")
        if why := why_not_make(row, actor):
            raise NotAllowed(why)
        if (crossed := conflicts(row, expert)) and not conflict_seen:
            named = "、".join(title_of(name) for name in crossed)
            raise DomainError(
                f"申請の後に、登録されている内容（{named}）が別のところで変わっています。"
                "いまの内容と見比べて、上書きしてよければ確認欄にチェックを入れてください。",
                code="conflict",
            )
        values = row.new_values
        judged(expert, row.kind, values)
        # what the person didn't ask to change stays as it is now
        wanted = {name: values[name] for name in changed_fields(row)}
        old_email = expert.email
        for name, value in applied(wanted).items():
            setattr(expert, name, value)
        expert.save(update_fields=[*wanted, "updated_at"])
        if expert.user is not None and {"email", "name"} & set(wanted):
            # a link that was mailed to the old address dies with it
            change_contact(user=expert.user, display_name=expert.name, email=expert.email, actor=actor)
        row.state, row.made_by, row.made_at = State.MADE, actor, clock.now()
        _saved(row, expert)
        telling.settle(row, actor)
        telling.mail_made(row, {old_email, expert.email}, actor)
        for listener in _LISTENERS:
            listener(expert, frozenset(wanted), actor)
        return row


def _text(text: str, what: str, hint: str) -> str:
    text = " ".join(text.split())
    if not text:
        raise DomainError(f"{what}を入力してください（{hint}）。", code="note")
    if len(text) > LONGEST:
        raise DomainError(
            f"{what}は{LONGEST}文字以内で入力してください（いまは{len(text)}文字）。", code="note"
        )
    return text


def _locked(request: ChangeRequest, actor: User, seen: str | None = None) -> tuple[ChangeRequest, Expert]:
    """Request and expert as they are now, locked in this order: expert first, as asking does."""
    expert = Expert.objects.select_for_update(of=("self",)).select_related("user").get(pk=request.expert_id)
    rows = ChangeRequest.objects.visible_to(actor)
    row = rows.select_for_update(of=("self",)).get(pk=request.pk)
    row.expert = expert
    if seen is not None and seen != seen_token(row, expert):
        raise StaleRequest(row)
    return row, expert


def _require(row: ChangeRequest, states: tuple[str, ...], doing: str) -> None:
    if row.state not in states:
        wanted = "・".join(str(State(state).label) for state in states)
        raise DomainError(
            f"{row.number} は「{row.get_state_display()}」のため、{doing}できません。"
            f"できるのは「{wanted}」のときです。画面を開き直してください。",
            code="state",
        )


def _answered(row: ChangeRequest, state: str, answer: str, actor: User) -> ChangeRequest:
    row.state, row.answer = state, answer
    row.answered_by, row.answered_at = actor, clock.now()
    row.version += 1
    row.save()
    telling.settle(row, actor)
    return row


def _saved(row: ChangeRequest, expert: Expert) -> ChangeRequest:
    row.version += 1
    row.save()
    row.expert = expert
    return row
