"""What a cell may hold: one kind of cell reads the text of a file, compares and writes it back (exchange.md §1).

A kind reads a cell to the text that COPY takes (so that reading costs one cached call per cell), says how SQL
turns that text into the column's type, and how SQL turns the column back into the text of a file.
"""

import datetime as dt
import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import lru_cache

from core import secrets

NULL = "\\N"
# What a spreadsheet's cell can hold; more could not be given back as XLSX.
LONGEST_TEXT = 32_767
LARGEST_AMOUNT = 9_999_999_999
ESCAPED_FIRST = frozenset("=+-@＝＋－＠\t\r'")

# Neither XML (XLSX) nor PostgreSQL can keep these.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_ESCAPED = re.compile(r"\\(.)")
_UNESCAPED = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_DATE = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")

Reader = Callable[[str], str]


class BadCell(ValueError):
    """Why a cell can't be taken, in Japanese."""


def escape_text(text: str) -> str:
    """Text as it is written to a file: what a spreadsheet would take for a formula gets one leading `'`."""
    return "'" + text if text[:1] in ESCAPED_FIRST and text else text


def copy_text(text: str) -> str:
    """Text as PostgreSQL's COPY takes it."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def cover(text: str) -> str:
    """All but the last three characters covered; nothing of what isn't longer."""
    return "*" * (len(text) - 3) + text[-3:] if len(text) > 3 else "*" * len(text)


def plain_text(text: str) -> str:
    """The text behind COPY's form."""
    return _ESCAPED.sub(lambda found: _UNESCAPED[found[1]], text) if "\\" in text else text


def normalised(cell: str) -> str:
    """A code, number or date without its leading `'`, in NFKC, trimmed."""
    if cell[:1] == "'":
        cell = cell[1:]
    return cell.strip() if cell.isascii() else unicodedata.normalize("NFKC", cell).strip()


def forbid_control(text: str) -> None:
    """Refuses what no file and no database can keep."""
    found = _FORBIDDEN.search(text)
    if found is None:
        return
    if "\ud800" <= found[0] <= "\udfff":
        raise BadCell("文字コードが正しくない文字があります。")
    raise BadCell(f"使えない制御文字（U+{ord(found[0]):04X}）があります。")


class Kind(ABC):
    """One kind of cell."""

    sql_type = "text"
    # the value of a column that a new row's file doesn't have
    empty = "''"
    numeric = False
    # sealed in the database and in the loading area (core/secrets.py)
    sealed = False

    @abstractmethod
    def read(self, cell: str) -> str:
        """The cell as COPY takes it, "" when it is empty. BadCell when it can't be taken."""

    def reader(self, required: bool) -> Reader:
        """`read` with the treatment of the empty cell, remembered for cells that recur."""
        nothing = NULL if self.empty == "NULL" else ""
        read = self.read

        def whole(cell: str) -> str:
            text = read(cell) if cell else ""
            if text:
                return text
            if required:
                raise BadCell("必須の項目が空です。")
            return nothing

        return lru_cache(maxsize=20_000)(whole)

    def staged(self, text: str) -> str:
        """SQL: the staged text as the column's type."""
        return f"{text}::{self.sql_type}" if self.sql_type != "text" else text

    def compared(self, stored: str) -> str:
        """SQL: the stored column, as far as files can tell its values apart."""
        return stored

    def text(self, value: str) -> str:
        """SQL: a value of the column's type as the text of a file, never null."""
        return f"coalesce({value}::text, '')"

    def same(self, was: str, now: str) -> bool:
        """Whether two texts that `text` answered mean the same."""
        return was == now

    def opened(self, text: str) -> str:
        """A text that `text` answered as it stands in a file."""
        return text

    def shown(self, text: str) -> str:
        """A text that `text` answered as a screen shows it."""
        return text


class Text(Kind):
    """Free text, kept as it is."""

    def __init__(self, longest: int = LONGEST_TEXT) -> None:
        self.longest = longest

    def read(self, cell: str) -> str:
        if cell[0] == "'":
            cell = cell[1:]
        if len(cell) > self.longest:
            raise BadCell(f"{self.longest:,} 文字以内にしてください。")
        if cell.isprintable() and "\\" not in cell:
            return cell if cell[:1] != " " or not cell.isspace() else ""
        forbid_control(cell)
        return copy_text(cell) if not cell.isspace() else ""

    def reader(self, required: bool) -> Reader:
        read = self.read

        def whole(cell: str) -> str:
            text = read(cell) if cell else ""
            if required and not text:
                raise BadCell("必須の項目が空です。")
            return text

        return whole


class Code(Kind):
    """A code or number that identifies: NFKC, trimmed, leading zeros stay."""

    def __init__(self, longest: int = 64, pattern: str = "", wanted: str = "") -> None:
        self.longest = longest
        self.pattern = re.compile(pattern) if pattern else None
        self.wanted = wanted

    def read(self, cell: str) -> str:
        forbid_control(cell)
        code = normalised(cell)
        if len(code) > self.longest:
            raise BadCell(f"{self.longest} 文字以内にしてください。")
        if code and not code.isprintable():
            raise BadCell("改行や見えない文字は使えません。")
        if code and self.pattern is not None and not self.pattern.fullmatch(code):
            raise BadCell(self.wanted)
        return code.replace("\\", "\\\\")


class Choice(Kind):
    """One of the values of exchange.md."""

    def __init__(self, values: Sequence[str], otherwise: str = "") -> None:
        self.otherwise = otherwise or f"決められた値ではありません（{'、'.join(values)}）。"
        self._known = {unicodedata.normalize("NFKC", value): value for value in values}

    def read(self, cell: str) -> str:
        code = normalised(cell)
        if not code:
            return ""
        try:
            return self._known[code]
        except KeyError:
            raise BadCell(self.otherwise) from None


class YesNo(Kind):
    """有 / 無; empty means 無."""

    sql_type = "boolean"
    empty = "false"

    def read(self, cell: str) -> str:
        value = normalised(cell)
        if value == "有":
            return "t"
        if value in ("無", ""):
            return "f"
        raise BadCell("有 または 無 を入れてください。")

    def reader(self, required: bool) -> Reader:
        return lru_cache(maxsize=64)(lambda cell: self.read(cell) if cell else "f")

    def text(self, value: str) -> str:
        return f"CASE WHEN {value} THEN '有' ELSE '無' END"


class Integer(Kind):
    """A whole number within limits; empty is null."""

    sql_type = "bigint"
    empty = "NULL"
    numeric = True

    def __init__(self, least: int = 0, largest: int = LARGEST_AMOUNT) -> None:
        self.least, self.largest = least, largest

    def read(self, cell: str) -> str:
        text = normalised(cell)
        if not text:
            return ""
        if not _NUMBER.fullmatch(text):
            raise BadCell("数字で入れてください（桁区切りや単位は付けません）。")
        if "." in text:
            raise BadCell("整数で入れてください。")
        if len(text) > 30 or not self.least <= int(text) <= self.largest:
            raise BadCell(f"{self.least:,} 以上 {self.largest:,} 以下にしてください。")
        return str(int(text))


class Number(Kind):
    """A decimal number within limits; empty is null."""

    sql_type = "numeric"
    empty = "NULL"
    numeric = True

    def __init__(self, least: int, largest: int, places: int = 12) -> None:
        self.least, self.largest, self.places = least, largest, places

    def read(self, cell: str) -> str:
        text = normalised(cell)
        if not text:
            return ""
        if len(text) > 60 or not _NUMBER.fullmatch(text):
            raise BadCell("数字で入れてください（桁区切りや単位は付けません）。")
        whole, _, fraction = text.partition(".")
        fraction = fraction.rstrip("0")
        if len(fraction) > self.places:
            raise BadCell(f"小数は {self.places} 桁までにしてください。")
        value = int(whole)
        if not self.least <= value <= self.largest or (value == self.largest and fraction):
            raise BadCell(f"{self.least:,} 以上 {self.largest:,} 以下にしてください。")
        if whole.startswith("-") and value == self.least and fraction:
            raise BadCell(f"{self.least:,} 以上 {self.largest:,} 以下にしてください。")
        return f"{whole}.{fraction}" if fraction else str(value)

    def text(self, value: str) -> str:
        return f"coalesce(trim_scale({value})::text, '')"


@lru_cache(maxsize=20_000)
def _date(text: str) -> dt.date:
    found = _DATE.fullmatch(text)
    if found is None:
        raise BadCell("日付は 2021-07-05 または 2021/7/5 の形で入れてください。")
    try:
        return dt.date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise BadCell("存在しない日付です。") from None


@lru_cache(maxsize=20_000)
def _time(text: str) -> str:
    found = _TIME.fullmatch(text)
    if found is None:
        raise BadCell("日時は 2021-07-05 13:00 または 2021-07-05 13:00:00 の形で入れてください。")
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if hour > 23 or minute > 59 or second > 59:
        raise BadCell("存在しない時刻です。")
    return f"{hour:02}:{minute:02}:{second:02}+09"


class Date(Kind):
    """A day; empty is null."""

    sql_type = "date"
    empty = "NULL"

    def read(self, cell: str) -> str:
        text = normalised(cell)
        if not text:
            return ""
        day = _date(text)
        if day.year < 1900:
            raise BadCell("1900 年以後の日付にしてください。")
        return day.isoformat()

    def text(self, value: str) -> str:
        return f"coalesce(to_char({value}, 'YYYY-MM-DD'), '')"


class DateTime(Kind):
    """A moment in Japan's time, to the second; empty is null."""

    sql_type = "timestamptz"
    empty = "NULL"

    def read(self, cell: str) -> str:
        text = normalised(cell)
        if not text:
            return ""
        date, _, time = text.partition(" ")
        day = _date(date)
        if not 2000 <= day.year <= 2199:
            raise BadCell("2000 年から 2199 年までの日時にしてください。")
        return f"{day.isoformat()} {_time(time.lstrip())}"

    def compared(self, stored: str) -> str:
        return f"date_trunc('second', {stored})"

    def text(self, value: str) -> str:
        local = f"({value} AT TIME ZONE 'Asia/Tokyo')"
        return (
            f"coalesce(to_char({local}, 'YYYY-MM-DD HH24:MI') ||"
            f" CASE WHEN extract(second FROM {local}) >= 1 THEN to_char({local}, ':SS') ELSE '' END, '')"
        )


class Several(Kind):
    """A list joined by `;`, each item of one kind."""

    sql_type = "text[]"
    empty = "'{}'"

    def __init__(self, item: Kind, longest: int = 10_000) -> None:
        self.item, self.longest = item, longest

    def read(self, cell: str) -> str:
        if cell[0] == "'":
            cell = cell[1:]
        if len(cell) > self.longest:
            raise BadCell(f"{self.longest:,} 文字以内にしてください。")
        # an item's own first `'` is part of it: only the cell is escaped, not its items
        read = [self.item.read("'" + part) for part in (each.strip() for each in cell.split(";")) if part]
        return ";".join(item for item in read if item)

    def staged(self, text: str) -> str:
        return f"string_to_array({text}, ';')"

    def text(self, value: str) -> str:
        return f"array_to_string({value}, ';')"


class Sealed(Kind):
    """A cell that is encrypted before it reaches the database and read in plain text only into a file."""

    sealed = True

    def __init__(self, inner: Kind, *, covered: bool = False) -> None:
        """`covered`: screens show the last three digits only."""
        self.inner, self.covered = inner, covered

    def read(self, cell: str) -> str:
        return secrets.seal(plain_text(self.inner.read(cell)))

    def reader(self, required: bool) -> Reader:
        """Without memory: no cell in plain text outlives its row, and no two rows share a cipher."""
        read = self.read

        def whole(cell: str) -> str:
            text = read(cell) if cell else ""
            if required and not text:
                raise BadCell("必須の項目が空です。")
            return text

        return whole

    def compared(self, stored: str) -> str:
        """SQL: the fingerprint, which tells values apart without opening them."""
        return f"split_part({stored}, '.', 2)"

    def replaced(self, stored: str, staged: str) -> str:
        """SQL: the new value, or the stored cipher where both mean the same, so that history shows changes only."""
        same = f"{self.compared(stored)} = {self.compared(staged)}"
        return f"CASE WHEN {same} THEN {stored} ELSE {staged} END"

    def same(self, was: str, now: str) -> bool:
        return secrets.fingerprint_of(was) == secrets.fingerprint_of(now)

    def opened(self, text: str) -> str:
        return secrets.unseal(text)

    def shown(self, text: str) -> str:
        text = secrets.unseal(text)
        return cover(text) if self.covered else text
