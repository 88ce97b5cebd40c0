"""Preparing exports in the background, and deleting them when their term has ended."""

from typing import Any

from celery import shared_task

from core.errors import DomainError
from core.jobs.progress import Progress
from core.jobs.registry import job_kind

from . import services
from .models import Export


@job_kind(services.PREPARE, "書き出し", per_person=3)
def prepare_export(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Arguments: export (id)."""
    export = Export.objects.select_related("requested_by").filter(pk=arguments["export"]).first()
    if export is None:
        raise DomainError("この書き出しは見つかりません。")
    services.prepare_export(export=export, progress=progress)
    return {"件数": export.row_count}


@shared_task
def expire_exports() -> int:
    """Every ten minutes: files whose term has ended go."""
    return services.expire_exports()
