"""CSV as the exchange files are written: UTF-8 with BOM, CRLF, no cell that a spreadsheet takes for a formula."""

import csv
from collections.abc import Iterable, Sequence
from typing import IO

from core.exchange.cells import escape_text

ENCODING = "utf-8-sig"


def cell(value: object) -> str:
    """A value as it stands in the file: text that looks like a formula is escaped, numbers never."""
    if isinstance(value, str):
        return escape_text(value)
    return "" if value is None else str(value)


def write_csv(out: IO[str], header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes the header and the rows to a text file opened with `newline=""`."""
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([cell(value) for value in row])
