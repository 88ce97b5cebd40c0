"""Jobs whose rows were written by a clock that has been set since."""

import datetime as dt

import pytest
import time_machine

from core.audit.acting import SYSTEM
from core.jobs import services
from core.jobs.models import Job

NOON = dt.datetime(2021, 12, 31, 3, tzinfo=dt.UTC)


@pytest.mark.django_db
@pytest.mark.parametrize("jump", [dt.timedelta(hours=-6), dt.timedelta(hours=6)])
def test_a_forgotten_job_and_one_whose_worker_died_are_taken_up_after_the_clock_jumped(
    jump: dt.timedelta,
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        waiting = services.queue_job(kind="check_month", title="待つ", arguments={}, actor=SYSTEM)
        lost = services.queue_job(kind="check_month", title="途中", arguments={}, actor=SYSTEM)
        Job.objects.filter(pk=lost.pk).update(status="running", attempts=1, beat_at=NOON)
        clock.shift(jump)
        assert services.sweep_jobs() == 2
        lost.refresh_from_db()
        waiting.refresh_from_db()
        assert (lost.status, waiting.status) == ("queued", "queued")


@pytest.mark.django_db
def test_a_job_that_is_well_is_left_alone_by_a_small_correction() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        job = services.queue_job(kind="check_month", title="途中", arguments={}, actor=SYSTEM)
        Job.objects.filter(pk=job.pk).update(status="running", attempts=1, beat_at=NOON)
        clock.shift(dt.timedelta(seconds=-3))
        assert services.sweep_jobs() == 0
