"""Real Celery workers, killed in the middle of a job: it is taken up again, its effect is there once."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import slow_kinds  # registers its kinds here, too
import time_machine
from celery_worker import Worker, wait_until, worker
from django.utils import timezone

from accounts.models import Role
from accounts.services import create_user
from core.audit.acting import SYSTEM
from core.jobs import services
from core.jobs.models import Job
from core.jobs.tasks import run_job

assert slow_kinds.app


def running_job(started: Worker, steps: int) -> tuple[Job, Job]:
    """A job that a worker is in the middle of, and the row its effect is seen on."""
    marked = Job.objects.create(kind="test_slow", title="印", status=Job.Status.DONE)
    job = services.queue_job(
        kind="test_slow", title="試験", arguments={"steps": steps, "marks": marked.pk}, actor=SYSTEM
    )
    started.send(run_job, job.pk)
    wait_until(lambda: Job.objects.filter(pk=job.pk, status="running", done__gt=0).exists())
    return job, marked


def now_and(job: Job) -> str:
    job.refresh_from_db()
    return job.status


def test_a_job_whose_worker_was_killed_runs_again_exactly_once(fresh_database: Any, tmp_path: Path) -> None:
    with worker(fresh_database.environment, tmp_path / "log", "slow_kinds") as started:
        job, marked = running_job(started, steps=10)
        started.kill()
        assert now_and(job) == "running"
        Job.objects.filter(pk=job.pk).update(arguments={"steps": 1, "marks": marked.pk})
        with time_machine.travel(timezone.now() + services.SILENT + dt.timedelta(seconds=5)):
            # the database lets go of a dead worker's lock a moment after its death
            wait_until(lambda: services.sweep_jobs() == 1)
            assert services.sweep_jobs() == 0
        assert now_and(job) == "queued"
        started.restart()
        # the broker gives back the message of the killed worker, and the sweep has sent one of its own
        for _ in range(3):
            started.send(run_job, job.pk)
        wait_until(lambda: now_and(job) == "done")
        last = services.queue_job(kind="test_slow", title="後", arguments=job.arguments, actor=SYSTEM)
        started.send(run_job, last.pk)
        wait_until(lambda: now_and(last) == "done")
    job.refresh_from_db()
    marked.refresh_from_db()
    assert job.attempts == 2
    assert marked.result == {"marks": 2}  # one of each job: what the killed attempt did is undone


def test_a_long_silent_job_whose_worker_lives_is_left_alone(fresh_database: Any, tmp_path: Path) -> None:
    with worker(fresh_database.environment, tmp_path / "log", "slow_kinds") as started:
        job, _ = running_job(started, steps=10)
        with time_machine.travel(timezone.now() + dt.timedelta(hours=1)):
            assert services.sweep_jobs() == 0
        assert now_and(job) == "running"


def test_a_running_job_that_is_cancelled_stops_and_leaves_nothing(
    fresh_database: Any, tmp_path: Path
) -> None:
    who = create_user(username="tanaka", role=Role.OFFICE_OPERATOR, actor=SYSTEM, display_name="田中")
    with worker(fresh_database.environment, tmp_path / "log", "slow_kinds") as started:
        job, marked = running_job(started, steps=200)
        job.refresh_from_db()
        assert services.can_cancel(job)
        services.cancel_job(job=job, actor=who)
        wait_until(lambda: now_and(job) == "cancelled")
    marked.refresh_from_db()
    assert marked.result == {}
    assert "田中 が中止しました" in job.message
    assert not services.can_cancel(job)


@pytest.mark.django_db
def test_a_cancelled_job_whose_worker_died_is_not_taken_up_again() -> None:
    job = Job.objects.create(
        kind="test_slow", title="試験", status="running", attempts=1, beat_at=timezone.now(),
        cancel_asked_at=timezone.now(),
    )  # fmt: skip
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=5)):
        assert services.sweep_jobs() == 1
    assert now_and(job) == "cancelled"
