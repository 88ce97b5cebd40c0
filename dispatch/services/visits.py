"""The expert's part up to the end of the visit: answer, times, declarations (C5, C7, C8)."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db import connection

from core import clock
from core.audit.acting import SYSTEM, Actor, acting
from core.errors import DomainError, FieldErrors
from core.exchange.cells import BadCell, Text
from rules import codes

from .. import after_change
from ..models import Declaration, Dispatch, Status, VisitBasis
from . import telling
from .attesting import ask_client, renew_links
from .steps import change, locked, locked_with_people, require_reason, require_status, step, wait_for_approval

DECLARABLE = (Status.CONFIRMED, Status.VISITED, Status.REPORTED, Status.APPROVED, Status.VERIFIED)


def accept_dispatch(*, dispatch: Dispatch, actor: Actor) -> Dispatch:
    """The expert takes the dispatch; the office confirms it next."""
    with acting(actor, "accept_dispatch"):
        row = locked(dispatch, actor, "answer_dispatch")
        step(row, "accept", "承諾")
        telling.settle(row, actor, telling.ANSWER)
        telling.tell_office(row, telling.CONFIRM, f"派遣 {row.number} の受付", actor, row.company.name)
        return row


def decline_dispatch(*, dispatch: Dispatch, reason: str, actor: Actor) -> Dispatch:
    """The expert does not take the dispatch, or gives it back before the confirmation."""
    reason = require_reason(reason, "辞退の理由")
    with acting(actor, "decline_dispatch", reason):
        row = locked(dispatch, actor, "answer_dispatch")
        step(row, "decline", "辞退", end_reason=reason)
        telling.settle_all(row, actor)
        telling.tell_institution(
            row, telling.NEWS, f"派遣 {row.number} は専門家が辞退しました", actor, reason[:200]
        )
        return row


def finish_visit(
    *,
    dispatch: Dispatch,
    visited_from: dt.datetime,
    visited_to: dt.datetime,
    actor: Actor,
    break_minutes: int = 0,
    edit_token: str = "",
) -> Dispatch:
    """The expert states when the support began and ended, e.g. where a check-out is missing (E05 compares)."""
    with acting(actor, "finish_visit"):
        row = locked(dispatch, actor, "record_visit", edit_token)
        require_status(row, (Status.CONFIRMED, Status.VISITED), "支援の終了の記録")
        set_times(row, visited_from, visited_to, break_minutes, actor)
        return row


def set_times(
    row: Dispatch, visited_from: dt.datetime, visited_to: dt.datetime, break_minutes: int, actor: Actor
) -> None:
    """Sets the times of a visit by hand; from confirmed on to visited. FieldErrors for impossible ones."""
    start, end = (moment.replace(second=0, microsecond=0) for moment in (visited_from, visited_to))
    bad = {}
    if end <= start:
        bad["実施終了"] = "実施終了は実施開始より後にしてください。"
    elif end > clock.now():
        bad["実施終了"] = "先の時刻になっています。支援が終わってから記録してください。"
    if break_minutes < 0:
        bad["休憩分"] = "0 以上にしてください。"
    elif end > start and dt.timedelta(minutes=break_minutes) >= end - start:
        bad["休憩分"] = "休憩が実施時間以上になっています。"
    if row.method == codes.METHOD_FACE_TO_FACE and None in (row.latitude, row.longitude):
        bad["支援場所"] = "支援場所の緯度と経度がありません。事務局へ連絡してください。"
    if bad:
        raise FieldErrors(bad)
    same = (row.visited_from, row.visited_to, row.break_minutes or 0) == (start, end, break_minutes)
    if same and row.status == Status.VISITED:
        return
    basis = row.visit_basis if same else VisitBasis.REPORT
    _visited(row, start, end, basis, actor, break_minutes)


def _visited(
    row: Dispatch,
    start: dt.datetime,
    end: dt.datetime,
    basis: str,
    actor: Actor,
    break_minutes: int | None = None,
) -> None:
    values: dict[str, Any] = {"visited_from": start, "visited_to": end, "visit_basis": basis}
    if break_minutes is not None:
        values["break_minutes"] = break_minutes
    if row.status == Status.CONFIRMED:
        step(row, "finish", "支援の終了の記録", **values)
        telling.tell_expert(
            row, telling.REPORT, f"派遣 {row.number} の支援実績報告と旅費請求", actor, row.company.name
        )
        ask_client(row, actor)
        return
    moved = (row.visited_from, row.visited_to) != (start, end)
    if moved and row.attested_at is not None:
        # what the client confirmed is no longer what is stated
        values["attested_at"] = None
    change(row, **values)
    if moved:
        renew_links(row, actor)


# Asked with every event that comes in: whose times the events would set or move, without a lock.
_CANDIDATES = """
SELECT d.id
  FROM dispatch_dispatch d
 CROSS JOIN LATERAL (
       SELECT date_trunc('minute', min(e.device_time) FILTER (WHERE e.kind = %s)) AS started,
              date_trunc('minute', max(e.device_time) FILTER (WHERE e.kind = %s)) AS ended
         FROM dispatch_checkevent e WHERE e.dispatch_id = d.id) t
 WHERE d.number = ANY(%s) AND t.ended > t.started
   AND (d.status = 'confirmed' OR (d.status = 'visited' AND d.visit_basis = 'events'
        AND (d.visited_from, d.visited_to) IS DISTINCT FROM (t.started, t.ended)))
 ORDER BY d.number
"""
# The same of one dispatch, once its row is locked: a statement of its own sees what was committed meanwhile.
_TIMES = """
SELECT min(device_time) FILTER (WHERE kind = %s), max(device_time) FILTER (WHERE kind = %s)
  FROM dispatch_checkevent WHERE dispatch_id = %s
"""


def propose_visits(*, numbers: Iterable[str], actor: Actor = SYSTEM) -> list[str]:
    """Takes 実施開始 and 実施終了 from the check events of these dispatches, and ends their visits.

    For whoever received events, in the same transaction or after it. The earliest start and the latest end count
    (rules.md §5), to the minute. Only confirmed dispatches with both ends, and visited ones whose times came from
    events before; what the expert stated by hand stays. Answers the numbers that changed.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CANDIDATES, [codes.EVENT_START, codes.EVENT_END, list(numbers)])
        candidates = [pk for (pk,) in cursor.fetchall()]
    changed = []
    for pk in candidates:
        with acting(actor, "propose_visit"):
            wait_for_approval()
            row = locked_with_people(pk)
            if row is not None and _takes_times(row) and _propose(row, actor):
                changed.append(row.number)
                # a phone waits for its answer, nobody for a page
                after_change.changed(row, at_once=False)
    return changed


def _takes_times(row: Dispatch) -> bool:
    return row.status == Status.CONFIRMED or (
        row.status == Status.VISITED and row.visit_basis == VisitBasis.EVENTS
    )


def _propose(row: Dispatch, actor: Actor) -> bool:
    if row.method == codes.METHOD_FACE_TO_FACE and None in (row.latitude, row.longitude):
        return False
    with connection.cursor() as cursor:
        cursor.execute(_TIMES, [codes.EVENT_START, codes.EVENT_END, row.pk])
        start, end = (moment.replace(second=0, microsecond=0) for moment in cursor.fetchone())
    too_long = dt.timedelta(minutes=row.break_minutes or 0) >= end - start
    if end <= start or too_long or (row.visited_from, row.visited_to) == (start, end):
        return False
    _visited(row, start, end, VisitBasis.EVENTS, actor)
    return True


def declare(
    *,
    dispatch: Dispatch,
    cause: str,
    reason: str,
    actor: Actor,
    declared_from: dt.datetime | None = None,
    declared_to: dt.datetime | None = None,
    measures: str = "",
    seen: str | None = None,
) -> Declaration:
    """Hands in the 申告書 of one cause; handed in again it replaces the first, which the history keeps.

    `measures` are the measures against recurrence. `seen` is the 提出日時 (ISO) of the one the form was filled from,
    "" for none: another one standing there is refused, not written over.
    """
    bad = {}
    if cause not in codes.DECLARATION_CAUSES:
        bad["事由"] = "事由を選んでください。"
    if not reason.strip():
        bad["理由"] = "理由を入れてください。"
    for column, text in (("理由", reason), ("再発防止策", measures)):
        try:
            Text().reader(required=False)(text)
        except BadCell as why:
            bad[column] = str(why)
    if declared_from and declared_to and declared_to <= declared_from:
        bad["申告終了"] = "申告終了は申告開始より後にしてください。"
    if bad:
        raise FieldErrors(bad)
    with acting(actor, "declare", cause):
        row = locked(dispatch, actor, "declare")
        require_status(row, DECLARABLE, "申告書の提出")
        standing = Declaration.objects.filter(dispatch=row, cause=cause).first()
        if seen is not None and seen != declaration_token(standing):
            if standing is not None and _says(standing, declared_from, declared_to, reason, measures):
                return standing  # the same pressed twice
            raise DomainError(
                f"この事由の申告書は、開いた後に別の画面で提出されました（{clock.jst(standing.submitted_at):%H:%M}）。"
                "入力した内容は残っています。下の提出済みの内容を確認して、もう一度提出してください。"
                if standing is not None
                else "この申告書は取り下げられています。もう一度提出してください。",
                code="stale",
            )
        declaration, _ = Declaration.objects.update_or_create(
            dispatch=row,
            cause=cause,
            defaults={
                "declared_from": declared_from and declared_from.replace(second=0, microsecond=0),
                "declared_to": declared_to and declared_to.replace(second=0, microsecond=0),
                "submitted_at": clock.now().replace(microsecond=0),
                "reason": reason.strip(),
                "measures": measures.strip(),
            },
        )
        return declaration


def _says(
    standing: Declaration,
    declared_from: dt.datetime | None,
    declared_to: dt.datetime | None,
    reason: str,
    measures: str,
) -> bool:
    times = [moment and moment.replace(second=0, microsecond=0) for moment in (declared_from, declared_to)]
    return [standing.declared_from, standing.declared_to, standing.reason, standing.measures] == [
        *times,
        reason.strip(),
        measures.strip(),
    ]


def declaration_token(declaration: Declaration | None) -> str:
    """Which version of a declaration a form was filled from; "" for none."""
    return declaration.submitted_at.astimezone(dt.UTC).isoformat() if declaration is not None else ""


def declarations_of_expert(expert_id: int) -> dict[str, int]:
    """How many declarations of each cause an expert has handed in so far (C8)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT x.cause, count(*) FROM dispatch_declaration x JOIN dispatch_dispatch d ON d.id = x.dispatch_id"
            " WHERE d.expert_id = %s GROUP BY x.cause",
            [expert_id],
        )
        return dict(cursor.fetchall())


__all__ = [
    "accept_dispatch",
    "declaration_token",
    "declarations_of_expert",
    "declare",
    "decline_dispatch",
    "finish_visit",
    "propose_visits",
    "set_times",
]
