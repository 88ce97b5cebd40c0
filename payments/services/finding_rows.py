"""The rows of the standing check: assessments and findings as they stand now, and how findings ended (design.md §4).

Both checks, of everything and of a few experts, write through here. Rows are always locked in the order of the
dispatches' ids, assessments first, so that two checks never wait for each other in a circle.
"""

import datetime as dt
from collections import defaultdict
from typing import Any

from django.db import connection

from core.programme.selectors import RuleBook
from dispatch.advisories import ADVISORIES, KIND
from dispatch.models import Assessment
from rules import codes
from rules.findings import Finding

from ..calculation import ExpertResult
from ..calculation.estimate import fee_and_travel, lines_of
from ..calculation.queries import CANDIDATE

# Which 区分 counts for a dispatch that has findings of several.
_FIRST = (codes.FINDING_INELIGIBLE, codes.FINDING_HOLD, codes.FINDING_INCOMPLETE)
_FOUND = ("found", "found_codes", "found_kinds", "reasons", "expected", "actual")

SAVE_ASSESSMENTS = """
INSERT INTO dispatch_assessment AS a (dispatch_id, month, kind, codes, fee, travel, checked_at)
SELECT n.dispatch_id, n.month, n.kind, string_to_array(n.codes, ' '), n.fee, n.travel, %(now)s
  FROM unnest(%(dispatches)s::bigint[], %(months)s::date[], %(kinds)s::text[], %(codes)s::text[],
              %(fees)s::bigint[], %(travels)s::bigint[]) AS n (dispatch_id, month, kind, codes, fee, travel)
 ORDER BY n.dispatch_id
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
 ORDER BY n.dispatch_id, n.code
ON CONFLICT (dispatch_id, code) DO UPDATE
   SET kind = excluded.kind, reason = excluded.reason, expected = excluded.expected, actual = excluded.actual
 WHERE (f.kind, f.reason, f.expected, f.actual)
       IS DISTINCT FROM (excluded.kind, excluded.reason, excluded.expected, excluded.actual)
"""

_CAUSES = ", ".join(
    f"('{code}', '{cause}')"
    for code, cause in (
        ("E01", codes.CAUSE_START_FORGOTTEN),
        ("E02", codes.CAUSE_END_FORGOTTEN),
        ("E03", codes.CAUSE_SIGNATURE),
        ("E04", codes.CAUSE_POSITION),
        ("E05", codes.CAUSE_TIME_CORRECTION),
    )
)

# How a finding that is gone ended, as far as the rows around it tell. 未了 is a step not taken yet: its end stands in
# the dispatch's own story.
_KEEP_ENDED = f"""
INSERT INTO dispatch_endedfinding
       (dispatch_id, code, kind, reason, expected, actual, first_seen_at, ended_at, how, ended_by_id, note)
SELECT g.dispatch_id, g.code, g.kind, g.reason, g.expected, g.actual, g.first_seen_at, %(now)s, h.how,
       CASE h.how WHEN 'waived' THEN w.waived_by_id WHEN 'corrected' THEN c.corrected_by_id
                  WHEN 'reviewed' THEN r.reviewed_by_id END,
       coalesce(CASE h.how WHEN 'waived' THEN w.reason WHEN 'corrected' THEN c.reason WHEN 'declared' THEN x.reason
                           WHEN 'reviewed' THEN r.reason END, '')
  FROM gone g
  LEFT JOIN dispatch_assessment a ON a.dispatch_id = g.dispatch_id
  LEFT JOIN LATERAL (SELECT w.waived_by_id, w.reason FROM dispatch_waiver w
                      WHERE w.dispatch_id = g.dispatch_id AND w.code = g.code AND w.revoked_at IS NULL
                      LIMIT 1) w ON true
  LEFT JOIN LATERAL (SELECT x.reason FROM dispatch_declaration x JOIN (VALUES {_CAUSES}) AS v (code, cause)
                         ON v.cause = x.cause
                      WHERE x.dispatch_id = g.dispatch_id AND v.code = g.code AND trim(x.reason) <> ''
                      LIMIT 1) x ON true
  LEFT JOIN LATERAL (SELECT c.corrected_by_id, c.reason FROM dispatch_correction c
                      WHERE c.dispatch_id = g.dispatch_id AND c.corrected_at > g.first_seen_at
                        AND (c.file = 'travel_claims') = (g.code LIKE 'T%%') AND g.code !~ '^[BM]'
                      ORDER BY c.corrected_at DESC, c.id DESC LIMIT 1) c ON true
  LEFT JOIN LATERAL (SELECT r.reviewed_by_id, r.reason FROM dispatch_findingreview r
                      WHERE r.dispatch_id = g.dispatch_id AND r.code = g.code AND r.seen = g.actual
                      ORDER BY r.id DESC LIMIT 1) r ON true
 CROSS JOIN LATERAL (SELECT CASE
       WHEN NOT %(standing)s THEN 'closed'
       WHEN r.reviewed_by_id IS NOT NULL AND g.kind = '{KIND}' THEN 'reviewed'
       WHEN w.waived_by_id IS NOT NULL THEN 'waived'
       WHEN g.code IN ('M01', 'X06') THEN 'released'
       WHEN a.kind = '{codes.FINDING_INELIGIBLE}' AND g.kind = '{codes.FINDING_HOLD}' THEN 'excluded'
       WHEN x.reason IS NOT NULL THEN 'declared'
       WHEN c.reason IS NOT NULL THEN 'corrected'
       ELSE 'fixed' END AS how) h
 WHERE g.kind <> '{codes.FINDING_INCOMPLETE}'
"""

END_SETTLED = f"""
WITH gone AS (
    DELETE FROM dispatch_finding f
     WHERE f.dispatch_id = ANY(%(dispatches)s) AND NOT EXISTS (
           SELECT 1 FROM unnest(%(found)s::bigint[], %(found_codes)s::text[]) AS n (dispatch_id, code)
            WHERE n.dispatch_id = f.dispatch_id AND n.code = f.code)
    RETURNING f.*
)
{_KEEP_ENDED}
"""

# What no run looks at any more: ended early, or paid.
_END_OTHERS = f"""
WITH gone AS (
    DELETE FROM dispatch_finding f USING dispatch_dispatch d
     WHERE d.id = f.dispatch_id AND {{of_experts}} AND ({CANDIDATE}) IS NOT TRUE
    RETURNING f.*
)
{_KEEP_ENDED}
"""
_DROP_OTHERS = f"""
DELETE FROM dispatch_assessment a USING dispatch_dispatch d
 WHERE d.id = a.dispatch_id AND {{of_experts}} AND ({CANDIDATE}) IS NOT TRUE
"""

REVIEWED = "SELECT dispatch_id, code, seen FROM dispatch_findingreview WHERE dispatch_id = ANY(%s)"


def columns_of(batch: list[ExpertResult], book: RuleBook, now: dt.datetime) -> dict[str, Any]:
    """What a batch of experts' results says about each dispatch, column by column, as `keep` takes it."""
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
                _add(columns, dispatch, found)
    for name in _FOUND:
        columns.setdefault(name, [])
    _advise(columns)
    return dict(columns)


def _add(columns: dict[str, Any], dispatch: int, found: Finding) -> None:
    values = (dispatch, found.code, found.kind, found.reason, found.expected, found.actual)
    for name, value in zip(_FOUND, values, strict=True):
        columns[name].append(value)


def _advise(columns: dict[str, Any]) -> None:
    """Adds what is worth a look and holds nothing, unless somebody looked into these very facts."""
    advised = [
        (advisory.code, advice)
        for advisory in ADVISORIES.values()
        for advice in advisory.look(columns["dispatches"])
    ]
    if not advised:
        return
    with connection.cursor() as cursor:
        cursor.execute(REVIEWED, [[advice.dispatch for _, advice in advised]])
        reviewed = set(cursor.fetchall())
    for code, advice in advised:
        if (advice.dispatch, code, advice.actual) not in reviewed:
            _add(columns, advice.dispatch, Finding(code, KIND, advice.reason, advice.expected, advice.actual))


def kind_of(findings: list[Finding]) -> str:
    """The class of a dispatch: 支払可 without findings, else the gravest 区分 among them."""
    kinds = {found.kind for found in findings}
    return next((kind for kind in _FIRST if kind in kinds), str(Assessment.Kind.PAYABLE))


def keep(columns: dict[str, Any]) -> None:
    """Writes what changed of these dispatches' assessments and findings; what is gone is kept with how it ended."""
    parameters = {**columns, "standing": True}
    with connection.cursor() as cursor:
        cursor.execute(SAVE_ASSESSMENTS, parameters)
        cursor.execute(SAVE_FINDINGS, parameters)
        cursor.execute(END_SETTLED, parameters)


def drop_others(now: dt.datetime, experts: list[int] | None = None) -> None:
    """Ends the rows of what no run looks at any more (cancelled, paid), of some experts or of all."""
    of_experts = "true" if experts is None else "d.expert_id = ANY(%(experts)s)"
    parameters = {"cutoff": now, "now": now, "experts": experts, "standing": False}
    with connection.cursor() as cursor:
        cursor.execute(_END_OTHERS.format(of_experts=of_experts), parameters)
        cursor.execute(_DROP_OTHERS.format(of_experts=of_experts), parameters)
