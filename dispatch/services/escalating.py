"""Telling the agency of a doubt about a dispatch, and recording what it answered (C11, C15)."""

import datetime as dt

from core import clock
from core.audit.acting import Actor, acting
from core.errors import DomainError

from ..models import Dispatch, Escalation
from ..transitions import ESCALATABLE
from .steps import locked, require_reason, require_status, somebody


def escalate_dispatch(*, dispatch: Dispatch, kind: str, text: str, actor: Actor) -> Escalation:
    """Records that the agency is told of a doubt. It changes nothing about the payment: holding is an act of its own.

    The same kind about the same dispatch waits for its answer once only.
    """
    text = require_reason(text, "報告の内容")
    if kind not in Escalation.Kind.values:
        raise DomainError("報告の種類を選んでください。")
    with acting(actor, "escalate_dispatch", text):
        row = locked(dispatch, actor, "escalate_dispatch")
        require_status(row, ESCALATABLE, "中小企業庁への報告")
        if Escalation.objects.filter(dispatch=row, kind=kind, closed_at=None).exists():
            raise DomainError(
                f"派遣 {row.number} の「{Escalation.Kind(kind).label}」は既に報告し、回答を待っています。"
            )
        return Escalation.objects.create(
            dispatch=row, kind=kind, text=text, reported_by=somebody(actor), reported_at=clock.now()
        )


def close_escalation(
    *, escalation: Escalation, answer: str, answered_on: dt.date, actor: Actor
) -> Escalation:
    """Records the agency's answer, which ends the wait."""
    answer = require_reason(answer, "中小企業庁の回答")
    if answered_on > clock.today():
        raise DomainError("回答日は今日までの日付を入れてください。")
    with acting(actor, "close_escalation", answer):
        locked(escalation.dispatch, actor, "escalate_dispatch")
        row = Escalation.objects.select_for_update().get(pk=escalation.pk)
        if row.closed_at is not None:
            raise DomainError("この報告の回答は、既に記録されています。")
        row.answer, row.answered_on = answer, answered_on
        row.closed_by, row.closed_at = somebody(actor), clock.now()
        row.save(update_fields=["answer", "answered_on", "closed_by", "closed_at"])
        return row
