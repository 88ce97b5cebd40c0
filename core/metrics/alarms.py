"""Telling the administrators once when a reading stays bad; the task ends by itself when it is good again.

Bad once is not told: after a restart of Redis, say, nobody has been heard of for a moment.
"""

import logging
from collections.abc import Iterable

from django.core.cache import cache
from django.db import transaction

from core.audit.acting import SYSTEM
from core.notify.models import Task
from core.notify.services import close_tasks, notify

from .judging import Judged
from .limits import LIMITS, Level

log = logging.getLogger(__name__)

CODE = "system_alarm"
PATH = "/office/system/"
_KEEPER = "office_admin"
_LAST_TIME = "metrics-bad"
# The check before this one, which is a minute ago; an older one says nothing about now.
_KEEP_SECONDS = 5 * 60


def tell(judged: Iterable[Judged]) -> list[str]:
    """Opens a task (and mails the administrators) for what is bad for the second time in a row, ends what is good.

    Answers the names of the bad readings. Between good and bad nothing changes: a value that wavers around its limit is
    told once.
    """
    by_reading: dict[str, list[Judged]] = {}
    for each in judged:
        by_reading.setdefault(each.limit.reading, []).append(each)
    open_ones = set(Task.objects.open().filter(code=CODE).values_list("object", flat=True))
    before = cache.get(_LAST_TIME) or []
    bad = []
    for limit in LIMITS:
        found = by_reading.get(limit.reading, [])
        level = max((each.level for each in found), default=Level.GOOD)
        if level is Level.BAD:
            bad.append(limit.reading)
            worst = [each for each in found if each.level is Level.BAD]
            if limit.tells and limit.reading in before and limit.reading not in open_ones:
                _tell(worst)
        elif level is Level.GOOD and limit.reading in open_ones:
            close_tasks(code=CODE, object=limit.reading, actor=SYSTEM)
            log.info("system: %s is good again", limit.reading)
    cache.set(_LAST_TIME, bad, _KEEP_SECONDS)
    return bad


def _tell(worst: list[Judged]) -> None:
    limit = worst[0].limit
    values = "、".join(f"{each.which}{'：' if each.which else ''}{each.shown}" for each in worst[:5])
    log.critical("system alarm: %s", limit.reading)
    with transaction.atomic():
        notify(
            code=CODE,
            object=limit.reading,
            title=f"システムに異常があります（{limit.title}）",
            note=f"{values}。{limit.next_step}"[:200],
            path=PATH,
            actor=SYSTEM,
            role=_KEEPER,
            template="task",
        )
