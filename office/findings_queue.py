"""The findings queue: every dispatch with a finding that still waits, by whose turn, code, age and amount.

One row of the list is a dispatch. Each question is one pass over the open findings (office/open_findings.py), however
many dispatches there are: the counts above the list and the keys of its page come from the same one.
"""

# ruff: noqa: S608 - the statements are put together from constants of this module and of office/open_findings.py

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlencode

from django.http import QueryDict

from accounts.models import User
from office.lists import PER_PAGE, month_of
from office.open_findings import OPEN, OPEN_WITHOUT_AMOUNTS, ask
from office.turns import Turn
from rules import codes as words

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


@dataclass(frozen=True, slots=True)
class Urgent:
    """What the start page tells: the office's own turn, and what is past its day, whoever's turn it is."""

    office: Group
    late: Group


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


_OF_TURN = "(turn = %(turn)s OR (%(turn)s = '' AND turn <> 'nobody'))"
_OF_CODE = "(%(code)s = '' OR code = %(code)s)"
_OF_LATE = "(NOT %(late)s OR late)"

# What stands in the list, one row a dispatch; which of them are late counts them even where others are asked for.
_LISTED = f"""
, listed AS MATERIALIZED (
  SELECT dispatch_id, min(number) AS number, bool_or({_OF_LATE}) AS is_listed, bool_or(late) AS is_late,
         min(first_seen_at) FILTER (WHERE late) AS late_since,
         min(first_seen_at) FILTER (WHERE {_OF_LATE}) AS since, max(yen) AS yen
    FROM open WHERE {_OF_TURN} AND {_OF_CODE} GROUP BY 1
)
"""

# A dispatch has a code once, so codes count rows; turns and the whole list count dispatches. A page past the end is
# the last one.
_GROUPS = f"""
{_LISTED}
, by_turn AS (
  SELECT dispatch_id, turn, min(first_seen_at) AS since FROM open WHERE {_OF_CODE} AND {_OF_LATE} GROUP BY 1, 2
), page AS (
  SELECT dispatch_id, since, yen FROM listed WHERE is_listed ORDER BY {{order}}
  OFFSET (SELECT greatest(least(%(page)s, ceil(count(*)::numeric / {PER_PAGE})) - 1, 0)::bigint * {PER_PAGE}
            FROM listed WHERE is_listed)
   LIMIT {PER_PAGE}
)
SELECT 'turn', turn, '', count(*), min(since), 0, 0 FROM by_turn GROUP BY turn
UNION ALL
SELECT 'code', code, min(kind), count(*), min(first_seen_at), coalesce(sum(yen), 0), 0
  FROM open WHERE {_OF_TURN} AND {_OF_LATE} GROUP BY code
UNION ALL
SELECT 'list', '', '', count(*) FILTER (WHERE is_listed), NULL, 0, 0 FROM listed
UNION ALL
SELECT 'late', '1', '', count(*) FILTER (WHERE is_late), min(late_since), 0, 0 FROM listed
UNION ALL
SELECT 'page', '', '', dispatch_id, since, yen, row_number() OVER (ORDER BY {{order}}) FROM page
"""

_URGENT = """
SELECT count(DISTINCT dispatch_id) FILTER (WHERE turn = 'office'), min(first_seen_at) FILTER (WHERE turn = 'office'),
       count(DISTINCT dispatch_id) FILTER (WHERE late AND turn <> 'nobody'),
       min(first_seen_at) FILTER (WHERE late AND turn <> 'nobody')
  FROM open
"""
# Past every list's end.
_LAST_PAGE = 2**31


def _parameters(wanted: Wanted) -> dict[str, Any]:
    return {
        "month": wanted.month,
        "kind": wanted.kind,
        "number": wanted.number,
        "expert": wanted.expert,
        "institution": wanted.institution,
        "turn": wanted.turn,
        "code": wanted.code,
        "late": wanted.late,
    }


def _number(asked: str | None) -> int:
    """The page an address asks for, as Django's paginator reads it: nonsense is the first, none such the last."""
    try:
        number = int(asked or "1")
    except ValueError:
        return 1
    return min(number, _LAST_PAGE) if number > 0 else _LAST_PAGE


def queue_page(user: User, wanted: Wanted, asked: str | None = None) -> tuple[Overview, list[Waiting]]:
    """The groups of the queue (by turn, overdue, by code) under the other filters, and one page of its list.

    `asked` is the number of the page as the address has it; one past the end is the last. Four queries.
    """
    found = Overview()
    keys: list[tuple[int, dt.datetime, int | None]] = []
    order, _ = SORTS[wanted.sort]
    statement = OPEN + _GROUPS.format(order=order)
    answered = ask(user, statement, {**_parameters(wanted), "page": _number(asked)})
    for what, value, kind, count, oldest, yen, _ in sorted(answered, key=lambda row: row[-1]):
        if what == "page":
            keys.append((count, oldest, None if yen is None else int(yen)))
            continue
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
    place = {kind: place for place, kind in enumerate(KINDS)}
    found.codes.sort(key=lambda group: (place.get(group.kind, 9), group.value))
    return found, _with_findings(user, wanted, keys)


def _with_findings(
    user: User, wanted: Wanted, keys: list[tuple[int, dt.datetime, int | None]]
) -> list[Waiting]:
    """The rows of a page with their findings; the order is that of the keys."""
    if not keys:
        return []
    rows = {dispatch_id: Waiting(dispatch_id, since, yen, []) for dispatch_id, since, yen in keys}
    statement = f"""{OPEN}
    SELECT o.dispatch_id, o.code, o.kind, f.reason, f.expected, f.actual, o.first_seen_at, o.turn, o.due_on, o.late
      FROM open o JOIN dispatch_finding f ON f.id = o.id
     WHERE {_OF_TURN} ORDER BY o.kind, o.code"""
    for dispatch_id, *finding in ask(user, statement, {**_parameters(wanted), "only": list(rows)}):
        names = ("code", "kind", "reason", "expected", "actual", "first_seen_at", "turn", "due_on", "late")
        entry = dict(zip(names, finding, strict=True))
        entry["turn"] = Turn(entry["turn"])
        rows[dispatch_id].findings.append(entry)
    return list(rows.values())


def overview(user: User, wanted: Wanted) -> Overview:
    """The groups of the queue under the other filters: by turn, overdue, by code."""
    return queue_page(user, wanted)[0]


def urgent(user: User) -> Urgent:
    """How many wait for the office and how many are past their day, since when. Two queries."""
    rows = ask(user, OPEN_WITHOUT_AMOUNTS + _URGENT, _parameters(Wanted()))
    count, oldest, late, late_since = rows[0] if rows else (0, None, 0, None)
    return Urgent(Group(Turn.OFFICE.value, "", count, oldest, 0), Group("1", "", late, late_since, 0))


def place_of(user: User, wanted: Wanted, dispatch_id: int) -> Place | None:
    """Where a dispatch stands in the list, or None when it isn't there (any more). Two queries."""
    order, _ = SORTS[wanted.sort]
    statement = f"""{_listing(wanted)}
    , placed AS (SELECT dispatch_id, row_number() OVER w AS place, count(*) OVER () AS total,
                        lag(number) OVER w AS previous, lead(number) OVER w AS next
                   FROM listed WHERE is_listed WINDOW w AS (ORDER BY {order}))
    SELECT place, total, coalesce(previous, ''), coalesce(next, '') FROM placed WHERE dispatch_id = %(dispatch)s"""
    found = ask(user, statement, {**_parameters(wanted), "dispatch": dispatch_id})
    return Place(*found[0]) if found else None


def first_number(user: User, wanted: Wanted) -> str:
    """The number of the first dispatch of the list; "" when it is empty. Two queries."""
    order, _ = SORTS[wanted.sort]
    statement = f"{_listing(wanted)} SELECT number FROM listed WHERE is_listed ORDER BY {order} LIMIT 1"
    found = ask(user, statement, _parameters(wanted))
    return str(found[0][0]) if found else ""


def _listing(wanted: Wanted) -> str:
    """The list; amounts are read only where something is asked of them."""
    narrow = wanted.month is None and "yen" not in wanted.sort
    return (OPEN_WITHOUT_AMOUNTS if narrow else OPEN) + _LISTED
