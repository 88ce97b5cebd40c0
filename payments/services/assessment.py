"""The standing check: how every unpaid dispatch that took place stands, and what is in its way (rules.md §5)."""

import datetime as dt
from collections import defaultdict
from typing import Any

from django.db import connection, transaction

from core import clock
from core.errors import DomainError
from core.jobs.progress import Progress
from core.programme.selectors import RuleBook
from dispatch.models import Assessment
from rules import codes
from rules.findings import Finding

from ..calculation import Calculation, ExpertResult, Scope
from ..calculation.estimate import fee_and_travel, lines_of
from ..calculation.queries import CANDIDATE
from .locks import one_check, one_view

# Which 区分 counts for a dispatch that has findings of several.
_FIRST = (codes.FINDING_INELIGIBLE, codes.FINDING_HOLD, codes.FINDING_INCOMPLETE)

SAVE_ASSESSMENTS = """
INSERT INTO dispatch_assessment AS a (dispatch_id, month, kind, codes, fee, travel, checked_at)
SELECT n.dispatch_id, n.month, n.kind, string_to_array(n.codes, ' '), n.fee, n.travel, %(now)s
  FROM unnest(%(dispatches)s::bigint[], %(months)s::date[], %(kinds)s::text[], %(codes)s::text[],
              %(fees)s::bigint[], %(travels)s::bigint[]) AS n (dispatch_id, month, kind, codes, fee, travel)
ON CONFLICT (dispatch_id) DO UPDATE
   SET month = excluded.month, kind = excluded.kind, codes = excluded.codes, fee = excluded.fee,
       travel = excluded.travel, checked_at = excluded.checked_at
 WHERE (a.month, a.kind, a.codes, a.fee, a.travel)
       IS DISTINCT FROM (excluded.month, excluded.kind, excluded.codes, excluded.fee, excluded.travel)
"""

# A finding that stays keeps the moment it was first seen.
SAVE_FINDINGS = """
INSERT INTO dispatch_finding AS f (dispatch_id, code, kind, reason, expected, actual, first_seen_at)
SELECT n.dispatch_id, n.code, n.kind, n.reason, n.expected, n.actual, %(now)s
  FROM unnest(%(found)s::bigint[], %(found_codes)s::text[], %(found_kinds)s::text[], %(reasons)s::text[],
              %(expected)s::text[], %(actual)s::text[]) AS n (dispatch_id, code, kind, reason, expected, actual)
ON CONFLICT (dispatch_id, code) DO UPDATE
   SET kind = excluded.kind, reason = excluded.reason, expected = excluded.expected, actual = excluded.actual
 WHERE (f.kind, f.reason, f.expected, f.actual)
       IS DISTINCT FROM (excluded.kind, excluded.reason, excluded.expected, excluded.actual)
"""

DROP_SETTLED = """
DELETE FROM dispatch_finding f
 WHERE f.dispatch_id = ANY(%(dispatches)s) AND NOT EXISTS (
       SELECT 1 FROM unnest(%(found)s::bigint[], %(found_codes)s::text[]) AS n (dispatch_id, code)
        WHERE n.dispatch_id = f.dispatch_id AND n.code = f.code)
"""

DROP_OTHERS = """
DELETE FROM {table} x USING dispatch_dispatch d
 WHERE d.id = x.dispatch_id AND ({candidate}) IS NOT TRUE
"""


def check_month(*, progress: Progress | None = None) -> dict[str, Any]:
    """Checks every unpaid dispatch that has taken place, as of now, and keeps what is found.

    Answers the moment of the database it saw (`snapshot`), how many dispatches and how many findings. When
    another check is under way it leaves the work to that one.
    """
    with one_check() as free:
        if not free:
            return {"skipped": True}
        with one_view():
            return _check(progress or Progress())


def _check(progress: Progress) -> dict[str, Any]:
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text")
        snapshot = cursor.fetchone()[0]
    book = RuleBook()
    rules = book(now.date()) or book.newest()
    if rules is None:
        raise DomainError("支出基準が登録されていません。管理画面で支出基準を登録してください。")
    calculation = Calculation(Scope(now), rules, book)
    dispatches = findings = 0
    for batch in calculation.batches(progress):
        columns = _columns(batch, book, now)
        _save(columns)
        dispatches += len(columns["dispatches"])
        findings += len(columns["found"])
    with transaction.atomic(), connection.cursor() as cursor:
        for table in ("dispatch_finding", "dispatch_assessment"):
            cursor.execute(DROP_OTHERS.format(table=table, candidate=CANDIDATE), {"cutoff": now})
    return {"snapshot": snapshot, "as_of": now.isoformat(), "dispatches": dispatches, "findings": findings}


def _columns(batch: list[ExpertResult], book: RuleBook, now: dt.datetime) -> dict[str, Any]:
    columns: dict[str, Any] = defaultdict(list, now=now)
    for result in batch:
        holds: dict[str, list[Finding]] = defaultdict(list)
        for number, found in result.month.holds:
            holds[number].append(found)
        for visit in result.visits:
            own = holds.get(visit.number, [])
            dispatch = result.dispatch_ids[visit.number]
            fee, travel = fee_and_travel(lines_of(result, visit, own, book))
            columns["dispatches"].append(dispatch)
            columns["months"].append(visit.start.date().replace(day=1))
            columns["kinds"].append(kind_of(own))
            columns["codes"].append(" ".join(sorted(found.code for found in own)))
            columns["fees"].append(fee)
            columns["travels"].append(travel)
            for found in own:
                columns["found"].append(dispatch)
                columns["found_codes"].append(found.code)
                columns["found_kinds"].append(found.kind)
                columns["reasons"].append(found.reason)
                columns["expected"].append(found.expected)
                columns["actual"].append(found.actual)
    for name in ("found", "found_codes", "found_kinds", "reasons", "expected", "actual"):
        columns.setdefault(name, [])
    return dict(columns)


def kind_of(findings: list[Finding]) -> str:
    """The class of a dispatch: 支払可 without findings, else the gravest 区分 among them."""
    kinds = {found.kind for found in findings}
    return next((kind for kind in _FIRST if kind in kinds), str(Assessment.Kind.PAYABLE))


def _save(columns: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SAVE_ASSESSMENTS, columns)
        cursor.execute(SAVE_FINDINGS, columns)
        cursor.execute(DROP_SETTLED, columns)
