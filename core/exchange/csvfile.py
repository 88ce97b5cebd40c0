"""Reading CSV as a stream: encoding, records, line numbers as an editor shows them (RFC 4180, strictly)."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import BinaryIO, NamedTuple, TextIO

from .cells import LONGEST_TEXT

# Longer lines are no table; they are skipped without being held.
LONGEST_LINE = 1_000_000
_CHUNK = 1 << 20
_CELL = r'(?:"(?:[^"]|"")*"|[^",\r\n]*)'
_RECORD = re.compile(rf"{_CELL}(?:,{_CELL})*(?:\r\n|\r|\n)?")


class Record(NamedTuple):
    """One record and the line where it begins.

    With a fault, `cells` is only what a rough look at `raw` gives; `bad` says of single cells why they can't be taken.
    """

    line: int
    cells: list[str]
    fault: str = ""
    raw: str = ""
    bad: Mapping[int, str] = MappingProxyType({})
    # which cell the fault is about, where that is known
    place: int = -1


class Unreadable(Exception):
    """Why a whole file can't be read, in Japanese, and where."""

    def __init__(self, reason: str, line: int = 1, value: str = "") -> None:
        super().__init__(reason)
        self.reason, self.line, self.value = reason, line, value


class _LineTooLong(Exception):
    pass


class _Lines:
    """The physical lines, with a memory of those the present record is made of."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._again: list[str] = []
        self.number = 0
        self.record: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else self._text.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        if len(line) >= LONGEST_LINE and line[-1] not in "\r\n":
            self._skip_rest(line)
            raise _LineTooLong
        self.number += 1
        self.record.append(line)
        return line

    def _skip_rest(self, line: str) -> None:
        self.number += 1
        self.record.append(line[:LONGEST_TEXT])
        while line and line[-1] not in "\r\n":
            line = self._text.readline(LONGEST_LINE)

    def judge_again(self) -> None:
        """Gives back all lines of the record but its first: what a broken quote swallowed is judged by itself."""
        for line in reversed(self.record[1:]):
            self._again.append(line)
            self.number -= 1

    def skip_to_closing_quote(self) -> None:
        """Leaves out the rest of a cell that is far too long."""
        while True:
            line = self._again.pop() if self._again else self._text.readline(LONGEST_LINE)
            if not line:
                return
            if line[-1] in "\r\n":
                self.number += 1
                if line.count('"') % 2:
                    return


def encoding_of(file: BinaryIO) -> str:
    """utf-8-sig or cp932, decided by the header line, whose column names are Japanese."""
    file.seek(0)
    head = file.readline(_CHUNK)
    file.seek(0)
    if not head:
        raise Unreadable("空のファイルです。見出し行がありません。")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in head[:200]:
        raise Unreadable("文字コードは UTF-8 または CP932（Shift_JIS）にしてください。")
    if head.startswith(b"PK\x03\x04"):
        raise Unreadable("CSV ではなく XLSX の内容です。拡張子を .xlsx にしてください。")
    for encoding in ("utf-8-sig", "cp932"):
        try:
            head.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    raise Unreadable("文字コードを判別できません。UTF-8 または CP932（Shift_JIS）にしてください。")


def records(file: BinaryIO) -> Iterator[Record]:
    """The records of the file, the header first; blank lines are left out. Undecodable bytes become surrogates."""
    encoding = encoding_of(file)
    text = io.TextIOWrapper(file, encoding=encoding, errors="surrogateescape", newline="")
    try:
        yield from _records(text)
    finally:
        text.detach()


def _records(text: TextIO) -> Iterator[Record]:
    lines = _Lines(text)
    reader = csv.reader(lines, strict=True)
    seen = lines.record
    while True:
        first = lines.number + 1
        seen.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _LineTooLong) as error:
            raw = seen[0] if seen else ""
            rough = next(csv.reader([raw[:LONGEST_TEXT]]), [])
            if isinstance(error, _LineTooLong) or "field larger" in str(error):
                if not isinstance(error, _LineTooLong):
                    lines.skip_to_closing_quote()
                reason = f"1 つのセルは {LONGEST_TEXT:,} 文字以内にしてください。"
                yield Record(first, rough, reason, "".join(rough[-1:]), place=len(rough) - 1)
            else:
                lines.judge_again()
                yield Record(first, rough, '引用符（"）が閉じていないか、使い方が正しくありません。', raw)
            reader = csv.reader(lines, strict=True)
            continue
        if not cells or (len(cells) == 1 and not cells[0].strip()):
            continue
        if any('"' in cell for cell in cells) and not _RECORD.fullmatch("".join(seen)):
            yield Record(first, cells, '引用符（"）が閉じていないか、使い方が正しくありません。', seen[0])
            continue
        yield Record(first, cells)
