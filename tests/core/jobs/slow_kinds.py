"""A Celery application with slow kinds of jobs, for workers that are killed in the middle."""

import time
from typing import Any

from django.db import connection, transaction

from config.celery import app
from core.jobs.progress import Progress
from core.jobs.registry import job_kind

__all__ = ["app"]


def _leave_a_mark(arguments: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_job SET result = jsonb_set(result, '{marks}',"
            " (coalesce((result->>'marks')::int, 0) + 1)::text::jsonb) WHERE id = %s",
            [arguments["marks"]],
        )


@job_kind("test_slow", "ゆっくりした処理", cancellable=True)
def slow(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """One transaction: leaves a mark on another row, then works for as long as it is told."""
    with transaction.atomic():
        _leave_a_mark(arguments)
        for step in range(arguments["steps"]):
            progress.report(step, arguments["steps"] + 1)
            time.sleep(0.3)
    return {"ok": True}
