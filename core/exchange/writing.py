"""Writing exchange files: UTF-8 with BOM, CRLF, sorted by key by code point (exchange.md §1)."""

import csv
import io
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, TextIO

from django.db import connection
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from .cells import cover, escape_text
from .problems import Problem
from .registry import Column, Table
from .statements import Statements

_FETCH = 2_000
ERROR_COLUMNS = ("ファイル", "行", "列", "値", "理由")


def _writer(column: Column, covered: bool) -> Callable[[str], str]:
    kind = column.kind
    if kind.sealed or covered:
        shown = cover if covered else str
        return lambda cell: escape_text(shown(kind.opened(cell)))
    return str if kind.numeric else escape_text


def rows_of(
    table: Table,
    ids: list[int] | None = None,
    *,
    hidden: frozenset[str] = frozenset(),
    covered: frozenset[str] = frozenset(),
) -> Iterator[list[str]]:
    """The rows of a register as the cells of a file, text escaped, in the order of the key; `ids` keeps to some.

    What the database keeps encrypted is opened here, on its way into the file. `hidden`: fields left out;
    `covered`: fields of which only the last three characters are written.
    """
    columns = [column for column in table.columns if column.field not in hidden]
    written = [_writer(column, column.field in covered) for column in columns]
    places = [table.columns.index(column) for column in columns]
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            Statements(table, table.columns).export(some=ids is not None), None if ids is None else [ids]
        )
        while rows := cursor.fetchmany(_FETCH):
            for row in rows:
                yield [write(row[place]) for write, place in zip(written, places, strict=True)]


@contextmanager
def replaced(path: Path) -> Iterator[TextIO]:
    """A text file that takes the place of `path` when it is whole."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with new.open("w", encoding="utf-8-sig", newline="") as file:
            yield file
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def write_csv(
    file: TextIO, table: Table, rows: Iterable[list[str]], columns: Sequence[Column] | None = None
) -> int:
    """Writes header and rows, of all columns or some; answers how many rows."""
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([column.name for column in columns or table.columns])
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    return count


def write_file(path: Path, table: Table) -> int:
    """Writes a register as CSV; answers how many rows. OSError when the place can't be written."""
    with replaced(path) as file:
        return write_csv(file, table, rows_of(table))


def write_xlsx(
    file: IO[bytes], table: Table, rows: Iterable[list[str]], columns: Sequence[Column] | None = None
) -> None:
    """Writes the same cells as a workbook; text stays text, numbers are numbers."""
    columns = columns or table.columns
    book = Workbook(write_only=True)
    sheet = book.create_sheet(table.name)

    def cell(value: str, numeric: bool) -> Any:
        made: Any = WriteOnlyCell(sheet)
        if value and numeric:
            made.value = Decimal(value)
        elif value:
            made._value = value  # by `value` the library would guess a formula or an error
            made.data_type, made.number_format = "s", "@"
        return made

    sheet.append([cell(column.name, False) for column in columns])
    numeric = [column.kind.numeric for column in columns]
    for row in rows:
        sheet.append([cell(value, kind) for value, kind in zip(row, numeric, strict=True)])
    book.save(file)


@contextmanager
def as_text(file: IO[bytes]) -> Iterator[TextIO]:
    """A file of bytes as the text of an exchange file (UTF-8 with BOM); it stays open."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        yield text
        text.flush()
    finally:
        text.detach()


def write_error_rows(file: TextIO, problems: Iterable[Problem], *, covered: bool) -> None:
    """Writes every reason of every bad row; `covered`: without values of what the database keeps encrypted."""
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(ERROR_COLUMNS)
    for problem in problems:
        cells = (problem.column, problem.kept_value if covered else problem.value, problem.reason)
        writer.writerow([escape_text(problem.file), problem.line or "", *map(escape_text, cells)])


def write_errors(path: Path, problems: Iterable[Problem]) -> None:
    """Writes errors.csv: every reason of every bad row. OSError when the place can't be written."""
    with replaced(path) as file:
        write_error_rows(file, problems, covered=False)
