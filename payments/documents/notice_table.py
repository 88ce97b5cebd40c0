"""The table of a payment notice: visits with their amounts, in rows as generous as the page allows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from core.documents.linebreak import FittedText, fit, lines_of
from core.documents.sheet import A4_WIDTH, HAIR, INK, QUIET, Sheet
from core.documents.wording import clock_span, duration, long_date, yen

if TYPE_CHECKING:
    from payments.documents.notice import NoticeDispatch, NoticeLine

LEFT, RIGHT = 40.0, A4_WIDTH - 40
# Columns: visit, item, amount (its right edge), explanation.
VISIT, ITEM, AMOUNT, REASON = LEFT + 4, LEFT + 150, LEFT + 245, LEFT + 253
VISIT_ROOM, ITEM_ROOM, AMOUNT_ROOM, REASON_ROOM = ITEM - VISIT - 8, 43.0, 52.0, RIGHT - REASON - 3


@dataclass(frozen=True, slots=True)
class Density:
    """How tight the table is set; narrowest is how far an explanation is narrowed at most (percent)."""

    size: float
    leading: float
    padding: float
    client_lines: int
    narrowest: int


# The first one with which everything fits on one page is taken; below 6.5 points print isn't legible.
DENSITIES = (
    Density(8.5, 12.0, 7.0, 3, 100),
    Density(8.0, 11.0, 5.0, 3, 100),
    Density(7.5, 10.0, 4.0, 3, 95),
    Density(7.0, 9.0, 3.5, 2, 90),
    Density(6.5, 8.2, 3.0, 1, 70),
    Density(6.5, 7.6, 2.4, 1, 60),
    Density(6.5, 7.0, 1.6, 1, 55),
)
# Where one page doesn't do, the most generous of these that takes the fewest pages.
FLOWING = DENSITIES[2:4]
VISIT_LINES = 3


@dataclass(frozen=True, slots=True)
class Cell:
    """A line of text in its column."""

    text: str
    size: float
    stretch: int = 100
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; what is None stays empty."""

    visit: Cell | None
    item: Cell | None
    amount: Cell | None
    reason: Cell | None


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one visit that stand together on a page."""

    number: str
    rows: tuple[Row, ...]
    density: Density

    @property
    def height(self) -> float:
        """Room on the page (points)."""
        return len(self.rows) * self.density.leading + self.density.padding


def paginate(
    dispatches: tuple[NoticeDispatch, ...], *, first_room: float, next_room: float, tail: float
) -> list[list[Part]]:
    """The visits laid out on pages, so that totals and remarks (tail, points) follow on the last one."""
    for density in DENSITIES:
        lines = sum(max(VISIT_LINES, len(dispatch.lines)) for dispatch in dispatches)
        least = lines * density.leading + len(dispatches) * density.padding
        if least <= first_room - tail:
            parts = [_part(dispatch, density) for dispatch in dispatches]
            if sum(part.height for part in parts) <= first_room - tail:
                return [parts]
    flowing = (
        _flow([_part(dispatch, density) for dispatch in dispatches], first_room, next_room, tail)
        for density in FLOWING
    )
    return min(flowing, key=len)


def _flow(parts: list[Part], first_room: float, next_room: float, tail: float) -> list[list[Part]]:
    pages: list[list[Part]] = [[]]
    # A page that is continued says so in a line of its own below the table.
    room = first_room - 12
    for part in parts:
        if part.height > room and part.height <= next_room - 12:
            pages.append([])
            room = next_room - 12
        rest: Part | None = part
        while rest is not None:
            piece, rest = _split(rest, room)
            if piece is not None:
                pages[-1].append(piece)
                room -= piece.height
            if rest is not None:
                pages.append([])
                room = next_room - 12
    if room + 12 < tail:
        pages.append([])
    return pages


def _split(part: Part, room: float) -> tuple[Part | None, Part | None]:
    """What of a part fits into the room, and what is left for the next page."""
    if part.height <= room:
        return part, None
    count = int((room - part.density.padding) // part.density.leading)
    if count < sum(row.visit is not None for row in part.rows):
        return None, part
    first = part.rows[count]
    again = Row(Cell(f"{part.number}（続き）", part.density.size), first.item, first.amount, first.reason)
    return replace(part, rows=part.rows[:count]), replace(part, rows=(again, *part.rows[count + 1 :]))


def _part(dispatch: NoticeDispatch, density: Density) -> Part:
    right = [row for line in dispatch.lines for row in _amount_rows(line, density)]
    rows = tuple(
        Row(visit, *(cells or (None, None, None)))
        for visit, cells in zip_longest(_visit_cells(dispatch, density), right)
    )
    return Part(dispatch.number, rows, density)


def _visit_cells(dispatch: NoticeDispatch, density: Density) -> list[Cell]:
    """Number and day, client, time: three lines, more for a long name where page or rows allow."""
    time = f"{clock_span(dispatch.start, dispatch.end)}（支援{duration(dispatch.minutes)}）"
    client_lines = max(density.client_lines, min(1 + len(dispatch.lines) - VISIT_LINES, 6))
    visit = f"{dispatch.number} {long_date(dispatch.visit_date)}"
    size, client = density.size, dispatch.client_name
    return [
        *_cells(visit, VISIT_ROOM, size, narrowest=70),
        *_cells(client, VISIT_ROOM, size, narrowest=70, most_lines=client_lines, bold=True),
        *_cells(time, VISIT_ROOM, size, narrowest=70),
    ]


def _amount_rows(line: NoticeLine, density: Density) -> list[tuple[Cell | None, Cell | None, Cell | None]]:
    # As many lines as it takes at full legibility: an explanation is narrowed, but never small print.
    size = max(6.5, density.size - 0.5)
    lines = len(lines_of(line.explanation, REASON_ROOM * 100 / density.narrowest, size))
    reasons = _cells(line.explanation, REASON_ROOM, size, most_lines=lines, narrowest=density.narrowest)
    (item,) = _cells(line.item, ITEM_ROOM, density.size, narrowest=60)
    (amount,) = _cells(yen(line.amount), AMOUNT_ROOM, density.size, narrowest=60)
    return [(item, amount, reasons[0]), *((None, None, reason) for reason in reasons[1:])]


def _cells(
    text: str, width: float, size: float, *, narrowest: int, most_lines: int = 1, bold: bool = False
) -> list[Cell]:
    found: FittedText = fit(
        text,
        width=width,
        size=size,
        smallest=6.5,
        most_lines=most_lines,
        narrowest=narrowest,
        bold=bold,
    )
    return [Cell(line, found.size, found.stretch, bold) for line in found.lines]


class NoticeTable:
    """Draws parts of the table."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet

    def draw(self, top: float, parts: list[Part]) -> float:
        """Draw the parts from the top downwards; return where the table ends."""
        for number, part in enumerate(parts):
            if number:
                self.sheet.rule(LEFT, top, RIGHT, top, weight=0.4, colour=HAIR)
            self._part(top, part)
            top -= part.height
        return top

    def _part(self, top: float, part: Part) -> None:
        density = part.density
        first = top - (density.padding + density.leading + density.size) / 2 + density.size * 0.12
        lines = [(first - density.leading * number, row) for number, row in enumerate(part.rows)]
        # The visit first, then its amounts: the order in which a reader, or a program, takes them.
        for y, row in lines:
            self._cell(VISIT, y, row.visit)
        for y, row in lines:
            self._cell(ITEM, y, row.item)
            self._cell(AMOUNT, y, row.amount, right=True)
            self._cell(REASON, y, row.reason, colour=QUIET)

    def _cell(self, x: float, y: float, cell: Cell | None, *, right: bool = False, colour: str = INK) -> None:
        if cell is not None:
            self.sheet.text(
                x,
                y,
                cell.text,
                size=cell.size,
                stretch=cell.stretch,
                bold=cell.bold,
                align="right" if right else "left",
                colour=colour,
            )
