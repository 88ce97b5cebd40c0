"""The table of a payment notice: visits with their amounts, in rows as generous as the page allows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from core.documents.linebreak import FittedText, fit
from core.documents.sheet import A4_WIDTH, HAIR, QUIET, Sheet
from core.documents.wording import clock_span, duration, long_date, yen

if TYPE_CHECKING:
    from payments.documents.notice import NoticeDispatch, NoticeLine

LEFT, RIGHT = 40.0, A4_WIDTH - 40
# Columns: visit, item, amount (its right edge), explanation.
VISIT, ITEM, AMOUNT, REASON = LEFT + 4, LEFT + 156, LEFT + 254, LEFT + 263
VISIT_ROOM, ITEM_ROOM, AMOUNT_ROOM, REASON_ROOM = ITEM - VISIT - 8, 43.0, 52.0, RIGHT - REASON - 3


@dataclass(frozen=True, slots=True)
class Density:
    """How tight the table is set; the explanation may take reason_lines lines, narrowed to narrowest percent."""

    size: float
    leading: float
    padding: float
    reason_lines: int
    narrowest: int


# The first one with which everything fits on one page is taken. 6.5 points is the smallest that prints legibly.
DENSITIES = (
    Density(8.5, 12.0, 7.0, 3, 100),
    Density(8.0, 11.0, 5.0, 3, 100),
    Density(7.5, 10.0, 4.0, 2, 95),
    Density(7.0, 9.0, 3.5, 2, 90),
    Density(6.5, 8.2, 3.0, 1, 70),
    Density(6.5, 7.6, 2.4, 1, 55),
    Density(6.5, 7.0, 1.6, 1, 55),
)
FLOWING = DENSITIES[2]
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
        least = sum(
            max(VISIT_LINES, len(dispatch.lines)) * density.leading + density.padding for dispatch in dispatches
        )
        if least <= first_room - tail:
            parts = [_part(dispatch, density) for dispatch in dispatches]
            if sum(part.height for part in parts) <= first_room - tail:
                return [parts]
    pages: list[list[Part]] = [[]]
    # A page that is continued says so in a line of its own below the table.
    room = first_room - 12
    for part in (_part(dispatch, FLOWING) for dispatch in dispatches):
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
    if count < VISIT_LINES:
        return None, part
    size = part.density.size
    again = Row(Cell("（続き）", size), *_without_visit(part.rows[count]))
    return (
        Part(part.rows[:count], part.density),
        Part((again, *part.rows[count + 1 :]), part.density),
    )


def _without_visit(row: Row) -> tuple[Cell | None, Cell | None, Cell | None]:
    return row.item, row.amount, row.reason


def _part(dispatch: NoticeDispatch, density: Density) -> Part:
    right = [row for line in dispatch.lines for row in _amount_rows(line, density)]
    rows = zip_longest(_visit_cells(dispatch, density), right)
    return Part(tuple(Row(visit, *(cells or (None, None, None))) for visit, cells in rows), density)


def _visit_cells(dispatch: NoticeDispatch, density: Density) -> list[Cell]:
    """Three lines: number and day, client, time. A long client name gets a second line where rows are free."""
    time = f"{clock_span(dispatch.start, dispatch.end)}（支援{duration(dispatch.minutes)}）"
    spare = 2 if len(dispatch.lines) > VISIT_LINES else 1
    cells = _cells(f"{dispatch.number} {long_date(dispatch.visit_date)}", VISIT_ROOM, density.size, narrowest=70)
    cells += _cells(dispatch.client_name, VISIT_ROOM, density.size, narrowest=70, most_lines=spare, bold=True)
    return cells + _cells(time, VISIT_ROOM, density.size, narrowest=70)


def _amount_rows(line: NoticeLine, density: Density) -> list[tuple[Cell | None, Cell | None, Cell | None]]:
    reasons = _cells(
        line.explanation,
        REASON_ROOM,
        max(6.5, density.size - 0.5),
        most_lines=density.reason_lines,
        narrowest=density.narrowest,
    )
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
        first = top - density.padding / 2 - density.leading + (density.leading - density.size) / 2 + density.size * 0.12
        lines = [(first - density.leading * number, row) for number, row in enumerate(part.rows)]
        # The visit first, then its amounts: the order in which a reader, or a program, takes them.
        for y, row in lines:
            self._cell(VISIT, y, row.visit)
        for y, row in lines:
            self._cell(ITEM, y, row.item)
            self._cell(AMOUNT, y, row.amount, right=True)
            self._cell(REASON, y, row.reason, colour=QUIET)

    def _cell(self, x: float, y: float, cell: Cell | None, *, right: bool = False, colour: str = "0.1") -> None:
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
