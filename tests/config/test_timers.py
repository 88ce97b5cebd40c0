"""When the timers fall due: by Japan's clock at every end of a month and a year, and when the clock jumps."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import time_machine
from celery import Celery
from celery.schedules import crontab
from django.conf import settings

from config.beat import Scheduler
from config.celery import app
from core.clock import JST

NIGHT = [
    name for name, timer in settings.CELERY_BEAT_SCHEDULE.items() if isinstance(timer["schedule"], crontab)
]


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=JST)


@pytest.mark.parametrize(
    "evening",
    ["2021-12-31 23:59", "2022-03-31 23:59", "2024-02-28 23:59", "2024-02-29 23:59", "2021-07-01 08:59"],
)
def test_timers_of_the_night_fall_due_by_japans_clock(evening: str) -> None:
    moment = at(evening)
    with time_machine.travel(moment, tick=False):
        for name in NIGHT:
            timer = settings.CELERY_BEAT_SCHEDULE[name]["schedule"]
            timer = crontab(*timer.__reduce__()[1][:5], app=app)
            due = moment + timer.remaining_estimate(moment)
            local = due.astimezone(JST)
            assert (local.hour in timer.hour, local.minute in timer.minute) == (True, True), name
            # the next night, or the next hour: never a day late at the end of a month
            assert dt.timedelta(0) < due - moment <= dt.timedelta(days=1), name


@pytest.fixture
def timers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A scheduler with two timers that only notes what it calls."""
    own = Celery("timers", broker="memory://", set_as_current=False)
    own.conf.update(
        timezone="Asia/Tokyo",
        beat_schedule={
            "often": {"task": "often", "schedule": 15.0},
            "nightly": {"task": "nightly", "schedule": crontab(hour=2, minute=30)},
        },
    )
    called: list[str] = []
    monkeypatch.setattr(
        Scheduler, "apply_entry", lambda self, entry, producer=None: called.append(entry.task)
    )
    monkeypatch.setattr(Scheduler, "producer", None)

    def run(scheduler: Scheduler, clock: Any, seconds: int) -> list[str]:
        called.clear()
        for _ in range(seconds):
            while scheduler.tick() == 0:
                pass
            clock.shift(1)
        return list(called)

    return lambda: Scheduler(app=own, schedule_filename=str(tmp_path / "timers")), run


def test_a_clock_that_is_set_back_stops_no_timer(timers: Any) -> None:
    make, run = timers
    with time_machine.travel(at("2021-12-31 23:58:00"), tick=False) as clock:
        scheduler = make()
        assert run(scheduler, clock, 60).count("often") in (3, 4, 5)
        clock.shift(dt.timedelta(hours=-6))
        assert run(scheduler, clock, 60).count("often") in (3, 4, 5)
        scheduler.close()
        clock.shift(dt.timedelta(days=-3))
        # a new process finds what the old one kept
        again = make()
        assert run(again, clock, 60).count("often") in (3, 4, 5)
        again.close()


def test_a_clock_that_jumps_ahead_calls_each_timer_once(timers: Any) -> None:
    make, run = timers
    with time_machine.travel(at("2021-12-31 23:58:00"), tick=False) as clock:
        scheduler = make()
        run(scheduler, clock, 20)
        clock.shift(dt.timedelta(days=2))
        called = run(scheduler, clock, 10)
        assert (called.count("often"), called.count("nightly")) == (1, 1)
        scheduler.close()
