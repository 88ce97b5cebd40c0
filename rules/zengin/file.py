"""A whole 総合振込 file: header, data, trailer, end."""

from __future__ import annotations

from collections.abc import Iterable

from rules.zengin.errors import ZenginError
from rules.zengin.record import (
    DEFAULT_DIALECT,
    RECORD_BYTES,
    Dialect,
    Sender,
    Transfer,
    data_record,
    end_record,
    header_record,
    trailer_record,
)

ENCODING = "cp932"
END_OF_FILE = "\x1a"


def records(sender: Sender, transfers: Iterable[Transfer], dialect: Dialect = DEFAULT_DIALECT) -> list[str]:
    """The records in order, 120 characters each; ZenginError when one does not fit or there is none."""
    lines = [header_record(sender, dialect)]
    total = 0
    for transfer in transfers:
        lines.append(data_record(transfer, dialect))
        total += transfer.amount
    lines.append(trailer_record(len(lines) - 1, total))
    lines.append(end_record())
    for line in lines:
        if len(line.encode(ENCODING)) != RECORD_BYTES:
            raise ZenginError(f"レコードが{RECORD_BYTES}バイトではありません: {line}")
    return lines


def file_bytes(sender: Sender, transfers: Iterable[Transfer], dialect: Dialect = DEFAULT_DIALECT) -> bytes:
    """The bytes of the file. Without a transfer there is no such file: ZenginError."""
    text = dialect.newline.join(records(sender, transfers, dialect))
    if dialect.last_newline:
        text += dialect.newline
    if dialect.eof:
        text += END_OF_FILE
    return text.encode(ENCODING)
