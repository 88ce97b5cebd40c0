"""How far a job is, visible to others while its own transaction is still open."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

# how often a running job writes at most
INTERVAL_SECONDS = 0.25


# the first half of the key of every job's advisory lock: "job" in ASCII
LOCK_SPACE = 0x6A6F62


class JobCancelled(Exception):
    """Somebody asked for the running job to stop. Goes through the work's transaction, which undoes it."""


class Progress:
    """Takes (done, total, message); this one forgets them. What a command or a test passes."""

    def report(self, done: int, total: int, message: str = "") -> None:
        """Says how far the work is."""


class JobProgress(Progress):
    """Writes to the job's row through a connection of its own, so that it shows before the work commits.

    The same connection holds a lock for as long as the worker lives: PostgreSQL lets it go the moment the process
    dies, however it dies, and so everybody can tell a silent worker from a dead one.
    """

    def __init__(self, job_id: int, wrapper: BaseDatabaseWrapper) -> None:
        self._job_id = job_id
        self._wrapper = wrapper
        self._last = 0.0
        self.cancellable = False

    def hold(self) -> bool:
        """Takes the job's lock; False when another worker has it."""
        with self._wrapper.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", lock_key(self._job_id))
            return bool(cursor.fetchone()[0])

    def report(self, done: int, total: int, message: str = "") -> None:
        """Writes the row at most four times a second, and always at the end. Raises JobCancelled when asked to."""
        moment = time.monotonic()
        if done < total and moment - self._last < INTERVAL_SECONDS:
            return
        self._last = moment
        with self._wrapper.cursor() as cursor:
            cursor.execute(
                "UPDATE jobs_job SET done = %s, total = %s, message = %s, beat_at = %s WHERE id = %s"
                " RETURNING cancel_asked_at",
                [done, total, message, timezone.now(), self._job_id],
            )
            row = cursor.fetchone()
        if self.cancellable and row and row[0] is not None:
            raise JobCancelled


def lock_key(job_id: int) -> tuple[int, int]:
    """The advisory lock of a job, as PostgreSQL's two 32-bit numbers."""
    return LOCK_SPACE, job_id % 2**31


@contextmanager
def job_progress(job_id: int) -> Iterator[JobProgress]:
    """A progress on a connection of its own, closed at the end."""
    wrapper = connection.copy()
    try:
        yield JobProgress(job_id, wrapper)
    finally:
        wrapper.close()
