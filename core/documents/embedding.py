"""The document fonts inside a PDF: one composite font per face, with exactly the characters that occur.

Each character gets its own code, in order of first use, so that copied text is what was written (also beyond
U+FFFF and with variation selectors) and the same document always has the same bytes.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Any, Protocol, cast
from weakref import WeakKeyDictionary

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFStream

from core.documents.fonts import FontFamily, Glyph, family
from core.documents.truetype import TrueTypeFace

ASCENT, DESCENT = 880, -120


class PdfDocument(Protocol):
    """What of reportlab's PDFDocument is used here."""

    fontMapping: dict[str, str]
    delayedFonts: list[Any]
    idToObject: dict[str, Any]

    def Reference(self, obj: object, name: str | None = None) -> object: ...

    def updateSignature(self, thing: object) -> None: ...


class _MainCodes(dict[str, str]):
    """Codes of the main face's plain characters, given out on first use; other characters are a KeyError."""

    def __init__(self, subset: _Subset, glyphs: dict[str, int]) -> None:
        super().__init__()
        self._subset = subset
        self._glyphs = glyphs

    def __missing__(self, char: str) -> str:
        code = self[char] = self._subset.add(char, self._glyphs[char])
        return code


class _Subset:
    """The characters of one face in one document."""

    def __init__(self, face: TrueTypeFace) -> None:
        self.face = face
        self.texts: list[str] = []
        self.glyphs: list[int] = []

    def add(self, text: str, glyph: int) -> str:
        self.texts.append(text)
        self.glyphs.append(glyph)
        return f"{len(self.glyphs):04X}"


class _Usage:
    """The characters of one family in one document."""

    def __init__(self, fonts: FontFamily) -> None:
        self.internal_name = ""
        self.subsets = [_Subset(face) for face in fonts.faces]
        self.main = _MainCodes(self.subsets[0], fonts.main_glyphs)
        self._others: dict[tuple[int, str], str] = {}

    def code(self, glyph: Glyph) -> str:
        if glyph.face == 0 and glyph.text in self.main:
            return self.main[glyph.text]
        key = (glyph.face, glyph.text)
        if key not in self._others:
            self._others[key] = self.subsets[glyph.face].add(glyph.text, glyph.glyph)
            if glyph.face == 0:
                self.main.setdefault(glyph.text, self._others[key])
        return self._others[key]


class DocumentFont:
    """A font family as reportlab's canvas and platypus expect a dynamic font, and as `Sheet` uses it."""

    _multiByte = 1
    _dynamicFont = 1
    shapable = False

    def __init__(self, fonts: FontFamily) -> None:
        self.fontName = fonts.name
        self.fonts = fonts
        self.face = _FaceFacts(fonts.name)
        self.encoding = _FaceFacts("Identity-H")
        self._usage: WeakKeyDictionary[PdfDocument, _Usage] = WeakKeyDictionary()

    def stringWidth(self, text: str | bytes, size: float, encoding: str = "utf-8") -> float:
        return self.fonts.width(text.decode(encoding) if isinstance(text, bytes) else text, size)

    def encoded(self, text: str, document: PdfDocument) -> list[tuple[int, str]]:
        """The text as (face, hexadecimal codes), the characters being noted for embedding."""
        usage = self._usage_in(document)
        try:
            return [(0, "".join(map(usage.main.__getitem__, text)))]
        except KeyError:
            pieces: list[tuple[int, str]] = []
            for glyph in self.fonts.glyphs(text):
                code = usage.code(glyph)
                if pieces and pieces[-1][0] == glyph.face:
                    code = pieces.pop()[1] + code
                pieces.append((glyph.face, code))
            return pieces

    def splitString(
        self, text: str | bytes, doc: PdfDocument, encoding: str = "utf-8"
    ) -> list[tuple[int, bytes]]:
        plain = text.decode(encoding) if isinstance(text, bytes) else text
        return [(face, bytes.fromhex(codes)) for face, codes in self.encoded(plain, doc)]

    def getSubsetInternalName(self, subset: int, doc: PdfDocument) -> str:
        usage = self._usage_in(doc)
        if not usage.internal_name:
            usage.internal_name = f"F{len(doc.fontMapping) + 1}"
            doc.fontMapping[self.fontName] = "/" + usage.internal_name
            doc.delayedFonts.append(self)
        return f"/{usage.internal_name}+{subset}"

    def addObjects(self, doc: PdfDocument) -> None:
        usage = self._usage.pop(doc)
        fonts = doc.idToObject["BasicFonts"].dict
        for number, subset in enumerate(usage.subsets):
            if subset.glyphs:
                name = f"{usage.internal_name}+{number}"
                fonts[name] = doc.Reference(_font_object(subset, doc), name)

    def _usage_in(self, document: PdfDocument) -> _Usage:
        usage = self._usage.get(document)
        if usage is None:
            usage = self._usage[document] = _Usage(self.fonts)
        return usage


class _FaceFacts:
    """The few facts that reportlab asks a font's face and encoding for."""

    builtIn = 0
    ascent, descent = ASCENT, DESCENT

    def __init__(self, name: str) -> None:
        self.name = name


@cache
def document_font(*, bold: bool = False) -> DocumentFont:
    """The document font, known to reportlab as Document-Regular or Document-Bold."""
    font = DocumentFont(family(bold=bold))
    pdfmetrics.registerFont(font)
    return font


def _font_object(subset: _Subset, doc: PdfDocument) -> PDFDictionary:
    face = subset.face
    mark = sha256("\0".join(subset.texts).encode()).digest()
    # Pages hold codes: two documents that differ in their words alone differ only here.
    doc.updateSignature(mark)
    name = "/" + "".join(chr(65 + byte % 26) for byte in mark[:6]) + "+" + face.name
    data = face.subset(subset.glyphs)
    file = PDFStream(dictionary=PDFDictionary({"Length1": len(data)}), content=data + b"\n")
    descriptor = PDFDictionary(
        {
            "Type": "/FontDescriptor",
            "FontName": name,
            "Flags": 4,
            "FontBBox": PDFArray(face.bounding_box),
            "ItalicAngle": 0,
            "Ascent": ASCENT,
            "Descent": DESCENT,
            "CapHeight": 733,
            "StemV": 140 if "Bold" in face.name else 80,
            "FontFile2": doc.Reference(file),
        }
    )
    descendant = PDFDictionary(
        {
            "Type": "/Font",
            "Subtype": "/CIDFontType2",
            "BaseFont": name,
            "CIDSystemInfo": "<< /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>",
            "CIDToGIDMap": "/Identity",
            "DW": 1000,
            "W": _widths(subset),
            "FontDescriptor": doc.Reference(descriptor),
        }
    )
    return cast(
        PDFDictionary,
        PDFDictionary(
            {
                "Type": "/Font",
                "Subtype": "/Type0",
                "BaseFont": name,
                "Encoding": "/Identity-H",
                "DescendantFonts": PDFArray([doc.Reference(descendant)]),
                "ToUnicode": doc.Reference(PDFStream(content=_to_unicode(subset.texts))),
            }
        ),
    )


def _widths(subset: _Subset) -> str:
    """The widths that differ from 1000, as runs of codes."""
    parts: list[str] = []
    previous = 0
    for code, glyph in enumerate(subset.glyphs, start=1):
        width = subset.face.advance(glyph)
        if width == 1000:
            continue
        if previous and code == previous + 1:
            parts.append(f" {width}")
        else:
            parts.append(f"{'] ' if parts else ''}{code} [{width}")
        previous = code
    return "[" + "".join(parts) + ("]]" if parts else "]")


def _to_unicode(texts: list[str]) -> str:
    """The CMap that says which text each code stands for, in UTF-16 (PDF 32000-1, 9.10.3)."""
    lines = [
        "/CIDInit /ProcSet findresource begin",
        "12 dict begin",
        "begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        "/CMapName /Adobe-Identity-UCS def",
        "/CMapType 2 def",
        "1 begincodespacerange",
        "<0000> <FFFF>",
        "endcodespacerange",
    ]
    entries = [f"<{code:04X}> <{text.encode('utf-16-be').hex()}>" for code, text in enumerate(texts, start=1)]
    # A block holds at most 100 entries.
    for start in range(0, len(entries), 100):
        block = entries[start : start + 100]
        lines += [f"{len(block)} beginbfchar", *block, "endbfchar"]
    lines += ["endcmap", "CMapName currentdict /CMap defineresource pop", "end", "end", ""]
    return "\n".join(lines)
