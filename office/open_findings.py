"""The findings that still wait, each with whose turn it is and until when: one statement that the queue's questions
begin with. Whose turn it is comes from the rules of office/turns.py.

The shape is for the database: the findings first (they are few), what is asked about them, then the dispatches and
amounts of these alone, each by its index. Dispatches without findings are never read.
"""

# ruff: noqa: S608 - the statements are put together from constants of this module and of office/turns.py

from collections.abc import Mapping
from typing import Any

from django.db import connection

from accounts.models import User
from accounts.rights import Reach, reach
from core import clock
from core.programme.selectors import dispatch_terms
from dispatch.models import Assessment, Finding, Inquiry, Status
from office.turns import DEADLINES, RULES
from rules import codes as words

# What ends a dispatch's stay in the queue whatever was found.
_OVER = (Status.SCHEDULED, Status.PAID, Status.DECLINED, Status.CANCELLED)


def _turn_sql() -> str:
    branches = []
    for rule in RULES:
        conditions = [*rule.facts]
        if rule.codes:
            conditions.append("(" + " OR ".join(f"starts_with(code, '{code}')" for code in rule.codes) + ")")
        branches.append(f"WHEN {' AND '.join(conditions) or 'true'} THEN '{rule.turn}'")
    return f"CASE {' '.join(branches)} END"


def _due_sql() -> str:
    branches = ["WHEN asked_expert OR asked_institution THEN asked_due_on"]
    for deadline in DEADLINES:
        turns = ", ".join(f"'{turn}'" for turn in deadline.turns)
        conditions = " AND ".join([f"turn IN ({turns})", *deadline.facts])
        branches.append(
            f"WHEN {conditions} THEN"
            f" (({deadline.since}) AT TIME ZONE 'Asia/Tokyo')::date + %({deadline.days})s::int"
        )
    return f"CASE {' '.join(branches)} END"


def _open(*, amounts: bool) -> str:
    # OFFSET 0 keeps each LATERAL a look-up by its index, one per finding: the database would rather read the whole
    # table of dispatches, or, told the keys as a list, guess ten of them and compare every row with every other.
    assessed = """LEFT JOIN LATERAL (SELECT a.month, a.fee + a.travel AS yen FROM dispatch_assessment a
                         WHERE a.dispatch_id = f.dispatch_id OFFSET 0) a ON true
   WHERE (%(month)s::date IS NULL OR a.month = %(month)s)"""
    return f"""
WITH asked AS MATERIALIZED (
  SELECT dispatch_id, finding_code, bool_or(asked_of = 'expert') AS expert,
         bool_or(asked_of = 'institution') AS institution, min(due_on) AS due_on
    FROM dispatch_inquiry WHERE answered_at IS NULL GROUP BY 1, 2
), found AS MATERIALIZED (
  SELECT f.id, f.dispatch_id, f.code, f.kind, f.first_seen_at,
         coalesce(one.expert, false) OR coalesce(whole.expert, false) AS asked_expert,
         coalesce(one.institution, false) OR coalesce(whole.institution, false) AS asked_institution,
         least(one.due_on, whole.due_on) AS asked_due_on
    FROM dispatch_finding f
    LEFT JOIN asked one ON one.dispatch_id = f.dispatch_id AND one.finding_code = f.code
    LEFT JOIN asked whole ON whole.dispatch_id = f.dispatch_id AND whole.finding_code = ''
   WHERE (%(kind)s = '' OR f.kind = %(kind)s)
     AND (%(only)s::bigint[] IS NULL OR f.dispatch_id = ANY (%(only)s::bigint[]))
     AND (%(number)s = '' OR f.dispatch_id = (SELECT id FROM dispatch_dispatch WHERE number = %(number)s))
     AND NOT EXISTS (SELECT 1 FROM dispatch_waiver w
                      WHERE w.dispatch_id = f.dispatch_id AND w.code = f.code AND w.revoked_at IS NULL
                        AND f.kind = '{words.FINDING_HOLD}')
), facts AS (
  SELECT f.*, d.*, {"a.yen" if amounts else "NULL::bigint AS yen"}
    FROM found f
    JOIN LATERAL (
      SELECT d.number, d.visited_to, greatest(d.reported_at, d.attested_at) AS papers_at,
             d.reported_at IS NULL AS unreported, d.attested_at IS NULL AS unattested,
             d.approved_at IS NULL AS unapproved,
             d.attested_at IS NULL AND coalesce((SELECT NOT t.confirmed FROM dispatch_attestation t
                 WHERE t.dispatch_id = d.id ORDER BY t.answered_at DESC, t.id DESC LIMIT 1), false) AS objected
        FROM dispatch_dispatch d
       WHERE d.id = f.dispatch_id
         AND d.status <> ALL(%(over)s)
         AND (%(expert)s = '' OR d.expert_id = (SELECT id FROM experts_expert WHERE code = %(expert)s))
         AND (%(institution)s = ''
              OR d.institution_id = (SELECT id FROM institutions_institution WHERE code = %(institution)s))
      OFFSET 0
    ) d ON true
    {assessed if amounts else ""}
), turned AS MATERIALIZED (
  SELECT *, {_turn_sql()} AS turn FROM facts
), judged AS (
  SELECT *, ({_due_sql()}) AS due_on FROM turned
), open AS MATERIALIZED (
  SELECT id, dispatch_id, number, code, kind, first_seen_at, yen, turn, due_on,
         coalesce(due_on < %(today)s, false) AS late FROM judged
)
"""


# What a question begins with; `open` holds a row per finding. Parameters: month, kind, number, expert, institution,
# only (keys of dispatches, None for all); the second knows no month and no amounts.
OPEN = _open(amounts=True)
OPEN_WITHOUT_AMOUNTS = _open(amounts=False)


def ask(user: User, statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement that begins with OPEN; nothing for who may not see every finding. Two queries."""
    if any(reach(user, "read", model) is not Reach.ALL for model in (Finding, Assessment, Inquiry)):
        return []
    today = clock.today()
    terms = dispatch_terms(today)
    days = {deadline.days: getattr(terms, deadline.days) for deadline in DEADLINES}
    with connection.cursor() as cursor:
        cursor.execute(statement, {"only": None, **parameters, **days, "over": list(_OVER), "today": today})
        return cursor.fetchall()
