"""A page to draw a document on: text at a place, lines, boxes, and bytes that never change.

The same calls give the same bytes on every installation: nothing of the clock, the environment, the
compression library or reportlab's settings reaches the file. Streams stay uncompressed for that reason (zlib
and its replacements compress the same data differently).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from hashlib import md5
from io import BytesIO
from typing import Any, Literal, cast

from reportlab import rl_config
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from core.documents.embedding import document_font
from core.documents.fonts import text_width
from core.documents.linebreak import FittedText, fit, lines_of

Align = Literal["left", "right", "center"]

A4_WIDTH, A4_HEIGHT = 595.28, 841.89
# Colours of the page, as PDF operands: text, secondary text, lines, fine lines, shaded areas.
INK, QUIET, LINE, HAIR, SHADE = "0.1", "0.35", "0.45", "0.75", "0.945"


class _Moment:
    """The document's date where reportlab wants the time of making."""

    dhh, dmm, tzname = 9, 0, "JST"

    def __init__(self, day: dt.date) -> None:
        self.t = 0
        self.YMDhms = (day.year, day.month, day.day, 0, 0, 0)


class Sheet:
    """A document in the making. Lengths in points, from the lower left corner."""

    def __init__(
        self,
        *,
        title: str,
        author: str,
        dated: dt.date,
        subject: str = "",
        width: float = A4_WIDTH,
        height: float = A4_HEIGHT,
    ) -> None:
        self.width, self.height = width, height
        rl_config.invariant, rl_config.pdfComments, rl_config.pdfMultiLine = 1, 0, 1
        # A dynamic first font keeps reportlab from mentioning Helvetica, which would not be embedded.
        self.canvas: Any = Canvas(
            None,
            pagesize=(width, height),
            pageCompression=0,
            invariant=1,
            lang="ja",
            initialFontName=document_font().fontName,
        )
        self._document = self.canvas._doc
        self._document._timeStamp = _Moment(dated)
        self._document.signature = md5(usedforsecurity=False)
        for name, value in (("Title", title), ("Author", author), ("Subject", subject)):
            getattr(self.canvas, f"set{name}")(value)
        self.canvas.setCreator("専門家派遣事業 事務局システム")
        self.canvas.setProducer("ReportLab")
        self._colour = ""

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 9,
        bold: bool = False,
        align: Align = "left",
        colour: str = INK,
        stretch: int = 100,
    ) -> None:
        """Write one line with its baseline at y; stretch narrows it horizontally (percent)."""
        if align != "left":
            room = text_width(text, size, bold=bold) * stretch / 100
            x -= room if align == "right" else room / 2
        font = document_font(bold=bold)
        parts = [f"BT 1 0 0 1 {x:.2f} {y:.2f} Tm"]
        if colour != self._colour:
            parts.insert(0, f"{colour} g")
            self._colour = colour
        if stretch != 100:
            parts.append(f"{stretch} Tz")
        for subset, codes in font.encoded(text, self._document):
            name = font.getSubsetInternalName(subset, self._document)
            shown = f"{name} {size:.2f} Tf <{codes}> Tj"
            # Rare characters have no bold face: their outlines are thickened instead.
            parts.append(f"{colour} G {size * 0.025:.2f} w 2 Tr {shown} 0 Tr" if bold and subset else shown)
        if stretch != 100:
            parts.append("100 Tz")
        parts.append("ET")
        self.canvas._code.append(" ".join(parts))

    def lines(
        self,
        x: float,
        y: float,
        fitted: FittedText,
        *,
        leading: float = 1.35,
        bold: bool = False,
        colour: str = INK,
        align: Align = "left",
    ) -> float:
        """Write lines from baseline y downwards, leading times the size apart; return the next baseline."""
        _, size, stretch = fitted
        for line in fitted.lines:
            self.text(x, y, line, size=size, bold=bold, colour=colour, stretch=stretch, align=align)
            y -= size * leading
        return y

    def fitted(
        self,
        x: float,
        y: float,
        text: str,
        *,
        width: float,
        size: float = 9,
        smallest: float = 6.5,
        most_lines: int = 1,
        narrowest: int = 70,
        leading: float = 1.35,
        bold: bool = False,
        colour: str = INK,
        align: Align = "left",
    ) -> float:
        """Write a text that never leaves its box: smaller, in lines, narrower; return the next baseline."""
        found = fit(
            text,
            width=width,
            size=size,
            smallest=smallest,
            most_lines=most_lines,
            narrowest=narrowest,
            bold=bold,
        )
        below = self.lines(x, y, found, leading=leading, bold=bold, colour=colour, align=align)
        # What follows is written in the usual size and needs its room also below a text that had to shrink.
        return below - (size - found.size) * leading

    def paragraph(
        self,
        x: float,
        y: float,
        text: str,
        *,
        width: float,
        size: float = 8,
        leading: float = 1.4,
        colour: str = INK,
    ) -> float:
        """Write a text in as many lines as it takes; return the next baseline."""
        broken = FittedText(lines_of(text, width, size), size, 100)
        return self.lines(x, y, broken, leading=leading, colour=colour)

    def rule(
        self, x1: float, y1: float, x2: float, y2: float, *, weight: float = 0.5, colour: str = LINE
    ) -> None:
        """Draw a straight line."""
        self.canvas._code.append(f"{colour} G {weight:.2f} w {x1:.2f} {y1:.2f} m {x2:.2f} {y2:.2f} l S")

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str = "",
        line: str = "",
        weight: float = 0.5,
    ) -> None:
        """Draw a rectangle from its lower left corner, filled, outlined or both."""
        paint = "B" if fill and line else "f" if fill else "S"
        setting = (f"{fill} g " if fill else "") + (f"{line} G {weight:.2f} w " if line else "")
        if fill:
            self._colour = fill
        self.canvas._code.append(f"{setting}{x:.2f} {y:.2f} {width:.2f} {height:.2f} re {paint}")

    def circle(self, x: float, y: float, radius: float, *, line: str = LINE, weight: float = 0.5) -> None:
        """Draw a circle around a point."""
        bow = radius * 0.5523
        curves = (
            (x + radius, y + bow, x + bow, y + radius, x, y + radius),
            (x - bow, y + radius, x - radius, y + bow, x - radius, y),
            (x - radius, y - bow, x - bow, y - radius, x, y - radius),
            (x + bow, y - radius, x + radius, y - bow, x + radius, y),
        )
        drawn = " ".join(" ".join(f"{value:.2f}" for value in curve) + " c" for curve in curves)
        self.canvas._code.append(f"{line} G {weight:.2f} w {x + radius:.2f} {y:.2f} m {drawn} S")

    def stroke(self, points: Sequence[tuple[float, float]], *, line: str = INK, weight: float = 1) -> None:
        """Draw a line through points with round ends; a single point is a dot."""
        (x, y), *rest = points
        drawn = " ".join(f"{right:.2f} {up:.2f} l" for right, up in rest or [(x, y)])
        self.canvas._code.append(f"{line} G {weight:.2f} w 1 J 1 j {x:.2f} {y:.2f} m {drawn} S 0 J 0 j")

    def picture(self, content: bytes, x: float, y: float, width: float, height: float) -> None:
        """Place a JPEG or PNG into a box from its lower left corner, as large as fits, in its middle."""
        image = ImageReader(BytesIO(content))
        pixels_wide, pixels_high = image.getSize()
        scale = min(width / pixels_wide, height / pixels_high)
        wide, high = pixels_wide * scale, pixels_high * scale
        self.canvas.drawImage(image, x + (width - wide) / 2, y + (height - high) / 2, wide, high)
        self._colour = ""

    def next_page(self) -> None:
        """Finish this page and go on with an empty one."""
        self._document.updateSignature("\n".join(self.canvas._code))
        self.canvas.showPage()
        self.begin_anew()

    def begin_anew(self) -> None:
        """What follows stands on a page of its own: no colour is set yet."""
        self._colour = ""

    def pdf(self) -> bytes:
        """Finish the document and return it."""
        if self.canvas._code:
            self.next_page()
        return cast(bytes, self.canvas.getpdfdata())
