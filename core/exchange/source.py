"""A file of the exchange as rows of one register: header, cells, and what is wrong with them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from . import csvfile, xlsxfile
from .cells import NULL, BadCell, DateTime
from .csvfile import Record, Unreadable
from .problems import Problem, Problems
from .registry import Column, Table

NO_COLUMN = -1


@dataclass
class Source:
    """One given file and, once its header is read, which columns it has."""

    table: Table
    name: str
    file: BinaryIO
    present: tuple[Column, ...] = ()
    missing: tuple[Column, ...] = ()
    readable: bool = True
    read: int = 0
    staged: int = 0
    _positions: list[int] = field(default_factory=list)
    _width: int = 0

    def has(self, column: Column) -> bool:
        """Whether the file has that column."""
        return column in self.present

    def stage_rows(self, problems: Problems, write: Callable[[str], object]) -> None:
        """Hands each row to `write` in COPY's form: line, bad columns, then the present columns in their order.

        Cells that can't be taken are null there and reported; a row is staged as long as its key can be told.
        """
        try:
            if self.name.lower().endswith(".xlsx"):
                moments = frozenset(c.name for c in self.table.columns if isinstance(c.kind, DateTime))
                records = xlsxfile.records(self.file, moments)
            else:
                records = csvfile.records(self.file)
            header = next(records, None)
            if header is None:
                raise Unreadable("空のファイルです。見出し行がありません。")
            self._read_header(header, problems)
            if self.readable:
                self._stage(records, problems, write)
        except Unreadable as refusal:
            self.readable = False
            problems.add(self._problem(refusal.line, NO_COLUMN, "", refusal.value, refusal.reason))
        except OSError as error:
            self.readable = False
            problems.add(self._problem(0, NO_COLUMN, "", "", f"読み取れません（{error.strerror}）。"))

    def _problem(self, line: int, number: int, column: str, value: str, reason: str) -> Problem:
        # a whole line may hold anything that its register keeps
        known = self.table.by_name.get(column)
        sealed = known.kind.sealed if known else number == NO_COLUMN and self.table.has_sealed_columns
        return Problem(self.table.order, line, number, self.name, column, value, reason, sealed)

    def _read_header(self, header: Record, problems: Problems) -> None:
        for fault in (header.fault, *header.bad.values()):
            if fault:
                raise Unreadable(fault, header.line, header.raw)
        names = [name.strip().removeprefix("\ufeff") for name in header.cells]
        self._width = len(names)
        if not self.table.by_name.keys() & set(names):
            reason = "知っている列が一つもありません。文字コード（UTF-8 か CP932）と中身をご確認ください。"
            raise Unreadable(reason, header.line, ",".join(names))
        places: dict[str, int] = {}
        for place, name in enumerate(names):
            if name in places:
                problems.add(self._problem(header.line, place, name, name, "見出しが重複しています。"))
            elif name not in self.table.by_name:
                reason = "この列はありません。" if name else "見出しが空の列があります。"
                problems.add(self._problem(header.line, place, name, name, reason))
            places.setdefault(name, place)
        self.present = tuple(column for column in self.table.columns if column.name in places)
        self.missing = tuple(c for c in self.table.columns if c.required and c.name not in places)
        self._positions = [places[column.name] for column in self.present]
        for column in self.missing:
            number = self._width + self.table.columns.index(column)
            problems.add(self._problem(header.line, number, column.name, "", "必須の列がありません。"))
        self.readable = all(self.has(column) for column in self.table.key_columns)

    def _stage(self, records: Iterator[Record], problems: Problems, write: Callable[[str], object]) -> None:
        readers = [column.kind.reader(column.required) for column in self.present]
        positions, width = self._positions, self._width
        in_order = positions == list(range(width))
        batch: list[str] = []
        for line, cells, fault, raw, bad, place in records:
            self.read += 1
            if not fault and len(cells) == width:
                ordered = cells if in_order else [cells[place] for place in positions]
                try:
                    values = [read(cell) for read, cell in zip(readers, ordered, strict=True)]
                    if bad:
                        raise BadCell
                except BadCell:
                    refused = [bad.get(place, "") for place in positions]
                    row = self._row_with_bad_cells(line, ordered, readers, refused, problems)
                else:
                    row = f"{line}\t{NULL}\t" + "\t".join(values) + "\n"
            else:
                if not fault:
                    few = "足りません" if len(cells) < width else "多すぎます"
                    fault = (
                        f"列の数が見出しと合いません（{few}。見出し {width} 列、この行 {len(cells)} 列）。"
                    )
                number, name = self._column_at(place)
                problems.add(self._problem(line, number, name, raw, fault))
                row = self._row_of_key(line, cells, readers)
            if row:
                batch.append(row)
                self.staged += 1
                if len(batch) >= 500:
                    write("".join(batch))
                    batch.clear()
        write("".join(batch))

    def _column_at(self, place: int) -> tuple[int, str]:
        """Number and name of the column of a cell, as far as the file has it."""
        if place not in self._positions:
            return NO_COLUMN, ""
        column = self.present[self._positions.index(place)]
        return self.table.columns.index(column), column.name

    def _row_with_bad_cells(
        self,
        line: int,
        cells: list[str],
        readers: list[Callable[[str], str]],
        refused: list[str],
        problems: Problems,
    ) -> str:
        values, bad = [], ","
        for column, cell, read, why in zip(self.present, cells, readers, refused, strict=True):
            try:
                if why:
                    raise BadCell(why)
                values.append(read(cell))
            except BadCell as refusal:
                number = self.table.columns.index(column)
                problems.add(self._problem(line, number, column.name, cell, str(refusal)))
                values.append(NULL)
                bad += f"{number},"
        return f"{line}\t{bad}\t" + "\t".join(values) + "\n"

    def _row_of_key(self, line: int, cells: list[str], readers: list[Callable[[str], str]]) -> str:
        """A row that can't be taken apart still tells its key, so that rows referring to it are not blamed."""
        values = []
        for column, place, read in zip(self.present, self._positions, readers, strict=True):
            value = NULL
            if column in self.table.key_columns:
                try:
                    value = read(cells[place])
                except (BadCell, IndexError):
                    return ""
            values.append(value)
        every = "".join(f"{n}," for n in range(len(self.table.columns)))
        return f"{line}\t,{every}\t" + "\t".join(values) + "\n"
