"""Eleven simulated weeks of the calendar, hour by hour, with what happens in a year: nothing restorable is ever lost."""

import datetime as dt
from dataclasses import dataclass, field

import pytest

from core.backup.calendar import (
    GENERATIONS,
    OLDEST_GOOD,
    expired,
    gaps,
    is_due,
    leading_to,
    needless_segments,
    parent_of_next,
    sound,
)
from core.backup.repository import FULL, INCREMENTAL, Set, stamp
from core.clock import JST

BEGIN = dt.datetime(2026, 11, 9, 0, 0, tzinfo=JST)
WEEKS = 11
LINE = "00000001"
EACH = dt.timedelta(minutes=15)
"""The log of so long is one segment."""
LASTS = dt.timedelta(minutes=9)


def segment_of(moment: dt.datetime) -> str:
    number = int((moment - BEGIN) / EACH) + 1
    return f"{LINE}{number // 256:08X}{number % 256:08X}"


@dataclass
class World:
    """An installation: what lies in its repository, what is known to be damaged, when its machine is off or full."""

    off: list[tuple[dt.datetime, dt.datetime]] = field(default_factory=list)
    failing: list[tuple[dt.datetime, dt.datetime]] = field(default_factory=list)
    sets: list[Set] = field(default_factory=list)
    segments: list[str] = field(default_factory=list)
    damaged: set[str] = field(default_factory=set)
    tried: int = 0

    def during(self, spans: list[tuple[dt.datetime, dt.datetime]], moment: dt.datetime) -> bool:
        return any(begin <= moment < end for begin, end in spans)

    def collect(self, moment: dt.datetime) -> None:
        """The log up to now; while the machine is off nobody writes, so its numbers go on afterwards."""
        known = (
            int(self.segments[-1][8:16], 16) * 256 + int(self.segments[-1][16:], 16) if self.segments else 0
        )
        now = segment_of(moment)
        newest = int(now[8:16], 16) * 256 + int(now[16:], 16)
        self.segments += [f"{LINE}{n // 256:08X}{n % 256:08X}" for n in range(known + 1, newest + 1)]

    def tick(self, moment: dt.datetime) -> None:
        """What the timer of each hour does."""
        if self.during(self.off, moment):
            return
        self.collect(moment)
        if not is_due(self.sets, moment):
            return
        self.tried += 1
        if not self.during(self.failing, moment):
            self.take(moment)

    def take(self, moment: dt.datetime, wanted: str = "") -> None:
        newest = self.sets[-1].name if self.sets else ""
        parent = parent_of_next(
            self.sets, moment, damaged=self.damaged, newest=newest, line=LINE, wanted=wanted
        )
        kind = INCREMENTAL if parent else FULL
        name = f"{stamp(moment)}-{kind}"
        full = parent.full if parent else name
        ended = moment + LASTS
        self.sets.append(
            Set(name, kind, full, parent.name if parent else "", moment, ended, segment_of(moment), {}, 0)
        )
        self.collect(ended)
        gone = {one.name for one in expired(self.sets, self.damaged)}
        self.sets = [one for one in self.sets if one.name not in gone]
        needless = set(needless_segments(self.sets, self.segments))
        self.segments = [name for name in self.segments if name not in needless]

    def check(self, moment: dt.datetime) -> None:
        """Nothing a restore may need is missing: every moment since the oldest kept backup can be reached."""
        good = sound(self.sets, self.damaged)
        assert good, "the last good backup is never deleted"
        fulls = [one for one in good if one.kind == FULL]
        assert len(fulls) <= GENERATIONS
        assert gaps(self.segments, good[0].first_segment) == []
        kept = {one.name: one for one in self.sets}
        there = set(self.segments)
        latest = good[-1].ended if moment < good[-1].ended else moment
        to = good[0].ended
        while to <= latest:
            first = leading_to(self.sets, to, self.damaged)[0]
            assert first.name not in self.damaged
            assert first.ended <= to
            while first.parent:
                first = kept[first.parent]
            assert first.kind == FULL
            if not self.during(self.off, to):
                assert segment_of(to) in there
            to += dt.timedelta(minutes=151)


def live(world: World, days: int, begin: dt.datetime = BEGIN) -> None:
    """That many days, with the timer at forty past each hour and the check of everything each night."""
    for number in range(days * 24):
        moment = begin + dt.timedelta(hours=number, minutes=40)
        world.tick(moment)
        if moment.hour == 5 and world.sets:
            world.check(moment)


def test_over_eleven_weeks_with_a_lost_day_a_failed_full_backup_and_the_year_end_every_minute_stays_in_reach() -> (
    None
):
    lost_day = (BEGIN + dt.timedelta(days=9), BEGIN + dt.timedelta(days=10, hours=7))
    full_night = (BEGIN + dt.timedelta(days=21), BEGIN + dt.timedelta(days=21, hours=11))
    new_year = (dt.datetime(2026, 12, 31, 20, tzinfo=JST), dt.datetime(2027, 1, 1, 3, tzinfo=JST))
    world = World(off=[lost_day, new_year], failing=[full_night])
    fulls: list[dt.datetime] = []
    retained = []
    for day in range(WEEKS * 7):
        live(world, 1, BEGIN + dt.timedelta(days=day))
        fulls += [one.started for one in world.sets if one.kind == FULL and one.started not in fulls]
        now = BEGIN + dt.timedelta(days=day + 1)
        if len([one for one in world.sets if one.kind == FULL]) == GENERATIONS:
            retained.append(now - world.sets[0].ended)
        # never more than a day and the time a backup takes, but when the machine was off
        if not world.during(world.off, now):
            assert now - world.sets[-1].ended < OLDEST_GOOD
    # three generations reach back two weeks at the least, three at the most and what a late one adds
    assert dt.timedelta(days=13, hours=12) < min(retained)
    assert max(retained) < dt.timedelta(days=22)
    # the calendar keeps to seven days; a night that failed is made up in the same morning
    apart = {later - earlier for earlier, later in zip(fulls, fulls[1:], strict=False)}
    assert all(dt.timedelta(days=6, hours=12) < one < dt.timedelta(days=7, hours=12) for one in apart)
    assert any(one.time() == dt.time(11, 40) for one in (full.astimezone(JST) for full in fulls)), fulls
    assert {one.started.astimezone(JST).date() for one in world.sets} == {
        (BEGIN + dt.timedelta(days=WEEKS * 7 - 1 - n)).date() for n in range(len(world.sets))
    }


def test_japan_knows_no_summer_time_so_each_night_has_its_backup_at_the_same_time() -> None:
    world = World()
    begin = dt.datetime(2027, 3, 1, tzinfo=JST)
    for day in range(60):
        for hour in range(24):
            moment = begin + dt.timedelta(days=day, hours=hour, minutes=40)
            if is_due(world.sets, moment):
                world.take(moment)
    assert {one.started.astimezone(JST).time() for one in world.sets} == {dt.time(0, 40)}


@pytest.mark.parametrize("spoilt", ["the newest full", "the one before", "an incremental"])
def test_a_damaged_generation_makes_no_older_one_go_and_is_replaced_at_once(spoilt: str) -> None:
    world = World()
    live(world, 24)
    fulls = [one for one in world.sets if one.kind == FULL]
    assert len(fulls) == GENERATIONS
    name = {"the newest full": fulls[-1], "the one before": fulls[-2], "an incremental": world.sets[-1]}[
        spoilt
    ].name
    world.damaged.add(name)
    now = BEGIN + dt.timedelta(days=24, hours=5)
    if name >= fulls[-1].name:
        world.take(now, FULL)
    live(world, 2, BEGIN + dt.timedelta(days=24))
    good = [one for one in sound(world.sets, world.damaged) if one.kind == FULL]
    # of what was kept before, only what a third good generation has replaced went
    assert fulls[0].name in [one.name for one in good] or len(good) == GENERATIONS
    live(world, 30, BEGIN + dt.timedelta(days=26))
    assert sound(world.sets, world.damaged) == world.sets, "what is damaged goes when it is past its time"


def test_with_every_backup_failing_for_weeks_what_was_there_stays() -> None:
    world = World(failing=[(BEGIN + dt.timedelta(days=20), BEGIN + dt.timedelta(days=60))])
    live(world, 20)
    before = list(world.sets)
    for day in range(20, 60):
        live(world, 1, BEGIN + dt.timedelta(days=day))
        assert world.sets == before
    assert world.tried > 40 * 24, "it is tried again each hour"
