"""The timers' scheduler: a clock that is set back stops nothing.

Celery's own keeps for each timer the moment it is due, by the clock of the computer. Set back by an hour (a wrong clock
that NTP corrects), it would call nothing for an hour: no mail, no seal, no job swept up.
"""

import datetime as dt
from typing import Any

from celery.beat import PersistentScheduler

# Less is the clock's own trembling.
SET_BACK = dt.timedelta(seconds=5)


class Scheduler(PersistentScheduler):
    """Celery's scheduler that plans anew when the clock was set back."""

    _newest: dt.datetime | None = None

    def tick(self, *args: Any, **options: Any) -> float:
        """One look at what is due; answers in how many seconds to look again."""
        now = self.app.now()
        if self._newest is not None and now < self._newest - SET_BACK:
            self._plan_anew(now)
        self._newest = now
        return float(super().tick(*args, **options))

    def setup_schedule(self) -> None:
        """Also what was kept by a process whose clock was ahead counts as just run."""
        super().setup_schedule()
        self._plan_anew(self.app.now())

    def _plan_anew(self, now: dt.datetime) -> None:
        for entry in self.schedule.values():
            if entry.last_run_at is not None and entry.last_run_at > now + SET_BACK:
                entry.last_run_at = now
        self._heap = None
