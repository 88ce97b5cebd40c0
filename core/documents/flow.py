"""A document of several pages that fills itself from the top: headings, facts, tables, texts, and frames for pictures.

Every page says whose document it is and which of how many pages it is; a text too long for a page goes on on the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from core.documents.linebreak import lines_of
from core.documents.sheet import A4_HEIGHT, A4_WIDTH, HAIR, INK, LINE, QUIET, SHADE, Sheet

LEFT, RIGHT = 42.0, A4_WIDTH - 42
TOP, BOTTOM = A4_HEIGHT - 58, 46.0
WIDTH = RIGHT - LEFT

_SIZE = 8.5
_LEADING = _SIZE * 1.4
_PAD = 4.0
_LABEL = 104.0


class Column(NamedTuple):
    """A column of a table: its head, its share of the width, and whether it holds figures."""

    head: str
    share: float
    figures: bool = False


class Frame(NamedTuple):
    """A free area of a page, from its lower left corner; `page` counts from 0."""

    page: int
    x: float
    y: float
    width: float
    height: float


class Flow:
    """Writes from the top of a page to its end and goes on on the next. `total`: how many pages there will be."""

    def __init__(self, sheet: Sheet, *, running: str, total: int) -> None:
        self.sheet = sheet
        self.running = running
        self.total = total
        self.pages = 0
        self.y = BOTTOM
        self._new_page()

    # -- pages

    def _new_page(self) -> None:
        if self.pages:
            self.sheet.next_page()
        self.pages += 1
        sheet = self.sheet
        sheet.fitted(LEFT, A4_HEIGHT - 36, self.running, width=WIDTH - 60, size=8, colour=QUIET)
        sheet.text(RIGHT, A4_HEIGHT - 36, f"{self.pages}/{self.total}", size=8, align="right", colour=QUIET)
        sheet.rule(LEFT, A4_HEIGHT - 42, RIGHT, A4_HEIGHT - 42, colour=HAIR)
        self.y = TOP

    def room(self, height: float) -> None:
        """Makes sure that so many points are left on the page, else goes to the next."""
        if self.y - height < BOTTOM:
            self._new_page()

    def gap(self, height: float) -> None:
        """Leaves some room, unless a page begins here."""
        if self.y < TOP:
            self.y -= height

    # -- text

    def title(self, text: str, below: str = "") -> None:
        """The document's name, with a quiet line below it."""
        self.sheet.fitted(LEFT, self.y - 12, text, width=WIDTH, size=16, bold=True)
        self.y -= 24
        if below:
            self.sheet.fitted(LEFT, self.y - 6, below, width=WIDTH, size=9, colour=QUIET)
            self.y -= 16

    def heading(self, text: str) -> None:
        """A section's name; never alone at a page's end."""
        self.gap(12)
        self.room(60)
        self.sheet.box(LEFT, self.y - 14, 3, 14, fill=INK)
        self.sheet.text(LEFT + 9, self.y - 11, text, size=11, bold=True)
        self.y -= 22

    def paragraph(self, text: str, *, quiet: bool = False) -> None:
        """A text of any length over the whole width."""
        for line in lines_of(text, WIDTH, _SIZE):
            self.room(_LEADING)
            self.sheet.text(LEFT, self.y - _SIZE, line, size=_SIZE, colour=QUIET if quiet else INK)
            self.y -= _LEADING
        self.y -= _PAD

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """Names with their values, one below the other; long values go on on the next page."""
        for label, value in rows:
            names = lines_of(label, _LABEL - _PAD, _SIZE)
            values = lines_of(value or "—", WIDTH - _LABEL, _SIZE)
            self.room(_LEADING * min(max(len(names), len(values)), 3) + _PAD)
            self.sheet.rule(LEFT, self.y, RIGHT, self.y, colour=HAIR)
            self.y -= _PAD
            for place in range(max(len(names), len(values))):
                self.room(_LEADING)
                if place < len(names):
                    self.sheet.text(LEFT, self.y - _SIZE, names[place], size=_SIZE, colour=QUIET)
                if place < len(values):
                    self.sheet.text(LEFT + _LABEL, self.y - _SIZE, values[place], size=_SIZE)
                self.y -= _LEADING
            self.y -= _PAD

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        """Rows under heads; the heads stand again on every page."""
        whole = sum(column.share for column in columns)
        widths = [WIDTH * column.share / whole for column in columns]
        self._row(columns, widths, [column.head for column in columns], head=True)
        for row in rows:
            self._row(columns, widths, row, again=lambda: self._head(columns, widths))
        self.y -= _PAD

    def _head(self, columns: Sequence[Column], widths: Sequence[float]) -> None:
        self._row(columns, widths, [column.head for column in columns], head=True)

    def _row(
        self,
        columns: Sequence[Column],
        widths: Sequence[float],
        cells: Sequence[str],
        *,
        head: bool = False,
        again: Callable[[], None] | None = None,
    ) -> None:
        broken = [lines_of(cell, width - 2 * _PAD, 7.5) for cell, width in zip(cells, widths, strict=True)]
        leading = 7.5 * 1.35
        lines = max(len(cell) for cell in broken)
        begin = 0
        while begin < lines:
            fitting = int((self.y - BOTTOM - _PAD) / leading)
            # a row that fits on a page isn't torn; one that doesn't goes on on the next
            if fitting < min(lines - begin, 40) and self.y < TOP - 60:
                self._new_page()
                if again:
                    again()
                continue
            part = min(lines - begin, max(fitting, 1))
            height = part * leading + _PAD
            if head:
                self.sheet.box(LEFT, self.y - height, WIDTH, height, fill=SHADE)
            x = LEFT
            for column, width, cell in zip(columns, widths, broken, strict=True):
                y = self.y - 7.5 - _PAD / 2
                for line in cell[begin : begin + part]:
                    if column.figures:
                        self.sheet.text(x + width - _PAD, y, line, size=7.5, align="right", bold=head)
                    else:
                        self.sheet.text(x + _PAD, y, line, size=7.5, bold=head)
                    y -= leading
                x += width
            self.y -= height
            self.sheet.rule(LEFT, self.y, RIGHT, self.y, colour=LINE if head else HAIR)
            begin += part

    # -- areas

    def area(self, height: float, width: float = WIDTH) -> Frame:
        """An area of this height for a drawing, below what stands already."""
        self.room(height)
        self.y -= height
        return Frame(self.pages - 1, LEFT, self.y, width, height)

    def page_frame(self, caption: str) -> Frame:
        """A page of its own with a caption; answers what is left of it."""
        if self.y < TOP:
            self._new_page()
        for line in lines_of(caption, WIDTH, _SIZE):
            self.sheet.text(LEFT, self.y - _SIZE, line, size=_SIZE)
            self.y -= _LEADING
        self.y -= _PAD
        frame = Frame(self.pages - 1, LEFT, BOTTOM, WIDTH, self.y - BOTTOM)
        self.y = BOTTOM
        return frame
