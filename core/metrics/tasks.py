"""The timers of the readings."""

from celery import shared_task
from django.conf import settings

from core import clock

from . import noted
from .alarms import tell
from .judging import standing


@shared_task
def watch_system() -> list[str]:
    """Once a minute: the administrators are told of what is bad. Answers the names of the bad readings."""
    return tell(standing())


@shared_task
def note_backups() -> None:
    """Once a minute, in the worker that reaches the backups: how they stand, for those that don't."""
    if settings.BACKUP_SCHEDULED:
        noted.note(clock.now())
