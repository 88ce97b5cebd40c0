"""The one engine of loading: parse → staging (COPY) → checks as sets → apply, in one transaction, all or nothing."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import psycopg
from django.db import DatabaseError, connection

from core.audit.acting import Actor, acting
from core.errors import DomainError

from .checks import Checker
from .problems import Problem, Problems
from .registry import freezes_of
from .source import Source
from .statements import Statements

# From this many rows on, joins go over whole tables; below, by index.
_MANY_ROWS = 5_000
# Loads wait for each other: two could add the same key.
_ONE_LOAD_AT_A_TIME = 0x65786368
MOST_SHOWN = 2_000


COUNTS = ("read", "created", "updated", "unchanged", "rejected")


@dataclass(frozen=True)
class PreviewRow:
    """A row as it would change: `was` is empty for a new one; both by column name, only what differs."""

    line: int
    key: str
    is_new: bool
    was: dict[str, str]
    now: dict[str, str]


@dataclass
class LoadResult:
    """How a load ended. `problems` says every bad row; with any, nothing was changed."""

    dry_run: bool
    # file name → read, created, updated, unchanged, rejected (exchange.md §2)
    files: dict[str, dict[str, int]] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)
    # rows deleted because a file replaced all rows of their dispatch
    removed: dict[str, int] = field(default_factory=dict)
    previews: dict[str, list[PreviewRow]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every row could be taken."""
        return not self.problems

    @property
    def changed(self) -> bool:
        """Whether something is (or, in a dry run, would be) different now."""
        counts = self.files.values()
        return any(count["created"] or count["updated"] for count in counts) or any(self.removed.values())

    @property
    def errors(self) -> list[Problem]:
        """The first problems, in order of file and line; `problems` has all."""
        return list(islice(self.problems, MOST_SHOWN))


class _Undo(Exception):
    """Takes everything back."""


def load(sources: Sequence[Source], *, actor: Actor, dry_run: bool, preview: int = 0) -> LoadResult:
    """Loads the files, in the order of the registers. DomainError when the database refuses what the checks let pass."""
    result = LoadResult(dry_run=dry_run)
    ordered = sorted(sources, key=lambda source: source.table.order)
    with suppress(_Undo), _refusals(), acting(actor, "load_exchange"):
        _settings()
        _stage(ordered, result.problems)
        if any(source.staged >= _MANY_ROWS for source in ordered):
            _execute("SET LOCAL enable_nestloop = off")
        _hold_still(ordered)
        Checker(ordered, result.problems).run()
        for source in ordered:
            result.files[source.name] = dict.fromkeys(COUNTS, 0) | {"read": source.read}
        if not result.ok:
            raise _Undo
        if preview:
            for source in ordered:
                result.previews[source.name] = _preview(source, preview)
        for source in ordered:
            _apply(source, result)
        if dry_run:
            raise _Undo
        for source in ordered:
            _execute(f"DELETE FROM {source.table.staging}")
    if not result.ok:
        _count_rejected(result)
    return result


def _count_rejected(result: LoadResult) -> None:
    before: tuple[str, int] | None = None
    for problem in result.problems:
        place = (problem.file, problem.line)
        if place != before:
            result.files[problem.file]["rejected"] += 1
        before = place


@contextmanager
def _refusals() -> Iterator[None]:
    """What the database itself refuses becomes one clear line."""
    try:
        yield
    except (DatabaseError, psycopg.Error) as error:
        first = str(error).strip().partition("\n")[0]
        # COPY speaks to the driver directly, everything else through Django
        if isinstance(error, psycopg.errors.UndefinedTable) or isinstance(
            error.__cause__, psycopg.errors.UndefinedTable
        ):
            raise DomainError(
                "データベースの準備ができていません。先に manage.py setup を実行してください。"
            ) from error
        raise DomainError(f"データベースが読み込みを断りました。何も変更していません（{first}）。") from error


def _execute(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.rowcount


def _settings() -> None:
    _execute(f"SELECT pg_advisory_xact_lock({_ONE_LOAD_AT_A_TIME})")
    _execute("SET LOCAL work_mem = '64MB'")
    _execute("SET LOCAL jit = off")


def _stage(sources: Sequence[Source], problems: Problems) -> None:
    """Parses each file straight into its loading area."""
    for source in sources:
        problems.open_series()
        with ExitStack() as stack:
            source.stage_rows(problems, _Copy(source, stack).write)


class _Copy:
    """A COPY into the loading area that begins with the first rows, when the columns are known."""

    def __init__(self, source: Source, stack: ExitStack) -> None:
        self._source, self._stack = source, stack
        self._copy: Any = None

    def write(self, rows: str) -> None:
        """Hands on rows in COPY's text form."""
        if self._copy is None:
            table = self._source.table
            slots = ", ".join(table.slot(column) for column in self._source.present)
            cursor = self._stack.enter_context(connection.cursor())
            self._copy = self._stack.enter_context(
                cursor.copy(f"COPY {table.staging} (line, bad, {slots}) FROM STDIN")
            )
        self._copy.write(rows)


def _hold_still(sources: Sequence[Source]) -> None:
    """Keeps others from freezing records (approving a run) between the check and the end of this load."""
    owners = {
        (source.table.by_name[source.table.belongs_by].refers or source.table.name)
        for source in sources
        if source.table.belongs_by
    }
    for lock in sorted({rule.lock for owner in owners for rule in freezes_of(owner) if rule.lock}):
        _execute(f"LOCK TABLE {lock} IN SHARE MODE")


def _preview(source: Source, limit: int) -> list[PreviewRow]:
    statements = Statements(source.table, source.present)
    columns = statements.comparable()
    rows = []
    with connection.cursor() as cursor:
        cursor.execute(statements.differences(limit=limit))
        for line, key, is_new, _, old, new in cursor.fetchall():
            was, now = {}, {}
            for column, before, after in zip(columns, old, new, strict=True):
                if is_new or not column.kind.same(before, after):
                    now[column.name] = column.kind.shown(after)
                    if not is_new:
                        was[column.name] = column.kind.shown(before)
            rows.append(PreviewRow(line, key, is_new, was, now))
    return rows


def _apply(source: Source, result: LoadResult) -> None:
    """Writes the staged rows of one file into its table."""
    table, counts = source.table, result.files[source.name]
    if not source.staged:
        return
    statements = Statements(table, source.present)
    setting, value = table.setting
    if setting:
        _set(setting, value)
    if table.replaces_by:
        result.removed[source.name] = _execute(statements.delete_missing())
    if not table.append_only:
        counts["updated"] = _execute(statements.update())
    counts["created"] = _execute(statements.insert())
    counts["unchanged"] = counts["read"] - counts["updated"] - counts["created"]
    if setting:
        _set(setting, "")


def _set(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
