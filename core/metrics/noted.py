"""How the backups stand, also where only another process can look at them.

In production one worker alone reaches the place of the backups; it notes in the cache each minute what it sees.
"""

import datetime as dt
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache

from core.backup.cluster import own_repository
from core.backup.watching import standing

from .disks import disk_readings
from .registry import Reading

KEY = "metrics-backup"
# What was noted longer ago says nothing about now: the worker that looks is gone.
_KEEP_SECONDS = 10 * 60


def look(now: dt.datetime) -> dict[str, Any]:
    """How the backups stand, seen by a process that reaches them; ages in seconds, None when there is none."""
    found = standing(own_repository(), now)
    return {
        "age": found.backup_age.total_seconds() if found.backup_age is not None else None,
        "log_age": found.log_age.total_seconds() if found.log_age is not None else None,
        "problems": len(found.problems),
        "disk": [[each.name, each.value] for each in disk_readings("backup", Path(settings.BACKUP_DIR))],
    }


def note(now: dt.datetime) -> None:
    """Keeps what is seen for the processes that can't see it."""
    cache.set(KEY, json.dumps({"at": time.time(), **look(now)}), _KEEP_SECONDS)


def backup_readings(now: dt.datetime) -> Iterator[Reading]:
    """What was noted; without that, where the place of the backups is on this machine, what is seen from here."""
    yield Reading("backup_scheduled", float(settings.BACKUP_SCHEDULED))
    if not settings.BACKUP_SCHEDULED:
        return
    if noted := cache.get(KEY):
        seen = json.loads(noted)
        yield Reading("backup_noted_seconds", max(0.0, time.time() - seen["at"]))
    elif settings.BACKUP_DIR.is_dir():
        seen = look(now)
    else:
        yield Reading("backup_seen", 0)
        return
    yield Reading("backup_seen", 1)
    if seen["age"] is not None:
        yield Reading("backup_age_seconds", seen["age"])
    if seen["log_age"] is not None:
        yield Reading("backup_log_age_seconds", seen["log_age"])
    yield Reading("backup_problems", seen["problems"])
    for name, value in seen["disk"]:
        yield Reading(name, value, {"folder": "backup"})
