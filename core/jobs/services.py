"""Queueing, running, cancelling and requeueing jobs."""

import datetime as dt
import logging
from typing import Any

from django.db import transaction
from django.utils import timezone

from core.errors import DomainError

from .models import Job
from .progress import job_progress
from .registry import KINDS

log = logging.getLogger(__name__)

# A running job that has been silent for so long has lost its worker.
SILENT = dt.timedelta(minutes=10)
# A waiting job that nobody took for so long was never announced, or its message was lost.
FORGOTTEN = dt.timedelta(seconds=60)
MAX_ATTEMPTS = 5


def queue_job(*, kind: str, title: str, arguments: dict[str, Any], actor: Any) -> Job:
    """Adds a job; the worker is woken once the transaction has committed. `actor` may be the system."""
    from .tasks import run_job

    if kind not in KINDS:
        raise ValueError(f"unknown kind of job: {kind}")
    job = Job.objects.create(kind=kind, title=title, arguments=arguments, created_by_id=actor.pk)
    run_job.delay_on_commit(job.pk)  # type: ignore[attr-defined]
    return job


def execute_job(job_id: int) -> None:
    """Runs a waiting job. Whoever changes the row from waiting to running does it; everybody else leaves it."""
    taken = Job.objects.filter(pk=job_id, status=Job.Status.QUEUED).update(
        status=Job.Status.RUNNING, started_at=timezone.now(), beat_at=timezone.now(), done=0, error=""
    )
    if taken != 1:
        return
    job = Job.objects.get(pk=job_id)
    Job.objects.filter(pk=job_id).update(attempts=job.attempts + 1)
    try:
        with job_progress(job_id) as progress:
            result = KINDS[job.kind].run(dict(job.arguments, job_id=job_id), progress)
    except DomainError as refusal:
        _end(job_id, Job.Status.FAILED, error=refusal.message)
    except (
        Exception
    ) as failure:  # the job's edge: whatever went wrong is on the row, where the office sees it
        log.exception("job %s (%s) failed", job_id, job.kind)
        _end(job_id, Job.Status.FAILED, error=f"予期しないエラーが起きました（{type(failure).__name__}）。")
    else:
        _end(job_id, Job.Status.DONE, result=result or {})


def _end(job_id: int, status: str, **values: Any) -> None:
    Job.objects.filter(pk=job_id, status=Job.Status.RUNNING).update(
        status=status, ended_at=timezone.now(), beat_at=timezone.now(), **values
    )


def cancel_job(*, job: Job, actor: Any) -> None:
    """Cancels a job that still waits. A running one is let finish: its work is one transaction."""
    if not Job.objects.filter(pk=job.pk, status=Job.Status.QUEUED).update(
        status=Job.Status.CANCELLED,
        ended_at=timezone.now(),
        message=f"{actor.get_full_name()} が取り消しました。",
    ):
        raise DomainError("このジョブは既に始まっているため、取り消せません。終わるまでお待ちください。")


def requeue_job(*, job: Job, actor: Any) -> None:
    """Lets a failed job run once more."""
    from .tasks import run_job

    with transaction.atomic():
        if not Job.objects.filter(pk=job.pk, status=Job.Status.FAILED).update(
            status=Job.Status.QUEUED, created_at=timezone.now(), error="", ended_at=None
        ):
            raise DomainError("失敗したジョブだけを再実行できます。画面を更新して状態をご確認ください。")
        run_job.delay_on_commit(job.pk)  # type: ignore[attr-defined]


def sweep_jobs() -> int:
    """Wakes waiting jobs whose message was lost and ends or requeues those whose worker died; answers how many."""
    from .tasks import run_job

    now = timezone.now()
    swept = 0
    for pk in Job.objects.filter(status=Job.Status.QUEUED, created_at__lt=now - FORGOTTEN).values_list(
        "pk", flat=True
    ):
        run_job.delay(pk)
        swept += 1
    for job in Job.objects.filter(status=Job.Status.RUNNING, beat_at__lt=now - SILENT):
        again = KINDS[job.kind].repeatable and job.attempts < MAX_ATTEMPTS
        changed = Job.objects.filter(pk=job.pk, status=Job.Status.RUNNING, beat_at=job.beat_at)
        if again and changed.update(status=Job.Status.QUEUED, created_at=now):
            run_job.delay(job.pk)
        elif not again:
            changed.update(
                status=Job.Status.FAILED,
                ended_at=now,
                error="処理が途中で止まりました。内容を確認して再実行してください。",
            )
        swept += 1
    return swept
