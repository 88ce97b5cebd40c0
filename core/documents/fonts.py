"""The fonts of all documents: BIZ UDGothic, and Rare Kanji Gothic for what it lacks (docs/fonts.md).

A name is never printed with a hole: `missing_characters` says before a run what no font has.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

from core.documents.truetype import TrueTypeFace

FONT_FOLDER = Path(__file__).parent / "fonts"
# Stands for a character that no font has, as printers always did; only reached when nobody asked before.
GETA = "〓"

_MARKED = re.compile("[^\u0300-\u036f\u3099\u309a][\u0300-\u036f\u3099\u309a]+")
_SPACE = re.compile("[\t\n\v\f\r\x85\xa0\u2028\u2029]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)
_SELECTOR = "[\ufe00-\ufe0f\U000e0100-\U000e01ef]"
_CLUSTER = re.compile(f"(.)({_SELECTOR}?){_SELECTOR}*", re.DOTALL)


class Glyph(NamedTuple):
    """What is drawn for a character, or for a character with its variation selector."""

    text: str
    face: int
    glyph: int
    width: int
    found: bool


class Run(NamedTuple):
    """A piece of text in one font."""

    font: str
    text: str


class FontFamily:
    """A main face and the faces that stand in for what it lacks."""

    def __init__(self, name: str, *faces: TrueTypeFace) -> None:
        self.name = name
        self.faces = faces
        main = faces[0]
        characters = {chr(char): glyph for char, glyph in main.glyphs.items()}
        self.main_glyphs = {char: glyph for char, glyph in characters.items() if not _needs_care(char)}
        self._main_widths = {char: main.advance(glyph) for char, glyph in self.main_glyphs.items()}
        self._located: dict[tuple[str, str], Glyph] = {}

    def width(self, text: str, size: float) -> float:
        """Width of a text in points."""
        try:
            return sum(map(self._main_widths.__getitem__, text)) * size / 1000
        except KeyError:
            return sum(glyph.width for glyph in self.glyphs(text)) * size / 1000

    def glyphs(self, text: str) -> list[Glyph]:
        """What is drawn for a text, one entry per visible character."""
        return [self._locate(char, selector) for char, selector in _CLUSTER.findall(printable(text))]

    def _locate(self, char: str, selector: str) -> Glyph:
        known = self._located.get((char, selector))
        if known is None:
            known = self._find(char, selector)
            # Input could hold any of a million characters; what is found is few, what is missing isn't kept.
            if known.found:
                self._located[char, selector] = known
        return known

    def _find(self, char: str, selector: str) -> Glyph:
        if selector:
            for number, face in enumerate(self.faces):
                glyph = face.sequences.get((ord(char), ord(selector)))
                if glyph is not None:
                    return Glyph(char + selector, number, glyph, face.advance(glyph), True)
        for number, face in enumerate(self.faces):
            glyph = face.glyphs.get(ord(char))
            if glyph is not None:
                # An unknown variant shows the usual form; the selector stays in the text that readers copy.
                return Glyph(char + selector, number, glyph, face.advance(glyph), True)
        glyph = self.faces[0].glyphs[ord(GETA)]
        return Glyph(char + selector, 0, glyph, self.faces[0].advance(glyph), False)


@cache
def face(file_name: str) -> TrueTypeFace:
    """A font file of the project, read once per process."""
    return TrueTypeFace(FONT_FOLDER / file_name)


@cache
def family(*, bold: bool = False) -> FontFamily:
    """The document font, regular or bold; rare characters exist in regular only."""
    weight = "Bold" if bold else "Regular"
    return FontFamily(f"Document-{weight}", face(f"BIZUDGothic-{weight}.ttf"), face("RareKanji-Regular.ttf"))


def printable(text: str) -> str:
    """The text as it is drawn: marks joined to their letters, line ends as spaces, nothing invisible.

    Only letters with marks are composed: normalising everything would replace 神 (U+FA19) by 神.
    """
    text = _SPACE.sub(" ", _INVISIBLE.sub("", text))
    return _MARKED.sub(lambda match: unicodedata.normalize("NFC", match[0]), text)


def missing_characters(text: str) -> str:
    """The characters of a text that no document font has, each once, in order of appearance."""
    missing = (glyph.text[0] for glyph in family().glyphs(text) if not glyph.found)
    return "".join(dict.fromkeys(missing))


def runs(text: str, *, bold: bool = False) -> list[Run]:
    """A text split into pieces of one font each."""
    fonts = family(bold=bold)
    pieces: list[Run] = []
    for glyph in fonts.glyphs(text):
        name = fonts.faces[glyph.face].name
        if pieces and pieces[-1].font == name:
            pieces[-1] = Run(name, pieces[-1].text + glyph.text)
        else:
            pieces.append(Run(name, glyph.text))
    return pieces


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Width of a text in points."""
    return family(bold=bold).width(text, size)


def _needs_care(char: str) -> bool:
    """Whether a character is drawn differently because of its neighbours or not at all."""
    return bool(
        _SPACE.match(char)
        or _INVISIBLE.match(char)
        or "\u0300" <= char <= "\u036f"
        or char in "\u3099\u309a"
        or "\ufe00" <= char <= "\ufe0f"
        or char >= "\U000e0100"
    )
