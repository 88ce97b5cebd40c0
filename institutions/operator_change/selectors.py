"""What screens read of changes of operators."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import QuerySet

from accounts.models import User
from institutions.models import HandedOver, Institution, OperatorChange, OperatorReturn

from .answers import FIELDS, Field

State = OperatorChange.State


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a change: what it is called, "done", "current" or "waiting", when, by whom, and a word more."""

    label: str
    state: str
    at: dt.datetime | None = None
    by: str = ""
    note: str = ""


def changes_of(user: User) -> QuerySet[OperatorChange]:
    """All changes, the newest first, with former, successor and people."""
    return (
        OperatorChange.objects.visible_to(user)
        .select_related(
            "former", "successor", "started_by", "form_sent_by", "stopped_by", "checked_by", "opened_by"
        )
        .order_by("-pk")
    )


def _name(user: User | None, otherwise: str = "") -> str:
    return user.get_full_name() if user is not None else otherwise


def steps_of(change: OperatorChange) -> list[Step]:
    """The task's steps with who and when. No query on a change of `changes_of`."""
    state = change.state

    def status(done: bool, current: bool) -> str:
        return "done" if done else "current" if current and change.is_open else "waiting"

    answered = state in (State.CHECKING, State.READY, State.OPENED)
    day = change.last_day
    return [
        Step("旧実施機関への予告", "done", change.started_at, _name(change.started_by)),
        Step(
            "登録フォームの送付",
            status(change.form_sent_at is not None, state == State.NOTIFIED),
            change.form_sent_at,
            _name(change.form_sent_by),
            change.form_email,
        ),
        Step(
            "新実施機関の回答",
            status(answered, state in (State.FILLING, State.RETURNED)),
            change.answered_at if answered else None,
            change.form_name if answered else "",
            "差し戻した項目の修正を待っています" if state == State.RETURNED else "",
        ),
        Step(
            "事務局の確認",
            status(change.checked_at is not None, state == State.CHECKING),
            change.checked_at,
            _name(change.checked_by),
        ),
        Step(
            "旧IDの停止",
            status(change.stopped_at is not None, True),
            change.stopped_at,
            _name(change.stopped_by, "自動" if change.stopped_at else ""),
            f"{change.stopped_count:,}人"
            if change.stopped_at
            else f"{day.year}年{day.month}月{day.day}日の翌日に自動で停止します",
        ),
        Step(
            "新実施機関の開設",
            status(state == State.OPENED, state == State.READY and change.stopped_at is not None),
            change.opened_at,
            _name(change.opened_by),
            change.successor.code if change.successor is not None else "",
        ),
    ]


@dataclass(frozen=True, slots=True)
class Answered:
    """One field of the last answer: what it says, what it said before, and why it was sent back last."""

    field: Field
    value: str
    before: str
    returned: str


def answered_fields(change: OperatorChange) -> list[Answered]:
    """The last answer, field by field, empty ones of users left out; [] before there is one. Two queries."""
    answers = list(change.answers.order_by("-round")[:2])
    if not answers:
        return []
    now, before = answers[0].fields, answers[1].fields if len(answers) > 1 else {}
    returned = returned_fields(change)
    return [
        Answered(
            field,
            now.get(field.name, ""),
            before.get(field.name, "") if before.get(field.name, "") != now.get(field.name, "") else "",
            returned.get(field.name, ""),
        )
        for field in FIELDS
        if field.required or now.get(field.name) or before.get(field.name)
    ]


def returned_fields(change: OperatorChange) -> dict[str, str]:
    """Field → reason of what was sent back last. One query."""
    rows = list(OperatorReturn.objects.filter(change=change).order_by("-round", "pk"))
    return {row.field: row.reason for row in rows if row.round == rows[0].round}


def operators_of_base(institution: Institution) -> list[OperatorChange]:
    """All changes of the base an institution runs or ran, the oldest first; two queries a change."""
    found: list[OperatorChange] = []
    rows = OperatorChange.objects.filter(state=State.OPENED).select_related("former", "successor")
    first = rows.filter(successor=institution).first()
    while first is not None:
        found.insert(0, first)
        first = rows.filter(successor=first.former_id).first()
    following = rows.filter(former=institution).first()
    while following is not None:
        found.append(following)
        following = rows.filter(former=following.successor_id).first()
    return found


def handed_over_of(kind: str, number: str) -> HandedOver | None:
    """How a record (支援案件, 派遣, 専門家の登録手続き) last came from one operator to the next, with the change. One query."""
    rows = HandedOver.objects.filter(kind=kind, number=number)
    return rows.select_related("change__former").order_by("-change").first()
