"""The background work of institutions."""

from typing import Any

from celery import shared_task

from accounts.models import User
from core.jobs.progress import Progress
from core.jobs.registry import job_kind

from .models import Roster
from .operator_change.services import stop_due
from .roster.applying import KIND
from .roster.services import apply_roster


@job_kind(KIND, "構成機関名簿の反映", cancellable=True)
def apply_large_roster(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Arguments: roster (id), version (that the page showed), actor (id of the person who asked)."""
    roster = Roster.objects.get(pk=arguments["roster"])
    actor = User.objects.get(pk=arguments["actor"])
    apply_roster(roster=roster, version=arguments["version"], actor=actor, progress=progress)
    return {"反映した行": roster.lines.filter(accepted=True).count()}


@shared_task
def stop_operators() -> int:
    """Ends the IDs of old operators whose last day is over; answers of how many changes."""
    return stop_due()
