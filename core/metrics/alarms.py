"""Telling the administrators once when a reading turns bad; the task ends by itself when it is good again."""

import logging
from collections.abc import Iterable

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


def tell(judged: Iterable[Judged]) -> list[str]:
    """Opens a task (and mails the administrators) for each bad reading, ends those that are good; answers the bad ones.

    Between good and bad nothing changes: a value that wavers around its limit is told once.
    """
    by_reading: dict[str, list[Judged]] = {}
    for each in judged:
        by_reading.setdefault(each.limit.reading, []).append(each)
    open_ones = set(Task.objects.open().filter(code=CODE).values_list("object", flat=True))
    bad = []
    for limit in LIMITS:
        found = by_reading.get(limit.reading, [])
        level = max((each.level for each in found), default=Level.GOOD)
        if level is Level.BAD:
            bad.append(limit.reading)
            worst = [each for each in found if each.level is Level.BAD]
            if limit.reading not in open_ones:
                _tell(worst)
        elif level is Level.GOOD and limit.reading in open_ones:
            close_tasks(code=CODE, object=limit.reading, actor=SYSTEM)
            log.info("system: %s is good again", limit.reading)
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
