"""The institution's approval with the accompaniment, and the way one step back (C11)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.audit.acting import Actor, acting
from core.errors import DomainError, FieldErrors
from institutions.models import Member

from ..models import Dispatch, Status
from . import telling
from .attesting import last_answer
from .steps import locked, person, require_reason, require_status, step, this_minute

RETURNABLE = (Status.REPORTED, Status.APPROVED, Status.VERIFIED)


@dataclass(frozen=True, slots=True)
class Accompaniment:
    """同行: with its times and who went along, or why nobody did."""

    accompanied: bool
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    reason: str = ""
    by: str = ""


def _accompaniment_values(row: Dispatch, said: Accompaniment) -> dict[str, Any]:
    if not said.accompanied:
        if not said.reason.strip():
            raise FieldErrors({"同行無の理由": "同行しなかった理由を入れてください。"})
        return {
            "accompanied": False,
            "accompanied_from": None,
            "accompanied_to": None,
            "accompanied_by": "",
            "no_accompaniment_reason": said.reason.strip(),
        }
    if said.start is None or said.end is None:
        raise FieldErrors({"同行開始": "同行の開始と終了の時刻を入れてください。"})
    start, end = (moment.replace(second=0, microsecond=0) for moment in (said.start, said.end))
    assert row.visited_from and row.visited_to
    if end <= start:
        raise FieldErrors({"同行終了": "同行終了は同行開始より後にしてください。"})
    if start >= row.visited_to or end <= row.visited_from:
        raise FieldErrors({"同行開始": "同行の時刻が、支援の実施時刻と重なっていません。"})
    if not said.by.strip():
        # C11: with whom, from when to when
        raise FieldErrors({"同行者": "同行した人の氏名を入れてください。"})
    return {
        "accompanied": True,
        "accompanied_from": start,
        "accompanied_to": end,
        "accompanied_by": said.by.strip()[:200],
        "no_accompaniment_reason": "",
    }


def approve_dispatch(
    *, dispatch: Dispatch, accompaniment: Accompaniment, actor: Actor, edit_token: str = ""
) -> Dispatch:
    """The institution approves report and attestation and records the accompaniment. The office checks next."""
    with acting(actor, "approve_dispatch"):
        row = locked(dispatch, actor, "approve_dispatch", edit_token)
        require_status(row, (Status.REPORTED,), "承認")
        if row.attested_at is None:
            answer = last_answer(row)
            if answer is not None and not answer.confirmed:
                raise DomainError(
                    f"派遣 {row.number} は支援先が「相違あり」と回答しています。"
                    "内容を確認して専門家へ差し戻すか、従事証明をもう一度依頼してください。"
                )
            raise DomainError(
                f"派遣 {row.number} は支援先の従事証明がまだないため、承認できません。従事証明を依頼してください。"
            )
        values = _accompaniment_values(row, accompaniment)
        step(row, "approve", "承認", approved_at=this_minute(), **values)
        telling.settle(row, actor, telling.APPROVE, telling.OBJECTION)
        telling.tell_office(row, telling.VERIFY, f"派遣 {row.number} の確認", actor, row.company.name)
        return row


def return_dispatch(
    *, dispatch: Dispatch, reasons: Sequence[str], comment: str = "", actor: Actor, edit_token: str = ""
) -> Dispatch:
    """Takes a dispatch one step back with reasons, ready-made or free; whose turn it is is told."""
    reason = require_reason(
        "、".join(text.strip() for text in (*reasons, comment) if text.strip()), "差戻しの理由"
    )
    with acting(actor, "return_dispatch", reason):
        row = locked(dispatch, actor, "return_dispatch", edit_token)
        user = person(actor)
        of_institution = user is not None and Member.objects.filter(user=user).exists()
        require_status(row, (Status.REPORTED,) if of_institution else RETURNABLE, "差戻し")
        title = f"派遣 {row.number} が差し戻されました"
        if row.status == Status.REPORTED:
            step(row, "return", "差戻し", reported_at=None)
            telling.settle(row, actor, telling.APPROVE)
            telling.tell_expert(row, telling.REPORT, title, actor, reason[:200])
        elif row.status == Status.APPROVED:
            step(row, "return", "差戻し", approved_at=None)
            telling.settle(row, actor, telling.VERIFY)
            telling.tell_institution(row, telling.APPROVE, title, actor, reason[:200])
        else:
            step(row, "return", "差戻し")
            telling.tell_office(row, telling.VERIFY, title, actor, reason[:200])
        return row
