"""What an expert has typed into report and claim so far: read from the form, the draft or the dispatch itself.

Everything stays the text that was typed, right or wrong, until it is checked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import QueryDict

from core import clock
from dispatch.models import CheckEvent, Dispatch
from portal_expert.forms.travel import FIELDS, FIELDS_OF, ONE_WAY
from rules import codes

MOST_LINES = 200
HEAD = ("start", "end", "breaks", "report", "itinerary")
_YES = "on"


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was typed; `values` may hold what another kind asked for."""

    number: int
    kind: str
    values: dict[str, str]

    def named(self) -> dict[str, str]:
        """The values under the names of the form."""
        return {f"l{self.number}-{name}": value for name, value in self.values.items() if value}

    def shown(self) -> dict[str, str]:
        """What the kind asks for and what was typed there."""
        return {name: self.values.get(name, "") for name in FIELDS_OF[self.kind]}

    def unshown(self) -> dict[str, str]:
        """What was typed for another kind, so that it comes back with it."""
        asked = FIELDS_OF[self.kind]
        return {name: value for name, value in self.values.items() if value and name not in asked}


@dataclass(frozen=True, slots=True)
class Entry:
    """Everything typed."""

    head: dict[str, str]
    lines: tuple[Line, ...] = field(default=())

    def values(self) -> dict[str, Any]:
        """As it is kept in a draft."""
        return {
            **self.head,
            "lines": [
                {"number": line.number, "kind": line.kind, **{k: v for k, v in line.values.items() if v}}
                for line in self.lines
            ],
        }

    def line(self, number: int) -> Line | None:
        """The line of a 行番号."""
        return next((line for line in self.lines if line.number == number), None)

    def next_number(self, taken: Collection[int] = ()) -> int:
        """A 行番号 that no line has: receipts stay with theirs (`taken`: those that receipts name)."""
        used = {*taken, *(line.number for line in self.lines)}
        after = max(used, default=0) + 1
        if after <= MOST_LINES:
            return after
        return next((number for number in range(1, MOST_LINES + 1) if number not in used), after)

    def with_line(self, line: Line, after: int | None = None) -> Entry:
        """With one more line, behind another one or at the end; unchanged when there are too many."""
        if len(self.lines) >= MOST_LINES:
            return self
        at = next((i + 1 for i, one in enumerate(self.lines) if one.number == after), len(self.lines))
        return replace(self, lines=(*self.lines[:at], line, *self.lines[at:]))

    def without_line(self, number: int) -> Entry:
        """With one line less."""
        return replace(self, lines=tuple(line for line in self.lines if line.number != number))


def new_line(dispatch: Dispatch, entry: Entry, kind: str, taken: Collection[int] = ()) -> Line:
    """An empty line of a kind, on the day of the visit; the first one leads to the place of support."""
    start = entry.head.get("start", "")[:10] or _day(dispatch)
    values = {"day": start}
    if not entry.lines and kind in ONE_WAY:
        values["destination"] = (dispatch.place or dispatch.company.address)[:200]
    return Line(entry.next_number(taken), kind, values)


def copied(line: Line, number: int) -> Line:
    """The same once more."""
    return Line(number, line.kind, dict(line.values))


def way_back(line: Line, number: int) -> Line:
    """帰りも同じ: the same the other way round."""
    values = dict(line.values)
    values["origin"], values["destination"] = values.get("destination", ""), values.get("origin", "")
    return Line(number, line.kind, values)


def _day(dispatch: Dispatch) -> str:
    return clock.jst(dispatch.visited_from or dispatch.planned_from).date().isoformat()


def from_form(posted: QueryDict) -> Entry:
    """What a page sent; lines in the order in which they stand there."""
    head = {name: plain(posted.get(name, "")) for name in HEAD}
    lines = []
    seen: set[int] = set()
    for text in posted.getlist("line")[: MOST_LINES + 1]:
        kind = posted.get(f"l{text}-kind", "")
        if not (text.isascii() and text.isdigit() and len(text) <= 10) or kind not in FIELDS_OF:
            continue
        number = int(text)
        if number in seen:
            continue
        seen.add(number)
        values = {name: plain(posted.get(f"l{text}-{name}", "")) for name in FIELDS}
        lines.append(Line(number, kind, values))
    return Entry(head, tuple(lines))


def plain(text: str) -> str:
    """Typed text as it is kept: what no database keeps goes; browsers send other line ends than pages have."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def from_draft(values: dict[str, Any]) -> Entry:
    """What a draft kept."""
    lines = [
        Line(
            int(line["number"]),
            str(line["kind"]),
            {name: str(line[name]) for name in FIELDS if line.get(name)},
        )
        for line in values.get("lines", [])
        if line.get("kind") in FIELDS_OF
    ]
    return Entry({name: str(values.get(name, "")) for name in HEAD}, tuple(lines))


def from_dispatch(dispatch: Dispatch) -> Entry:
    """What stands in the dispatch: nothing at first, what was handed in after a return. Two queries."""
    events = list(dispatch.check_events.all())
    start = dispatch.visited_from or _counted(events, codes.EVENT_START)
    end = dispatch.visited_to or _counted(events, codes.EVENT_END)
    head = {
        "start": _moment(start),
        "end": _moment(end),
        "breaks": str(dispatch.break_minutes or ""),
        "report": dispatch.report,
        "itinerary": dispatch.itinerary,
    }
    lines = []
    for line in dispatch.travel_lines.order_by("line_no"):
        values = {name: _text(getattr(line, name)) for name in FIELDS}
        lines.append(Line(line.line_no, line.kind, values))
    return Entry(head, tuple(lines))


def _counted(events: list[CheckEvent], kind: str) -> dt.datetime | None:
    """The time that counts (rules.md §5): the earliest 開始, the latest 終了."""
    times = [event.device_time for event in events if event.kind == kind]
    if not times:
        return None
    return min(times) if kind == codes.EVENT_START else max(times)


def _moment(value: dt.datetime | None) -> str:
    return f"{clock.jst(value):%Y-%m-%dT%H:%M}" if value else ""


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return _YES if value else ""
    if isinstance(value, dt.date):
        return value.isoformat()
    return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that two versions don't agree on."""

    label: str
    here: str
    there: str


_LABELS = {
    "start": "支援の開始",
    "end": "支援の終了",
    "breaks": "休憩（分）",
    "report": "支援内容",
    "itinerary": "行程番号",
}


def differences(here: Entry, there: Entry) -> Iterator[Difference]:
    """Where this page and what was saved from another one differ, in the order of the form."""
    for name in HEAD:
        if here.head.get(name, "") != there.head.get(name, ""):
            yield Difference(_LABELS[name], here.head.get(name, ""), there.head.get(name, ""))
    numbers = dict.fromkeys([*(line.number for line in here.lines), *(line.number for line in there.lines)])
    for number in numbers:
        mine, theirs = _summary(here.line(number)), _summary(there.line(number))
        if mine != theirs:
            yield Difference(f"旅費の{number}行目", mine, theirs)


def _summary(line: Line | None) -> str:
    if line is None:
        return ""
    parts = [value for value in line.shown().values() if value and value != _YES]
    return " ".join([line.kind, *parts])
