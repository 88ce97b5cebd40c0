"""Reading a roster: the columns of institutions.csv, what a notice adds, and what is wrong with each line.

One definition for files: every cell is read by the column's kind of the exchange (institutions/exchange.py). A bad line
spoils nothing but itself; a file that is no table is refused whole.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from core.errors import DomainError
from core.exchange import csvfile, xlsxfile
from core.exchange.cells import NULL, BadCell, Choice, Code, Kind, Text, plain_text
from core.exchange.csvfile import Record, Unreadable
from core.exchange.problems import shortened
from institutions.exchange import INSTITUTIONS

KEY = "機関コード"
ACTION, CHIEF_NAME, CHIEF_EMAIL = "変更区分", "責任者氏名", "責任者メールアドレス"
ADDED, ALTERED, ENDED = "新規", "変更", "廃止"
COLUMNS = tuple(column.name for column in INSTITUTIONS.columns)
# A roster's own columns, which aren't part of the register.
EXTRA: dict[str, Kind] = {
    ACTION: Choice((ADDED, ALTERED, ENDED)),
    CHIEF_NAME: Text(150),
    CHIEF_EMAIL: Code(254, r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+", "メールアドレスの形ではありません。"),
}
MOST_LINES = 20_000


@dataclass(frozen=True, slots=True)
class Fault:
    """What can't be taken of a line: the column, the value as it stands there, and why."""

    column: str
    value: str
    reason: str

    def as_json(self) -> dict[str, str]:
        """As a roster's line keeps it."""
        return {"column": self.column, "value": self.value, "reason": self.reason}


@dataclass(slots=True)
class Row:
    """One line: its number as an editor shows it, the cells that could be read, and the faults."""

    line: int
    values: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    @property
    def code(self) -> str:
        """The institution meant, "" when that can't be told."""
        return self.values.get(KEY, "")


def read_roster(file: BinaryIO, name: str) -> list[Row]:
    """The lines of a CSV or XLSX file.

    DomainError when it is no table, lacks the code's column, has unknown or double heads, no line, or too many.
    """
    try:
        if name.lower().endswith(".xlsx"):
            records = xlsxfile.records(file, frozenset())
        elif name.lower().endswith(".csv"):
            records = csvfile.records(file)
        else:
            raise DomainError("CSV または XLSX のファイルを選んでください。ほかの形式は読み込めません。")
        head = next(records, None)
        if head is None:
            raise DomainError("空のファイルです。見出し行のある名簿を選んでください。")
        rows = list(_rows(records, _heads(head)))
    except Unreadable as refusal:
        where = f"{refusal.line}行目: " if refusal.line else ""
        raise DomainError(
            f"ファイルを読み込めません。{where}{refusal} 直してから、もう一度選んでください。"
        ) from None
    if not rows:
        raise DomainError("名簿に行がありません。機関の行があるファイルを選んでください。")
    _refuse_doubles(rows)
    return rows


def _heads(head: Record) -> list[str]:
    if head.fault:
        raise Unreadable(head.fault, head.line)
    names = [name.strip().removeprefix("\ufeff") for name in head.cells]
    known = {*COLUMNS, *EXTRA}
    unknown = [shortened(name) or "（空の見出し）" for name in names if name not in known]
    double = sorted({name for name in names if names.count(name) > 1 and name in known})
    if KEY not in names:
        raise DomainError(
            f"見出し「{KEY}」がありません。見出しは institutions.csv と同じ名前にしてください（{'、'.join(COLUMNS)}）。"
        )
    if unknown:
        raise DomainError(
            f"知らない見出しがあります: {'、'.join(unknown[:10])}。使える見出しは {'、'.join([*COLUMNS, *EXTRA])} です。"
        )
    if double:
        raise DomainError(f"同じ見出しが二つあります: {'、'.join(double)}。一つにしてください。")
    return names


def _rows(records: Iterator[Record], heads: list[str]) -> Iterator[Row]:
    readers = [_reader(name) for name in heads]
    for count, record in enumerate(records, start=1):
        if count > MOST_LINES:
            raise DomainError(f"名簿は {MOST_LINES:,} 行までです。分けて読み込んでください。")
        yield _row(record, heads, readers)


def _reader(name: str) -> Callable[[str], str]:
    column = INSTITUTIONS.by_name.get(name)
    kind = column.kind if column else EXTRA[name]
    read = kind.reader(name == KEY)

    def plain(cell: str) -> str:
        text = read(cell)
        return "" if text == NULL else plain_text(text)

    return plain


def _row(record: Record, heads: list[str], readers: list[Callable[[str], str]]) -> Row:
    row = Row(record.line)
    if record.fault or len(record.cells) != len(heads):
        fault = record.fault or (
            f"列の数が見出しと合いません（見出し {len(heads)} 列、この行 {len(record.cells)} 列）。"
        )
        row.faults.append(Fault("", shortened(record.raw or ",".join(record.cells)), fault))
    for place, (name, cell, read) in enumerate(zip(heads, record.cells, readers, strict=False)):
        try:
            if why := record.bad.get(place):
                raise BadCell(why)
            row.values[name] = read(cell)
        except BadCell as refusal:
            row.faults.append(Fault(name, shortened(cell), str(refusal)))
    return row


def _refuse_doubles(rows: list[Row]) -> None:
    """The same code twice: neither line can be the right one, so both are told of each other."""
    places: dict[str, list[Row]] = {}
    for row in rows:
        if row.code:
            places.setdefault(row.code, []).append(row)
    for code, found in places.items():
        for row in found if len(found) > 1 else ():
            others = "、".join(f"{other.line}行目" for other in found if other is not row)
            row.faults.append(
                Fault(KEY, code, f"同じ機関コードが {others} にもあります。一つにしてください。")
            )
