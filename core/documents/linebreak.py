"""Breaking Japanese text into lines, and finding a size at which a text fits its box."""

from __future__ import annotations

import re
from typing import NamedTuple

from core.documents.fonts import printable, text_width

# JIS X 4051: what may not begin a line, what may not end one.
_NOT_FIRST = (
    "、。，．・：；？！゛゜ヽヾゝゞ々ー）］｝」』】〉》〕〟’”"
    "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ…‥～％円"
)
_NOT_LAST = "（［｛「『【〈《〔〝‘“￥＄"
_PIECES = re.compile(
    "[!-~]+ *| +"
    "|[" + re.escape(_NOT_LAST) + "]*.[\ufe00-\ufe0f\U000e0100-\U000e01ef]*[" + re.escape(_NOT_FIRST) + "]*"
)
_CHARACTERS = re.compile(".[\ufe00-\ufe0f\U000e0100-\U000e01ef]*")


class FittedText(NamedTuple):
    """A text broken into lines at a size (points) and a horizontal scale (percent)."""

    lines: tuple[str, ...]
    size: float
    stretch: int


def lines_of(text: str, width: float, size: float, *, bold: bool = False) -> tuple[str, ...]:
    """The text in lines of at most this width (points); line ends in the text stay."""
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        lines += _broken(printable(paragraph), width, size, bold)
    return tuple(lines)


def fit(
    text: str,
    *,
    width: float,
    size: float,
    smallest: float,
    most_lines: int = 1,
    narrowest: int = 100,
    bold: bool = False,
) -> FittedText:
    """The text at the largest size at which it fits: smaller, then narrower, at last as small as it takes."""
    text = printable(text)
    while True:
        lines = lines_of(text, width, size, bold=bold)
        if len(lines) <= most_lines:
            return FittedText(lines, size, 100)
        if size - 0.5 < smallest:
            break
        size -= 0.5
    for stretch in range(95, narrowest - 1, -5):
        lines = lines_of(text, width * 100 / stretch, size, bold=bold)
        if len(lines) <= most_lines:
            return FittedText(lines, size, stretch)
    while len(lines) > most_lines:
        size *= 0.95
        lines = lines_of(text, width * 100 / narrowest, size, bold=bold)
    return FittedText(lines, size, narrowest)


def _broken(text: str, width: float, size: float, bold: bool) -> list[str]:
    if text_width(text, size, bold=bold) <= width:
        return [text]
    lines: list[str] = []
    line, used = "", 0.0
    for piece in _PIECES.findall(text):
        room = text_width(piece.rstrip(" "), size, bold=bold)
        if line and used + room > width:
            lines.append(line.rstrip(" "))
            line, used = "", 0.0
        if room > width:
            *full, piece = _cut(piece, width, size, bold)
            lines += full
        line += piece
        used += text_width(piece, size, bold=bold)
    return [*lines, line.rstrip(" ")] if line.strip(" ") else lines


def _cut(piece: str, width: float, size: float, bold: bool) -> list[str]:
    """A piece wider than a line, cut between any two characters."""
    lines = [""]
    for char in _CHARACTERS.findall(piece):
        if lines[-1] and text_width(lines[-1] + char, size, bold=bold) > width:
            lines.append("")
        lines[-1] += char
    return lines
