"""What is wrong with files: collected without bound on disk, given out by file and line."""

import heapq
import json
import tempfile
from collections.abc import Iterator
from typing import IO, NamedTuple

from core import secrets

LONGEST_SHOWN = 60
COVERED = "（口座の情報を含むため表示しません）"
_IN_MEMORY = 1_000_000


class Problem(NamedTuple):
    """One reason why one row can't be loaded. `line` as an editor shows it; 0 when the whole file is meant."""

    order: int
    line: int
    column_no: int
    file: str
    column: str
    value: str
    reason: str
    # the value is, or may hold, what the database keeps encrypted
    sealed: bool = False

    @property
    def kept_value(self) -> str:
        """The value as the database and the screens may have it; in full it stands in errors.csv alone."""
        return COVERED if self.sealed and self.value else self.value


def shortened(value: str) -> str:
    """A value as a report shows it: long ones are cut, and bytes that are no text are marked."""
    length = len(value)
    value = value[:LONGEST_SHOWN].replace("\x00", "␀")
    try:
        value = value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        value = value.encode("utf-8", "replace").decode()
    return value if length <= LONGEST_SHOWN else f"{value}…（全 {length:,} 文字）"


class _Series:
    """Problems that one pass found; a pass reports them in order of file and line."""

    def __init__(self) -> None:
        self.count = 0
        self.spool: IO[str] = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - lives as long as the report
            max_size=_IN_MEMORY, mode="w+", encoding="utf-8", newline=""
        )

    def read(self) -> Iterator[Problem]:
        self.spool.seek(0)
        for line in self.spool:
            yield Problem(*json.loads(line if line[0] == "[" else secrets.decrypt(line.rstrip("\n"))))


class Problems:
    """All problems of one load. Each pass opens a series, so that sorting is a merge and memory stays bounded."""

    def __init__(self) -> None:
        self._series: list[_Series] = []
        self.count = 0

    def __bool__(self) -> bool:
        return self.count > 0

    def open_series(self) -> None:
        """Begins a new pass over the files."""
        self._series.append(_Series())

    def add(self, problem: Problem) -> None:
        """Adds a problem; within a series they come in order of file and line."""
        series = self._series[-1]
        shown = problem._replace(value=shortened(problem.value), column=shortened(problem.column))
        line = json.dumps(shown)
        series.spool.write((secrets.encrypt(line) if shown.sealed else line) + "\n")
        series.count += 1
        self.count += 1

    def __iter__(self) -> Iterator[Problem]:
        """By file, line and column; the same thing said twice is given out once."""
        before: Problem | None = None
        for problem in heapq.merge(*(series.read() for series in self._series if series.count)):
            if problem != before:
                yield problem
            before = problem

    def close(self) -> None:
        """Gives the disk space back."""
        for series in self._series:
            series.spool.close()
