"""The background work of dispatches: reminders, receipts, the look after fraud."""

from typing import Any

from celery import shared_task

from core.audit.acting import SYSTEM
from core.jobs.models import Job
from core.jobs.progress import Progress
from core.jobs.registry import job_kind
from core.jobs.services import queue_job

from . import receipt_files
from .services.reminding import remind_overdue as remind
from .services.scanning import scan_again, scan_waiting
from .services.signals import look_for_signals as look

LOOK = "look_for_signals"


@shared_task
def remind_overdue() -> int:
    """Once an hour: what is overdue is reminded of; answers how many reminders there were."""
    return remind()


@shared_task
def scan_receipts() -> int:
    """Each minute: receipts that wait for the virus scanner; answers how many got its verdict."""
    return scan_waiting()


@shared_task
def scan_receipts_again() -> int:
    """Each night: receipts scanned long ago, or before there was a scanner; answers how many."""
    return scan_again()


@shared_task
def sweep_receipts() -> int:
    """Once a day: files of receipts that no row knows; answers how many went."""
    return receipt_files.sweep()


@job_kind(LOOK, "不正の兆候の検出", per_person=1)
def look_for_signals(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """No arguments: all dispatches of the window are looked over."""
    return look(actor=SYSTEM, progress=progress)


@shared_task
def look_each_night() -> bool:
    """Once a night: queues the look after fraud unless one waits; answers whether it did."""
    if Job.objects.filter(kind=LOOK, status__in=(Job.Status.QUEUED, Job.Status.RUNNING)).exists():
        return False
    queue_job(kind=LOOK, title="不正の兆候の検出", arguments={}, actor=SYSTEM)
    return True
