"""When which backup is due and how long it is kept: weekly full, daily incremental, three generations. Pure functions."""

import datetime as dt
from collections.abc import Collection, Sequence

from core.clock import JST

from .repository import FULL, INCREMENTAL, Set

GENERATIONS = 3
"""Full backups, each with its incrementals, that are kept (調達仕様書: 週1回フル、毎日差分、3世代)."""
FULL_EVERY = dt.timedelta(days=7)
# A backup that was late by hours, made up in the morning, moves the next one no later.
_TOLERANCE = dt.timedelta(hours=18)
OLDEST_GOOD = dt.timedelta(hours=26)
"""A newest backup older than this is an alarm."""
OLDEST_LOG = dt.timedelta(minutes=15)
"""A log that reaches less far than this is an alarm."""

OLDEST_CHECK = dt.timedelta(days=3)
"""Backups that nobody has read for so long are an alarm."""


def due_kind(sets: Sequence[Set], now: dt.datetime) -> str:
    """What the next backup has to be: full when a week has passed since the last full one, else incremental."""
    fulls = [one for one in sets if one.kind == FULL]
    if not fulls or now - fulls[-1].started >= FULL_EVERY - _TOLERANCE:
        return FULL
    return INCREMENTAL


def parent_of_next(
    sets: Sequence[Set],
    now: dt.datetime,
    *,
    damaged: Collection[str],
    newest: str,
    line: str,
    wanted: str = "",
) -> Set | None:
    """What the next backup builds on; None: it has to be a full one.

    A kind that is `wanted` goes before the calendar's. It builds on the newest backup (named `newest`, whether it can
    be read or not) or on nothing: not after damage, not after a restore, which makes a new `line` of history, and not
    on one from a clock that was ahead: sets stand in the order of their names, which are times.
    """
    good = sound(sets, damaged)
    if not good or good[-1].name != newest or good[-1].first_segment[:8] != line or good[-1].started > now:
        return None
    return None if (wanted or due_kind(good, now)) == FULL else good[-1]


def leading_to(sets: Sequence[Set], to: dt.datetime, damaged: Collection[str] = ()) -> list[Set]:
    """The backups that lead to a moment, with the log after them, the newest first. Damaged ones only if there is no other."""
    before = [one for one in sets if one.ended <= to]
    return (sound(before, damaged) or before)[::-1]


def is_due(sets: Sequence[Set], now: dt.datetime) -> bool:
    """Whether today, in Japan, has no backup yet, whatever a clock that was ahead has left behind."""
    today = now.astimezone(JST).date()
    return all(one.started.astimezone(JST).date() != today for one in sets)


def sound(sets: Sequence[Set], damaged: Collection[str] = ()) -> list[Set]:
    """The sets that can be restored: neither they nor what they build on is damaged or gone."""
    good: dict[str, Set] = {}
    for one in sets:
        if one.name not in damaged and one.full not in damaged and (not one.parent or one.parent in good):
            good[one.name] = one
    return list(good.values())


def expired(sets: Sequence[Set], damaged: Collection[str] = (), generations: int = GENERATIONS) -> list[Set]:
    """What is older than the oldest kept generation, in the order in which it may go: what builds on others first.

    A damaged full backup is no generation: it makes no older one go.
    """
    fulls = [one for one in sound(sets, damaged) if one.kind == FULL]
    if len(fulls) < generations:
        return []
    oldest = fulls[-generations].name
    # names begin with the moment, so they sort as moments do
    return [one for one in reversed(sets) if one.name < oldest]


def needless_segments(sets: Sequence[Set], segments: Sequence[str]) -> list[str]:
    """Files of the log from before the oldest kept set. Notes on the line of history (.history) stay: they are tiny."""
    if not sets:
        return []
    oldest = min(one.first_segment[8:] for one in sets)
    return [name for name in segments if is_segment(name[:24]) and name[8:24] < oldest]


def is_segment(name: str) -> bool:
    """Whether this is the name of a segment of the log: line of history, then place."""
    return len(name) == 24 and all(letter in "0123456789ABCDEF" for letter in name)


def gaps(segments: Sequence[str], first: str) -> list[str]:
    """Segments missing between `first` and the newest one, on each line of history."""
    lines: dict[str, list[int]] = {}
    for name in segments:
        if is_segment(name) and name[8:] >= first[8:]:
            lines.setdefault(name[:8], []).append(_place(name))
    missing: list[str] = []
    for line, places in sorted(lines.items()):
        start = _place(first) if line == first[:8] else min(places)
        missing += [_name(line, place) for place in sorted(set(range(start, max(places))) - set(places))]
    return missing


def _place(name: str) -> int:
    return int(name[8:16], 16) * 256 + int(name[16:], 16)


def _name(line: str, place: int) -> str:
    return f"{line}{place // 256:08X}{place % 256:08X}"
