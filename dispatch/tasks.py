"""The background work of dispatches: reminders."""

from celery import shared_task

from . import receipt_files
from .services.reminding import remind_overdue as remind
from .services.scanning import scan_waiting


@shared_task
def remind_overdue() -> int:
    """Once an hour: what is overdue is reminded of; answers how many reminders there were."""
    return remind()


@shared_task
def scan_receipts() -> int:
    """Each minute: receipts that wait for the virus scanner; answers how many got its verdict."""
    return scan_waiting()


@shared_task
def sweep_receipts() -> int:
    """Once a day: files of receipts that no row knows; answers how many went."""
    return receipt_files.sweep()
