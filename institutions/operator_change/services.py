"""What the office does to change a よろず's operator (B3). What the new operator does: `entering`."""

import datetime as dt
from collections.abc import Mapping
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection

from accounts.models import User
from accounts.rights import require
from accounts.services import stop_user
from core import clock
from core.audit.acting import SYSTEM, Actor, acting
from core.database.numbers import next_number
from core.errors import DomainError, FieldErrors
from core.japan.calendar import long_date_with_weekday
from core.japan.text import normal_code
from institutions.models import YOROZU, Institution, OperatorChange, OperatorReturn

from . import telling
from .answers import BY_NAME
from .steps import ENTERING, State, fresh_link, locked, put, require_state

ACT: Final = "change_operator"
MOST_TEXT: Final = 2_000
_EARLIEST: Final = dt.timedelta(days=31)
_LATEST: Final = dt.timedelta(days=366)


def start_change(
    *,
    former: Institution,
    last_day: dt.date,
    message: str,
    form_name: str,
    form_person: str,
    form_email: str,
    key: str,
    actor: User,
) -> OperatorChange:
    """Begins a change and tells everybody of the old operator by mail; from `last_day` on it applies for nothing more.

    The same `key` answers the first. Raises FieldErrors by field, DomainError when a change of it is under way.
    """
    require(actor, ACT)
    key = key.strip()
    if not key or len(key) > 64:
        raise DomainError("送信の番号がありません。画面を開き直して、もう一度送信してください。", code="key")
    texts = {"message": message.strip(), "form_name": form_name.strip(), "form_person": form_person.strip()}
    texts["form_email"] = normal_code(form_email)
    _check_start(texts, last_day)
    with acting(actor, "start_operator_change"):
        base = Institution.objects.select_for_update().get(pk=former.pk)
        if (first := OperatorChange.objects.filter(key=key).first()) is not None:
            return first
        _require_changeable(base)
        row = OperatorChange.objects.create(
            number=next_number("institutions_operatorchange_number_seq", "Y", clock.today().year),
            key=key,
            former=base,
            former_valid_until=base.valid_until,
            last_day=last_day,
            started_by=actor,
            started_at=clock.now(),
            **texts,
        )
        base.valid_until = last_day if base.valid_until is None else min(base.valid_until, last_day)
        base.save(update_fields=["valid_until", "updated_at"])
        telling.mail_old(row, "operator_stop_notice", _people(base), actor)
    return row


def _check_start(texts: Mapping[str, str], last_day: dt.date) -> None:
    bad: dict[str, str] = {}
    if not clock.today() - _EARLIEST <= last_day <= clock.today() + _LATEST:
        bad["last_day"] = "最終日は、31日前から1年後までの日にしてください。"
    if not texts["form_name"]:
        bad["form_name"] = "新しい実施機関の名前を入力してください。"
    if not texts["form_person"]:
        bad["form_person"] = "フォームを受け取る人の氏名を入力してください。"
    try:
        validate_email(texts["form_email"])
    except ValidationError:
        bad["form_email"] = "メールアドレスの形式が正しくありません。例：tanto@example.jp"
    for name, most in (("message", MOST_TEXT), ("form_name", 200), ("form_person", 150)):
        if len(texts[name]) > most:
            bad[name] = f"{most:,}文字以内で入力してください（いまは{len(texts[name]):,}文字）。"
    if bad:
        raise FieldErrors(bad)


def _require_changeable(base: Institution) -> None:
    if base.kind != YOROZU:
        raise DomainError(
            f"{base.name}は{base.kind}です。実施機関を変更できるのは、よろず支援拠点だけです。"
            "ほかの機関の変更は、構成機関名簿・変更届出書で反映してください。"
        )
    other = OperatorChange.objects.filter(former=base).exclude(state=State.WITHDRAWN).first()
    if other is not None:
        raise DomainError(
            f"{base.name}の変更は、既に始まっています（{other.number}、{other.get_state_display()}）。"
            "その手続きの画面で続けてください。",
            code="running",
        )


def _people(base: Institution) -> list[User]:
    """Who can sign in for the institution now."""
    return list(User.objects.filter(institution_member__institution=base, is_active=True).order_by("pk"))


def send_form(*, change: OperatorChange, version: int, actor: User) -> OperatorChange:
    """Mails the form with a new personal link; a former link is dead from now on, what was typed is kept."""
    require(actor, ACT)
    with acting(actor, "send_operator_form"):
        row = locked(change, version)
        require_state(row, (State.NOTIFIED, *ENTERING), "登録フォームの送付を")
        token, link = fresh_link()
        state = State.RETURNED if row.state == State.RETURNED else State.FILLING
        put(row, state=state, form_sent_by=actor, form_sent_at=clock.now(), **link)
        telling.mail_form(row, token, actor)
    return row


def stop_old_ids(*, change: OperatorChange, actor: Actor) -> OperatorChange:
    """Ends the old operator's accounts, by the timer or by hand, once its last day is over. Again: nothing."""
    if isinstance(actor, User):
        require(actor, ACT)
    with acting(actor, "stop_operator"):
        row = locked(change)
        if row.stopped_at is not None:
            return row
        if not row.is_open:
            require_state(row, (State.NOTIFIED, *ENTERING, State.CHECKING, State.READY), "旧IDの停止を")
        if clock.today() <= row.last_day:
            raise DomainError(
                f"旧実施機関の最終日（{long_date_with_weekday(row.last_day)}）が終わるまで、IDは停止できません。"
                "翌日に自動で停止します。"
            )
        people = _people(row.former)
        reason = f"よろず支援拠点の実施機関の変更（{row.number}）"
        for user in people:
            stop_user(user=user, actor=actor, reason=reason)
        by = actor if isinstance(actor, User) else None
        put(row, stopped_by=by, stopped_at=clock.now(), stopped_count=len(people))
        telling.mail_old(row, "operator_stopped", people, actor)
        _tell_ready(row, actor)
    return row


def stop_due() -> int:
    """Ends the old IDs of every change whose last day is over; answers of how many."""
    due = OperatorChange.objects.filter(stopped_at=None, last_day__lt=clock.today()).exclude(
        state__in=[State.OPENED, State.WITHDRAWN]
    )
    changes = list(due.order_by("pk"))
    for change in changes:
        stop_old_ids(change=change, actor=SYSTEM)
    return len(changes)


def _tell_ready(row: OperatorChange, actor: Actor) -> None:
    if row.state == State.READY and row.stopped_at is not None:
        telling.tell_office(row, telling.OPEN, f"{row.number} 新実施機関の開設", actor)


def return_fields(
    *, change: OperatorChange, fields: Mapping[str, str], version: int, actor: User
) -> OperatorChange:
    """Sends single fields back to the new operator, each with a reason (field → reason), by a new link.

    Raises FieldErrors by field.
    """
    require(actor, ACT)
    if not fields:
        raise DomainError("差し戻す項目を1つ以上選んでください。", code="fields")
    if set(fields) - set(BY_NAME):
        raise DomainError("差し戻せない項目が選ばれています。画面を開き直してください。", code="fields")
    bad = {
        name: f"「{BY_NAME[name].title}」の差戻しの理由を{MOST_TEXT:,}文字以内で入力してください。"
        for name, reason in fields.items()
        if not 0 < len(reason.strip()) <= MOST_TEXT
    }
    if bad:
        raise FieldErrors(bad)
    with acting(actor, "return_operator_form"):
        row = locked(change, version)
        require_state(row, (State.CHECKING,), "差戻しを")
        round_ = row.answers.count()
        now = clock.now()
        returns = [
            OperatorReturn(change=row, round=round_, field=name, reason=reason.strip(), by=actor, at=now)
            for name, reason in fields.items()
        ]
        OperatorReturn.objects.bulk_create(returns)
        token, link = fresh_link()
        put(row, state=State.RETURNED, **link)
        telling.settle(row, actor, telling.CHECK)
        telling.mail_return(row, token, returns, actor)
    return row


def confirm_answer(*, change: OperatorChange, version: int, actor: User) -> OperatorChange:
    """The answer can be registered as it is; the form is closed."""
    require(actor, ACT)
    with acting(actor, "confirm_operator_form"):
        row = locked(change, version)
        require_state(row, (State.CHECKING,), "回答の確認を")
        put(row, state=State.READY, checked_by=actor, checked_at=clock.now(), token_hash="")
        telling.settle(row, actor, telling.CHECK)
        _tell_ready(row, actor)
    return row


def withdraw_change(*, change: OperatorChange, reason: str, version: int, actor: User) -> OperatorChange:
    """Calls a change off before the opening: the link is dead, the old operator's validity is what it was.

    IDs that were stopped stay stopped: whoever resumes one decides so for each person.
    """
    require(actor, ACT)
    reason = reason.strip()
    if not reason:
        raise FieldErrors({"reason": "中止の理由を入力してください。"})
    with acting(actor, "withdraw_operator_change", reason):
        row = locked(change, version)
        if not row.is_open:
            raise DomainError(f"{row.number} は「{row.get_state_display()}」のため、中止できません。")
        base = Institution.objects.select_for_update().get(pk=row.former_id)
        base.valid_until = row.former_valid_until
        base.save(update_fields=["valid_until", "updated_at"])
        put(row, state=State.WITHDRAWN, token_hash="", closed_reason=reason[:MOST_TEXT])
        telling.settle(row, actor)
        if row.stopped_at is None:
            telling.mail_old(row, "operator_stop_called_off", _people(base), actor)
    return row


def lock_codes() -> None:
    """One opening at a time, so that two don't take the same code."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('open_operator'))")
