"""Who works on runs at the moment: one at a time, and nobody changes evidence while a run is being approved."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, transaction

from core.errors import DomainError

# The two-part keys of PostgreSQL's advisory locks that are ours; EVIDENCE is also in the migration's triggers.
FAMILY = 119
RUNS = 1
EVIDENCE = 2
CHECK = 3

# The server notices a killed client at the latest after this time and frees its locks.
WAIT_SECONDS = 15.0
POLL_SECONDS = 0.05


def _execute(statement: str, parameters: Sequence[int] = ()) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
        return row[0] if row else None


class _Held(threading.local):
    depth = 0


_held = _Held()


@contextmanager
def one_at_a_time(wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """While this lasts no other session drafts, computes, approves or exports a run. Nests within a session.

    The lock belongs to the session, so that it ends with the connection of a killed process. Only the outermost
    takes and frees it: an inner one may end in a transaction that takes no more statements.
    """
    if not _held.depth:
        _wait_for_runs(wait_seconds)
    _held.depth += 1
    try:
        yield
    finally:
        _held.depth -= 1
        if not _held.depth and not connection.needs_rollback and connection.connection is not None:
            _execute("SELECT pg_advisory_unlock(%s, %s)", [FAMILY, RUNS])


def _wait_for_runs(seconds: float) -> None:
    # a busy server looks after its client only when told to
    _execute("SELECT set_config('client_connection_check_interval', '1s', false)")
    deadline = time.monotonic() + seconds
    while not _execute("SELECT pg_try_advisory_lock(%s, %s)", [FAMILY, RUNS]):
        if time.monotonic() >= deadline:
            raise DomainError(
                "ほかの人または処理が月次支払を処理しています。終わってから、もう一度実行してください。",
                code="busy",
            )
        time.sleep(POLL_SECONDS)


@contextmanager
def one_check() -> Iterator[bool]:
    """Whether this session may do the standing check now; False while another one does."""
    free = bool(_execute("SELECT pg_try_advisory_lock(%s, %s)", [FAMILY, CHECK]))
    try:
        yield free
    finally:
        if free and not connection.needs_rollback and connection.connection is not None:
            _execute("SELECT pg_advisory_unlock(%s, %s)", [FAMILY, CHECK])


@contextmanager
def one_view() -> Iterator[None]:
    """A transaction that sees one moment of the database from beginning to end.

    Inside a transaction that is already open, that one decides.
    """
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def hold_evidence_still() -> None:
    """Until this transaction ends nobody changes what a calculation depends on; waits for those who do.

    Loads lock the table of runs before they check what is frozen, so it comes first here too.
    """
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE payments_payoutrun IN ROW EXCLUSIVE MODE")
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [FAMILY, EVIDENCE])
