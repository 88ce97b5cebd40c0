"""What Celery runs: it only wakes jobs, the rows say what to do."""

from celery import shared_task

from core.web import health

from . import services


@shared_task
def run_job(job_id: int) -> None:
    """Runs the job of this id, unless somebody else has taken it."""
    services.execute_job(job_id)


@shared_task
def note_heartbeat() -> None:
    """Once a minute: shows that beat, broker and worker live (core/web/health.py)."""
    health.beat()


@shared_task
def sweep_jobs() -> int:
    """Four times a minute: no job is forgotten."""
    return services.sweep_jobs()
