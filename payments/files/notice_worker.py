"""A process that draws payment notices: lists of `Notice` come in, lists of PDF bytes go out, until the input ends.

A process of its own instead of a fork: it holds no database connection, it may run beneath a Celery worker, and it
ends by itself when the one that feeds it is killed. Started as `python -m payments.files.notice_worker`.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
from typing import IO, Any

LENGTH = struct.Struct(">Q")


def send(pipe: IO[bytes], value: Any) -> None:
    """Writes one value with its length before it."""
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(LENGTH.pack(len(data)))
    pipe.write(data)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Any:
    """Reads one value; EOFError when the other side has gone."""
    head = pipe.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(head)
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    return pickle.loads(data)  # noqa: S301 - both ends are ours, joined by a pipe


def main() -> None:
    """Draws until the input ends."""
    from payments.documents.notice import notice_pdf

    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    while True:
        try:
            notices = receive(incoming)
            send(outgoing, [notice_pdf(notice) for notice in notices])
        except (EOFError, BrokenPipeError):
            os._exit(0)  # nobody is left to tell, nothing is left to tidy up


if __name__ == "__main__":
    main()
