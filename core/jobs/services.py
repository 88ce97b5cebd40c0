"""Queueing, running, cancelling and requeueing jobs."""

import datetime as dt
import logging
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from core.audit.acting import request_id
from core.errors import DomainError
from core.web.outages import Outage, outage_of

from .models import Job
from .progress import JobCancelled, JobProgress, job_progress, lock_key
from .registry import KINDS, Kind
from .waking import wake, wake_on_commit

log = logging.getLogger(__name__)

# A running job whose lock nobody holds and that has been silent for so long has lost its worker.
SILENT = dt.timedelta(seconds=20)
# A waiting job that nobody took for so long was never announced, or its message was lost.
FORGOTTEN = dt.timedelta(seconds=30)
MAX_ATTEMPTS = 5


def queue_job(*, kind: str, title: str, arguments: dict[str, Any], actor: Any) -> Job:
    """Adds a job; the worker is woken once the transaction has committed. `actor` may be the system.

    Refuses one more of a heavy kind than a person may have waiting or running at a time.
    """
    from .tasks import run_job

    if kind not in KINDS:
        raise ValueError(f"unknown kind of job: {kind}")
    with transaction.atomic():
        _refuse_too_many(KINDS[kind], actor)
        job = Job.objects.create(kind=kind, title=title, arguments=arguments, created_by_id=actor.pk)
    wake_on_commit(run_job, job.pk)
    return job


def _refuse_too_many(kind: Kind, actor: Any) -> None:
    if kind.per_person is None or actor.pk is None:
        return
    with connection.cursor() as cursor:
        # two requests at once must not both count before either has added its job
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"job {kind.code} {actor.pk}"]
        )
    if _open_jobs().filter(kind=kind.code, created_by_id=actor.pk).count() >= kind.per_person:
        raise DomainError(
            f"「{kind.name}」は、一人で同時に{kind.per_person}件までです。いまの処理が終わってからお試しください。"
        )


def _open_jobs() -> QuerySet[Job]:
    return Job.objects.filter(status__in=(Job.Status.QUEUED, Job.Status.RUNNING))


def execute_job(job_id: int) -> None:
    """Runs a waiting job. Whoever changes the row from waiting to running does it; everybody else leaves it."""
    with job_progress(job_id) as progress:
        if not progress.hold():
            return
        taken = Job.objects.filter(pk=job_id, status=Job.Status.QUEUED).update(
            status=Job.Status.RUNNING,
            started_at=timezone.now(),
            beat_at=timezone.now(),
            done=0,
            error="",
            attempts=F("attempts") + 1,
        )
        if taken != 1:
            return
        job = Job.objects.get(pk=job_id)
        kind = KINDS[job.kind]
        progress.cancellable = kind.cancellable
        token = request_id.set(f"job-{job_id}")  # history and log lines name the job they come from
        try:
            _run(job, kind, progress)
        finally:
            request_id.reset(token)


def _run(job: Job, kind: Kind, progress: JobProgress) -> None:
    try:
        result = kind.run(dict(job.arguments, job_id=job.pk), progress)
    except DomainError as refusal:
        _end(job, Job.Status.FAILED, error=refusal.message)
    except JobCancelled:
        _end_cancelled(job)
    except (
        Exception
    ) as failure:  # the job's edge: whatever went wrong is on the row, where the office sees it
        outage = outage_of(failure)
        if outage is Outage.DATABASE:
            # no failure of the work: the row stays as it is, and the sweep lets it run again
            log.warning("job %s (%s) lost the database", job.pk, job.kind)
            raise
        log.exception("job %s (%s) failed", job.pk, job.kind)
        words = outage.sentence if outage else f"予期しないエラーが起きました（{type(failure).__name__}）。"
        _end(job, Job.Status.FAILED, error=words)
    else:
        _end(job, Job.Status.DONE, result=result or {})


def _end(job: Job, status: str, **values: Any) -> bool:
    """Notes how this attempt ended; a later attempt's row is left alone."""
    return bool(
        Job.objects.filter(pk=job.pk, status=Job.Status.RUNNING, attempts=job.attempts).update(
            status=status, ended_at=timezone.now(), beat_at=timezone.now(), **values
        )
    )


def _end_cancelled(job: Job) -> bool:
    who = Job.objects.select_related("cancel_asked_by").get(pk=job.pk).cancel_asked_by
    name = who.get_full_name() if who else "システム"
    kind = KINDS.get(job.kind)
    left = (
        "それまでに済んだ分は残っています。続きは、もう一度始めると行われます。"
        if kind is not None and kind.keeps_done
        else "変更は取り消されています。"
    )
    return _end(job, Job.Status.CANCELLED, message=f"{name} が中止しました。{left}")


def can_cancel(job: Job) -> bool:
    """Whether the job may be cancelled now: it waits, or it runs and its kind can be stopped."""
    if job.status == Job.Status.QUEUED:
        return True
    kind = KINDS.get(job.kind)
    return (
        job.status == Job.Status.RUNNING
        and kind is not None
        and kind.cancellable
        and job.cancel_asked_at is None
    )


def cancel_job(*, job: Job, actor: Any) -> None:
    """Cancels a job that waits at once; asks one that runs to stop where its kind allows that."""
    if Job.objects.filter(pk=job.pk, status=Job.Status.QUEUED).update(
        status=Job.Status.CANCELLED,
        ended_at=timezone.now(),
        message=f"{actor.get_full_name()} が取り消しました。",
    ):
        return
    stoppable = job.kind in KINDS and KINDS[job.kind].cancellable
    if not stoppable or not Job.objects.filter(pk=job.pk, status=Job.Status.RUNNING).update(
        cancel_asked_at=timezone.now(), cancel_asked_by_id=actor.pk, message="中止しています…"
    ):
        raise DomainError("このジョブは既に始まっているため、取り消せません。終わるまでお待ちください。")


def requeue_job(*, job: Job, actor: Any) -> None:
    """Lets a failed job run once more."""
    from .tasks import run_job

    with transaction.atomic():
        if not Job.objects.filter(pk=job.pk, status=Job.Status.FAILED).update(
            status=Job.Status.QUEUED,
            created_at=timezone.now(),
            error="",
            ended_at=None,
            cancel_asked_at=None,
            cancel_asked_by=None,
        ):
            raise DomainError("失敗したジョブだけを再実行できます。画面を更新して状態をご確認ください。")
        wake_on_commit(run_job, job.pk)


def sweep_jobs() -> int:
    """Wakes waiting jobs whose message was lost and ends or requeues those whose worker died; answers how many."""
    from .tasks import run_job

    now = timezone.now()
    swept = 0
    # what was written by a clock that has been set back since would not be old for as long as that
    forgotten = Q(created_at__lt=now - FORGOTTEN) | Q(created_at__gt=now + FORGOTTEN)
    silent = Q(beat_at__lt=now - SILENT) | Q(beat_at__gt=now + SILENT)
    for pk in Job.objects.filter(forgotten, status=Job.Status.QUEUED).values_list("pk", flat=True):
        wake(run_job, pk)
        swept += 1
    for job in Job.objects.filter(silent, status=Job.Status.RUNNING):
        with transaction.atomic():
            swept += _take_up_again(job, now)
    return swept


def _take_up_again(job: Job, now: dt.datetime) -> bool:
    """Decides about a silent job, unless its worker lives; answers whether it did."""
    from .tasks import run_job

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", lock_key(job.pk))
        if not cursor.fetchone()[0]:
            return False
    if job.cancel_asked_at is not None:
        return _end_cancelled(job)
    if not KINDS[job.kind].repeatable or job.attempts >= MAX_ATTEMPTS:
        error = "処理が途中で止まりました。内容を確認して再実行してください。"
        return _end(job, Job.Status.FAILED, error=error)
    again = Job.objects.filter(pk=job.pk, status=Job.Status.RUNNING, attempts=job.attempts)
    if not again.update(status=Job.Status.QUEUED, created_at=now):
        return False
    wake_on_commit(run_job, job.pk)
    return True
