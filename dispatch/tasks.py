"""The background work of dispatches: reminders."""

from celery import shared_task

from .services.reminding import remind_overdue as remind


@shared_task
def remind_overdue() -> int:
    """Once an hour: what is overdue is reminded of; answers how many reminders there were."""
    return remind()
