"""TrueType files read just far enough to embed them: characters, widths, outlines and small subsets.

reportlab's own TrueType support knows no variation sequences, splits a text into fonts of 256 characters and
parses anew what never changes; a month of notices needs the same few thousand outlines again and again, so
they are read once per process.
"""

from __future__ import annotations

import mmap
from itertools import accumulate
from pathlib import Path
from struct import pack, unpack, unpack_from

_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")
_UNICODE_TABLES = ((3, 10), (0, 4), (0, 3), (3, 1))


class TrueTypeFace:
    """One font file: which characters it has, how wide they are, what they look like."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.name = path.stem
        self._tables: dict[str, tuple[int, int]] = {}
        for n in range(unpack_from(">H", self._data, 4)[0]):
            tag, _, offset, length = unpack_from(">4sLLL", self._data, 12 + 16 * n)
            self._tables[tag.decode()] = (offset, length)
        self.units_per_em: int = unpack_from(">H", self._data, self._tables["head"][0] + 18)[0]
        box = unpack_from(">4h", self._data, self._tables["head"][0] + 36)
        self.bounding_box = tuple(round(value * 1000 / self.units_per_em) for value in box)
        self.glyph_count: int = unpack_from(">H", self._data, self._tables["maxp"][0] + 4)[0]
        self._offsets = self._glyph_offsets()
        self._advances = self._glyph_advances()
        self.glyphs: dict[int, int] = {}
        self.sequences: dict[tuple[int, int], int] = {}
        self._read_characters()
        self._outlines: dict[int, tuple[bytes, int]] = {}

    def advance(self, glyph: int) -> int:
        """Width of a glyph in thousandths of the font size."""
        return self._advances[min(glyph, len(self._advances) - 1)]

    def subset(self, glyphs: list[int]) -> bytes:
        """A font file with .notdef and these glyphs, numbered from 1 in this order, without hints."""
        outlines = [self._outline(glyph) for glyph in (0, *glyphs)]
        count = len(outlines)
        ends = accumulate(len(data) for data, _ in outlines)
        scale = self.units_per_em / 1000
        advances = [round(self.advance(glyph) * scale) for glyph in (0, *glyphs)]
        # Left side bearings come from the outline itself: hmtx repeats xMin, which starts at byte 2.
        bearings = [unpack_from(">h", data, 2)[0] if data else 0 for data, _ in outlines]
        head = bytearray(self._table("head"))
        head[8:12] = b"\0\0\0\0"
        head[50:52] = b"\0\1"
        hhea = self._table("hhea")[:34] + pack(">H", count)
        maxp = bytearray(self._table("maxp"))
        maxp[4:6] = pack(">H", count)
        # No twilight points, storage, functions or instructions: the programs that need them are left out.
        maxp[14:28] = pack(">7H", 1, 0, 0, 0, 0, 0, 0)
        pairs = [value for pair in zip(advances, bearings, strict=True) for value in pair]
        outlines_checksum = sum(checksum for _, checksum in outlines) & 0xFFFFFFFF
        tables = [(b"glyf", b"".join(data for data, _ in outlines), outlines_checksum)]
        for tag, content in (
            (b"head", bytes(head)),
            (b"hhea", hhea),
            (b"hmtx", pack(">" + "Hh" * count, *pairs)),
            (b"loca", pack(f">{count + 1}L", 0, *ends)),
            (b"maxp", bytes(maxp)),
        ):
            padded = content + _PADDING[len(content) % 4]
            tables.append((tag, padded, _checksum(padded)))
        return _assemble(tables)

    def _table(self, tag: str) -> bytes:
        offset, length = self._tables[tag]
        return self._data[offset : offset + length]

    def _glyph_offsets(self) -> tuple[int, ...]:
        start = self._tables["loca"][0]
        if unpack_from(">h", self._data, self._tables["head"][0] + 50)[0]:
            return unpack_from(f">{self.glyph_count + 1}L", self._data, start)
        return tuple(2 * value for value in unpack_from(f">{self.glyph_count + 1}H", self._data, start))

    def _glyph_advances(self) -> tuple[int, ...]:
        count = unpack_from(">H", self._data, self._tables["hhea"][0] + 34)[0]
        values = unpack_from(f">{2 * count}H", self._data, self._tables["hmtx"][0])
        return tuple(round(value * 1000 / self.units_per_em) for value in values[::2])

    def _outline(self, glyph: int) -> tuple[bytes, int]:
        """The glyph's outline without its hints, padded to four bytes, and its checksum."""
        known = self._outlines.get(glyph)
        if known is None:
            start = self._tables["glyf"][0]
            data = self._data[start + self._offsets[glyph] : start + self._offsets[glyph + 1]]
            if data:
                contours = unpack_from(">h", data)[0]
                if contours < 0:
                    raise ValueError(f"{self.name}: glyph {glyph} is composed of other glyphs")
                hints = 10 + 2 * contours
                data = data[:hints] + b"\0\0" + data[hints + 2 + unpack_from(">H", data, hints)[0] :]
                data += _PADDING[len(data) % 4]
            known = self._outlines[glyph] = (data, _checksum(data))
        return known

    def _read_characters(self) -> None:
        start = self._tables["cmap"][0]
        subtables = {
            (platform, encoding): start + offset
            for platform, encoding, offset in (
                unpack_from(">HHL", self._data, start + 4 + 8 * n)
                for n in range(unpack_from(">H", self._data, start + 2)[0])
            )
        }
        best = next(subtables[key] for key in _UNICODE_TABLES if key in subtables)
        if unpack_from(">H", self._data, best)[0] == 12:
            self._read_groups(best)
        else:
            self._read_segments(best)
        if (0, 5) in subtables:
            self._read_sequences(subtables[0, 5])

    def _read_groups(self, start: int) -> None:
        """cmap format 12: runs of characters over all planes."""
        count = unpack_from(">L", self._data, start + 12)[0]
        values = unpack_from(f">{3 * count}L", self._data, start + 16)
        for first, last, glyph in zip(values[::3], values[1::3], values[2::3], strict=True):
            self.glyphs.update((char, glyph + char - first) for char in range(first, last + 1))

    def _read_segments(self, start: int) -> None:
        """cmap format 4: runs of characters of the first plane."""
        count = unpack_from(">H", self._data, start + 6)[0] // 2
        ends = unpack_from(f">{count}H", self._data, start + 14)
        starts = unpack_from(f">{count}H", self._data, start + 16 + 2 * count)
        deltas = unpack_from(f">{count}H", self._data, start + 16 + 4 * count)
        ranges_at = start + 16 + 6 * count
        ranges = unpack_from(f">{count}H", self._data, ranges_at)
        for n in range(count):
            for char in range(starts[n], min(ends[n], 0xFFFE) + 1):
                glyph = char
                if ranges[n]:
                    at = ranges_at + 2 * n + ranges[n] + 2 * (char - starts[n])
                    glyph = unpack_from(">H", self._data, at)[0]
                if glyph or not ranges[n]:
                    glyph = (glyph + deltas[n]) & 0xFFFF
                if glyph:
                    self.glyphs[char] = glyph

    def _read_sequences(self, start: int) -> None:
        """cmap format 14: characters followed by a variation selector; a usual form has the usual glyph."""
        for n in range(unpack_from(">L", self._data, start + 6)[0]):
            at = start + 10 + 11 * n
            selector = int.from_bytes(self._data[at : at + 3])
            usual, other = unpack_from(">LL", self._data, at + 3)
            if usual:
                for m in range(unpack_from(">L", self._data, start + usual)[0]):
                    value = unpack_from(">L", self._data, start + usual + 4 + 4 * m)[0]
                    for char in range(value >> 8, (value >> 8) + (value & 0xFF) + 1):
                        if char in self.glyphs:
                            self.sequences[char, selector] = self.glyphs[char]
            if other:
                for m in range(unpack_from(">L", self._data, start + other)[0]):
                    entry = start + other + 4 + 5 * m
                    char = int.from_bytes(self._data[entry : entry + 3])
                    self.sequences[char, selector] = unpack_from(">H", self._data, entry + 3)[0]


def _checksum(padded: bytes) -> int:
    words: tuple[int, ...] = unpack(f">{len(padded) // 4}L", padded)
    return sum(words) & 0xFFFFFFFF


def _assemble(tables: list[tuple[bytes, bytes, int]]) -> bytes:
    """A font file of (tag, content padded to four bytes, checksum), in the order of their tags."""
    selector = len(tables).bit_length() - 1
    span = 16 << selector
    header = pack(">LHHHH", 0x00010000, len(tables), span, selector, 16 * len(tables) - span)
    offset, directory = 12 + 16 * len(tables), b""
    for tag, content, checksum in tables:
        directory += pack(">4sLLL", tag, checksum, offset, len(content))
        offset += len(content)
    total = (_checksum(header + directory) + sum(checksum for _, _, checksum in tables)) & 0xFFFFFFFF
    parts = [header, directory]
    for tag, content, _ in tables:
        if tag == b"head":
            content = content[:8] + pack(">L", (0xB1B0AFBA - total) & 0xFFFFFFFF) + content[12:]
        parts.append(content)
    return b"".join(parts)
