"""How far a job is, visible to others while its own transaction is still open."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

# how often a running job writes at most
INTERVAL_SECONDS = 0.25


class Progress:
    """Takes (done, total, message); this one forgets them. What a command or a test passes."""

    def report(self, done: int, total: int, message: str = "") -> None:
        """Says how far the work is."""


class JobProgress(Progress):
    """Writes to the job's row through a connection of its own, so that it shows before the work commits."""

    def __init__(self, job_id: int, wrapper: BaseDatabaseWrapper) -> None:
        self._job_id = job_id
        self._wrapper = wrapper
        self._last = 0.0

    def report(self, done: int, total: int, message: str = "") -> None:
        """Writes the row at most four times a second, and always at the end."""
        moment = time.monotonic()
        if done < total and moment - self._last < INTERVAL_SECONDS:
            return
        self._last = moment
        with self._wrapper.cursor() as cursor:
            cursor.execute(
                "UPDATE jobs_job SET done = %s, total = %s, message = %s, beat_at = %s WHERE id = %s",
                [done, total, message, timezone.now(), self._job_id],
            )


@contextmanager
def job_progress(job_id: int) -> Iterator[JobProgress]:
    """A progress on a connection of its own, closed at the end."""
    wrapper = connection.copy()
    try:
        yield JobProgress(job_id, wrapper)
    finally:
        wrapper.close()
