"""Applying a roster: at once, or where many lines are accepted as a job that can be watched and cancelled."""

from typing import Final

from django.db.models import QuerySet

from accounts.models import User
from accounts.rights import require
from core.audit.acting import acting
from core.jobs.models import Job
from core.jobs.services import queue_job
from institutions.models import Roster

from .services import ACT, State, apply_roster, draft

KIND: Final = "apply_roster"
# More lines than this take longer than somebody waits for a page.
MOST_AT_ONCE: Final = 300


def request_apply(*, roster: Roster, version: int, actor: User) -> Job | None:
    """Applies the accepted lines, or queues a job for many of them and answers it. Pressed twice, it is one job.

    Raises what `apply_roster` raises; of a job, its row says it.
    """
    require(actor, ACT)
    if roster.lines.filter(accepted=True).count() <= MOST_AT_ONCE:
        apply_roster(roster=roster, version=version, actor=actor)
        return None
    with acting(actor, "apply_roster"):
        if Roster.objects.get(pk=roster.pk).state == State.APPLIED:
            return None
        found = draft(roster, version)
        running = jobs_of(found).filter(status__in=(Job.Status.QUEUED, Job.Status.RUNNING)).first()
        if running is not None:
            return running
        return queue_job(
            kind=KIND,
            title=f"構成機関名簿の反映: {found.file_name}"[:200],
            arguments={"roster": found.pk, "version": version, "actor": actor.pk},
            actor=actor,
        )


def jobs_of(roster: Roster) -> QuerySet[Job]:
    """The jobs that apply or applied this roster, the newest first."""
    return Job.objects.filter(kind=KIND, arguments__roster=roster.pk).order_by("-pk")
