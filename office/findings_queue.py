"""The findings queue: every dispatch with a finding that still waits, by whose turn, code, age and amount.

One row of the list is a dispatch. Each question is one statement over the open findings (by their indexes), however
many dispatches there are; whose turn it is comes from the rules of office/turns.py.
"""

# ruff: noqa: S608 - the statements are put together from constants of this module and of office/turns.py

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlencode

from django.db import connection
from django.http import QueryDict

from accounts.models import User
from accounts.rights import Reach, reach
from core import clock
from core.programme.selectors import dispatch_terms
from dispatch.models import Assessment, Finding, Inquiry, Status
from office.lists import month_of
from office.turns import DEADLINES, RULES, Turn
from rules import codes as words

# What ends a dispatch's stay in the queue whatever was found.
_OVER = (Status.SCHEDULED, Status.PAID, Status.DECLINED, Status.CANCELLED)
# 要確認 stops no payment (dispatch/advisories.py); somebody looks into it all the same
KINDS = (*words.FINDING_KINDS, "要確認")
# name in the address → (SQL of the order, its words)
SORTS = {
    "age": ("since, dispatch_id", "古い順"),
    "-age": ("since DESC, dispatch_id DESC", "新しい順"),
    "-yen": ("yen DESC NULLS LAST, dispatch_id", "金額の大きい順"),
    "yen": ("yen NULLS FIRST, dispatch_id", "金額の小さい順"),
}
# No one knows a turn, code or expert that is longer; a longer word in an address is nobody's.
_LONGEST = 64


@dataclass(frozen=True, slots=True)
class Wanted:
    """The question to the queue as an address asks it; "" asks for nothing."""

    turn: str = ""
    code: str = ""
    kind: str = ""
    late: bool = False
    month: dt.date | None = None
    expert: str = ""
    institution: str = ""
    number: str = ""
    sort: str = "age"

    @classmethod
    def asked(cls, query: QueryDict | Mapping[str, str]) -> Self:
        """From the parameters of an address; what isn't a known choice is left out."""

        def word(name: str) -> str:
            return str(query.get(name, "")).strip()[:_LONGEST].replace("\x00", "")

        turn, sort, kind = word("turn"), word("sort"), word("kind")
        return cls(
            turn=turn if turn in list(Turn) else "",
            code=word("code"),
            kind=kind if kind in KINDS else "",
            late=word("late") == "1",
            month=month_of(word("month")),
            expert=word("expert"),
            institution=word("institution"),
            number=word("q"),
            sort=sort if sort in SORTS else "age",
        )

    def address(self) -> str:
        """The parameters of an address that asks the same; "" for the whole queue."""
        given = {
            "turn": self.turn,
            "code": self.code,
            "kind": self.kind,
            "late": "1" if self.late else "",
            "month": f"{self.month:%Y-%m}" if self.month else "",
            "expert": self.expert,
            "institution": self.institution,
            "q": self.number,
            "sort": self.sort if self.sort != "age" else "",
        }
        return urlencode({name: value for name, value in given.items() if value})


@dataclass(frozen=True, slots=True)
class Group:
    """So many dispatches of a group, since when the oldest waits, and what they would be paid (yen)."""

    value: str
    kind: str
    count: int
    oldest: dt.datetime | None
    yen: int


@dataclass(slots=True)
class Overview:
    """The counts above the list: by whose turn, overdue, and by code; `total` is the list itself."""

    total: int = 0
    turns: dict[str, Group] = field(default_factory=dict)
    late: Group | None = None
    codes: list[Group] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One dispatch of the list: which of its findings were asked for, whose turn each is."""

    dispatch_id: int
    since: dt.datetime
    yen: int | None
    findings: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a dispatch stands in the list: the `at`-th of `of`, with its neighbours' numbers ("" at an end)."""

    at: int
    of: int
    previous: str
    next: str


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


_OPEN = f"""
WITH asked AS MATERIALIZED (
  SELECT dispatch_id, finding_code, bool_or(asked_of = 'expert') AS expert,
         bool_or(asked_of = 'institution') AS institution, min(due_on) AS due_on
    FROM dispatch_inquiry WHERE answered_at IS NULL GROUP BY 1, 2
), facts AS (
  SELECT f.id, f.dispatch_id, f.code, f.kind, f.first_seen_at, d.number,
         a.month, a.fee + a.travel AS yen,
         d.visited_to, greatest(d.reported_at, d.attested_at) AS papers_at,
         d.reported_at IS NULL AS unreported, d.attested_at IS NULL AS unattested,
         d.approved_at IS NULL AS unapproved,
         d.attested_at IS NULL AND coalesce((SELECT NOT t.confirmed FROM dispatch_attestation t
             WHERE t.dispatch_id = d.id ORDER BY t.answered_at DESC, t.id DESC LIMIT 1), false) AS objected,
         coalesce(one.expert, false) OR coalesce(whole.expert, false) AS asked_expert,
         coalesce(one.institution, false) OR coalesce(whole.institution, false) AS asked_institution,
         least(one.due_on, whole.due_on) AS asked_due_on
    FROM dispatch_finding f
    JOIN dispatch_dispatch d ON d.id = f.dispatch_id
    LEFT JOIN dispatch_assessment a ON a.dispatch_id = f.dispatch_id
    LEFT JOIN asked one ON one.dispatch_id = f.dispatch_id AND one.finding_code = f.code
    LEFT JOIN asked whole ON whole.dispatch_id = f.dispatch_id AND whole.finding_code = ''
   WHERE d.status <> ALL(%(over)s)
     AND (%(month)s::date IS NULL OR a.month = %(month)s)
     AND (%(kind)s = '' OR f.kind = %(kind)s)
     AND (%(number)s = '' OR d.number = %(number)s)
     AND (%(expert)s = '' OR d.expert_id = (SELECT id FROM experts_expert WHERE code = %(expert)s))
     AND (%(institution)s = ''
          OR d.institution_id = (SELECT id FROM institutions_institution WHERE code = %(institution)s))
     AND NOT EXISTS (SELECT 1 FROM dispatch_waiver w
                      WHERE w.dispatch_id = f.dispatch_id AND w.code = f.code AND w.revoked_at IS NULL
                        AND f.kind = '{words.FINDING_HOLD}')
), turned AS (
  SELECT *, {_turn_sql()} AS turn FROM facts
), judged AS MATERIALIZED (
  SELECT *, ({_due_sql()}) AS due_on FROM turned
), open AS (
  SELECT *, coalesce(due_on < %(today)s, false) AS late FROM judged
)
"""
_OF_TURN = "(turn = %(turn)s OR (%(turn)s = '' AND turn <> 'nobody'))"
_OF_CODE = "(%(code)s = '' OR code = %(code)s)"
_OF_LATE = "(NOT %(late)s OR late)"

# A dispatch has a code once, so codes count rows; turns and the whole list count dispatches.
_GROUPS = f"""
, by_turn AS (
  SELECT dispatch_id, turn, min(first_seen_at) AS since FROM open WHERE {_OF_CODE} AND {_OF_LATE} GROUP BY 1, 2
), listed AS (
  SELECT dispatch_id, bool_or({_OF_LATE}) AS is_listed, bool_or(late) AS is_late,
         min(first_seen_at) FILTER (WHERE late) AS late_since
    FROM open WHERE {_OF_TURN} AND {_OF_CODE} GROUP BY 1
)
SELECT 'turn', turn, '', count(*), min(since), 0 FROM by_turn GROUP BY turn
UNION ALL
SELECT 'code', code, min(kind), count(*), min(first_seen_at), coalesce(sum(yen), 0)
  FROM open WHERE {_OF_TURN} AND {_OF_LATE} GROUP BY code
UNION ALL
SELECT 'list', '', '', count(*) FILTER (WHERE is_listed), NULL, 0 FROM listed
UNION ALL
SELECT 'late', '1', '', count(*) FILTER (WHERE is_late), min(late_since), 0 FROM listed
"""

_LIST = f"""
, rows AS (
  SELECT dispatch_id, min(number) AS number, min(first_seen_at) AS since, max(yen) AS yen
    FROM open WHERE {_OF_TURN} AND {_OF_CODE} AND {_OF_LATE} GROUP BY dispatch_id
)
"""


def _parameters(wanted: Wanted) -> dict[str, Any]:
    today = clock.today()
    terms = dispatch_terms(today)
    return {
        "over": list(_OVER),
        "today": today,
        "month": wanted.month,
        "kind": wanted.kind,
        "number": wanted.number,
        "expert": wanted.expert,
        "institution": wanted.institution,
        "turn": wanted.turn,
        "code": wanted.code,
        "late": wanted.late,
        **{deadline.days: getattr(terms, deadline.days) for deadline in DEADLINES},
    }


def _ask(user: User, statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement over the open findings; nothing for who may not see every finding."""
    if any(reach(user, "read", model) is not Reach.ALL for model in (Finding, Assessment, Inquiry)):
        return []
    with connection.cursor() as cursor:
        cursor.execute(_OPEN + statement, parameters)
        return cursor.fetchall()


def overview(user: User, wanted: Wanted) -> Overview:
    """The groups of the queue under the other filters: by turn, overdue, by code. Two queries."""
    found = Overview()
    for what, value, kind, count, oldest, yen in _ask(user, _GROUPS, _parameters(wanted)):
        group = Group(value, kind, count, oldest, int(yen))
        match what:
            case "turn":
                found.turns[value] = group
            case "code":
                found.codes.append(group)
            case "late":
                found.late = group
            case _:
                found.total = count
    order = {kind: place for place, kind in enumerate(KINDS)}
    found.codes.sort(key=lambda group: (order.get(group.kind, 9), group.value))
    return found


def waiting_rows(user: User, wanted: Wanted, first: int, count: int) -> list[Waiting]:
    """`count` dispatches of the list from the `first` (0 is the first), with their findings. Two queries."""
    order, _ = SORTS[wanted.sort]
    statement = f"""{_LIST}
    , page AS (SELECT *, row_number() OVER (ORDER BY {order}) AS place FROM rows
                ORDER BY {order} OFFSET %(first)s LIMIT %(count)s)
    SELECT p.dispatch_id, p.since, p.yen, o.code, o.kind, f.reason, f.expected, f.actual, o.first_seen_at, o.turn,
           o.due_on, o.late
      FROM page p JOIN open o USING (dispatch_id) JOIN dispatch_finding f ON f.id = o.id
     WHERE {_OF_TURN} ORDER BY p.place, o.kind, o.code"""
    rows: dict[int, Waiting] = {}
    for row in _ask(user, statement, {**_parameters(wanted), "first": first, "count": count}):
        dispatch_id, since, yen, *finding = row
        names = ("code", "kind", "reason", "expected", "actual", "first_seen_at", "turn", "due_on", "late")
        entry = dict(zip(names, finding, strict=True))
        entry["turn"] = Turn(entry["turn"])
        rows.setdefault(dispatch_id, Waiting(dispatch_id, since, yen, [])).findings.append(entry)
    return list(rows.values())


def place_of(user: User, wanted: Wanted, dispatch_id: int) -> Place | None:
    """Where a dispatch stands in the list, or None when it isn't there (any more). Two queries."""
    order, _ = SORTS[wanted.sort]
    statement = f"""{_LIST}
    , placed AS (SELECT dispatch_id, row_number() OVER w AS place, count(*) OVER () AS total,
                        lag(number) OVER w AS previous, lead(number) OVER w AS next
                   FROM rows WINDOW w AS (ORDER BY {order}))
    SELECT place, total, coalesce(previous, ''), coalesce(next, '') FROM placed WHERE dispatch_id = %(dispatch)s"""
    found = _ask(user, statement, {**_parameters(wanted), "dispatch": dispatch_id})
    return Place(*found[0]) if found else None


def first_number(user: User, wanted: Wanted) -> str:
    """The number of the first dispatch of the list; "" when it is empty. Two queries."""
    order, _ = SORTS[wanted.sort]
    statement = f"{_LIST} SELECT number FROM rows ORDER BY {order} LIMIT 1"
    found = _ask(user, statement, _parameters(wanted))
    return str(found[0][0]) if found else ""
