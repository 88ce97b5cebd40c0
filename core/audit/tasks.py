"""The history's own timers: sealing each minute, the nightly check, archive and retention."""

import logging
from typing import Any

from celery import shared_task
from django.db import DatabaseError

from core.errors import DomainError
from core.jobs.models import Job
from core.jobs.progress import Progress
from core.jobs.registry import job_kind
from core.jobs.services import queue_job

from . import archiving, protection, sealing, verifying
from .acting import SYSTEM
from .alarm import raise_alarm

log = logging.getLogger(__name__)
VERIFY = "verify_audit"


@shared_task
def seal_audit() -> int:
    """Once a minute: what has ended is sealed. Answers how many rows."""
    return sealing.seal_audit()[0]


@shared_task
def verify_audit() -> int:
    """Once a night: a job that fails, for everybody to see, when the history isn't whole. One that waits is enough."""
    waiting = Job.objects.filter(kind=VERIFY, status__in=(Job.Status.QUEUED, Job.Status.RUNNING)).first()
    if waiting is not None:
        return waiting.pk
    return queue_job(kind=VERIFY, title="履歴の検証", arguments={}, actor=SYSTEM).pk


@job_kind(VERIFY, "履歴の検証")
def run_verification(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Checks the chain and the guards; what is broken is the job's error, an alarm line and a task."""
    result = verifying.verify_audit()
    broken = [result.problem] if result.problem else []
    broken += protection.problems()
    if broken:
        raise_alarm(" ".join(broken))
        raise DomainError("\n".join(broken))
    return {
        "封印": result.head.number,
        "件数": result.head.rows,
        "値": result.head.hash,
        "未封印": result.unsealed,
    }


@shared_task
def keep_audit() -> int:
    """Once a day: months that have ended become signed files, what is past its time leaves the database."""
    try:
        archiving.archive_months()
        return archiving.purge_audit()
    except (DomainError, DatabaseError, OSError) as error:
        raise_alarm(f"履歴の保管に失敗しました（{error}）。")
        raise
