"""The background work of payments: computing and exporting runs, and the standing check."""

from typing import Any

from celery import shared_task

from accounts.models import User
from core.audit.acting import SYSTEM
from core.errors import DomainError
from core.jobs.models import Job
from core.jobs.progress import Progress
from core.jobs.registry import job_kind
from core.jobs.services import queue_job

from .models import PayoutRun
from .selectors import check_is_stale
from .services import assessment, live
from .services import compute as computing
from .services import export as exporting

CHECK = "check_month"


def _run(arguments: dict[str, Any]) -> PayoutRun:
    run = PayoutRun.objects.filter(name=arguments["run"]).first()
    if run is None:
        raise DomainError(f"月次支払 {arguments['run']} は破棄されています。")
    return run


def _totals(run: PayoutRun) -> dict[str, Any]:
    return {
        "月次支払": run.name,
        "支払人数": run.payee_count,
        "派遣件数": run.dispatch_count,
        "振込額": run.net,
    }


@job_kind("compute_run", "月次支払の計算", cancellable=True)
def compute_run(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Arguments: run (name), actor (id of the person who asked)."""
    actor = User.objects.get(pk=arguments["actor"])
    return _totals(computing.compute_run(run=_run(arguments), actor=actor, progress=progress))


@job_kind("export_run", "月次支払の出力")
def export_run(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Arguments: run (name), actor (id of the person who asked). The files go to the place of downloads."""
    actor = User.objects.get(pk=arguments["actor"])
    return _totals(exporting.export_run(run=_run(arguments), actor=actor, progress=progress))


@job_kind(CHECK, "派遣の確認")
def check_month(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """No arguments: every unpaid dispatch is checked."""
    return assessment.check_month(progress=progress)


@shared_task
def check_when_stale() -> bool:
    """Queues a check when data changed since the last one and none is waiting; answers whether it did."""
    waiting = Job.objects.filter(kind=CHECK, status__in=(Job.Status.QUEUED, Job.Status.RUNNING)).exists()
    if waiting or not check_is_stale():
        return False
    queue_job(kind=CHECK, title="派遣の確認", arguments={}, actor=SYSTEM)
    return True


@shared_task(autoretry_for=(Exception,), max_retries=3, retry_backoff=5)
def judge_experts(experts: list[int]) -> int:
    """Judges the dispatches of these experts (ids) after a change; the standing check does it if this never succeeds."""
    return live.judge_queued(experts)


@shared_task
def expire_run_files() -> int:
    """Every ten minutes: files of runs that wait longer than exports may are deleted; they can be made again."""
    return exporting.expire_downloads()
