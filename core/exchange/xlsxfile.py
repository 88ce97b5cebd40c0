"""Reading the first sheet of an XLSX workbook as the same records as a CSV file."""

import datetime as dt
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from .csvfile import Record, Unreadable

# Unpacked sizes. Sheets are read as a stream; shared texts are held in memory, everything else is small.
LARGEST_SHEET = 600_000_000
LARGEST_TEXTS = 100_000_000
LARGEST_PART = 20_000_000
MOST_PARTS = 2_000
MOST_COLUMNS = 100
MOST_ROWS = 1_048_576

_BROKEN = (
    zipfile.BadZipFile, InvalidFileException, ParseError, KeyError, ValueError, TypeError, IndexError, EOFError,
    AttributeError, OSError, zlib.error, NotImplementedError, RuntimeError, AssertionError,
)  # fmt: skip


def _check_parts(file: BinaryIO) -> None:
    """Refuses what would not fit into memory, by the sizes the archive itself declares (zipfile reads no more)."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise Unreadable(
            "XLSX ファイルとして読めません。Excel で保存し直すか、CSV にしてください。", 0
        ) from None
    if len(parts) > MOST_PARTS:
        raise Unreadable("XLSX ファイルの部品が多すぎます。表だけのファイルにしてください。", 0)
    for part in parts:
        limit = LARGEST_PART
        if part.filename.startswith("xl/worksheets/"):
            limit = LARGEST_SHEET
        elif part.filename == "xl/sharedStrings.xml":
            limit = LARGEST_TEXTS
        if part.file_size > limit or part.flag_bits & 1:
            raise Unreadable("XLSX ファイルを展開した大きさが上限を超えています。CSV にしてください。", 0)


def _text(value: Any) -> str:
    """A cell's value as the text a CSV file would hold."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    if isinstance(value, dt.datetime):
        # serial numbers are not exact to the second
        moment = (value + dt.timedelta(milliseconds=500)).replace(microsecond=0)
        midnight = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
        return moment.strftime("%Y-%m-%d" if midnight else "%Y-%m-%d %H:%M:%S")
    return str(value)


def records(file: BinaryIO, moments: frozenset[str]) -> Iterator[Record]:
    """The rows of the first sheet, the header first; empty rows are left out.

    `moments` are the headers of columns that hold a date with a time: a day alone means midnight there.
    """
    _check_parts(file)
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield from _rows(file, moments)
    except _BROKEN:
        raise Unreadable("XLSX ファイルが壊れているか、読めない形式です。", 0) from None


def _rows(file: BinaryIO, moments: frozenset[str]) -> Iterator[Record]:
    book = load_workbook(file, read_only=True, data_only=False, keep_links=False)
    try:
        if not book.worksheets:
            raise Unreadable("XLSX ファイルに表がありません。", 0)
        sheet = book.worksheets[0]
        width, timed = 0, frozenset[int]()
        for number, row in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS), start=1):
            if number > MOST_ROWS:
                raise Unreadable("行が多すぎます。", number)
            cells: list[str] = []
            bad: dict[int, str] = {}
            for at, cell in enumerate(row):
                value = cell.value
                if cell.data_type == "f":
                    bad[at] = (
                        f"数式は読み込めません（セル {get_column_letter(at + 1)}{number}）。値にしてください。"
                    )
                    value = getattr(value, "text", None) or str(value)
                elif cell.data_type == "e":
                    bad[at] = f"エラー値です（セル {get_column_letter(at + 1)}{number}）。値にしてください。"
                text = _text(value)
                if at in timed and isinstance(value, dt.datetime) and len(text) == 10:
                    text += " 00:00"
                cells.append(text)
            while cells and not cells[-1]:
                cells.pop()
            if not cells:
                continue
            if not width:
                width = len(cells)
                timed = frozenset(at for at, name in enumerate(cells) if name.strip() in moments)
            cells.extend([""] * (width - len(cells)))
            yield Record(number, cells, bad=bad)
    finally:
        book.close()
