"""What the start page of an institution reads; a fixed number of queries."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Min

from accounts.models import User
from core.notify.models import Task
from core.notify.services import waiting_for
from dispatch.models import Dispatch, Status
from dispatch.services.telling import NEWS

# What stands with somebody else, and with whom, in the order of a dispatch's way.
_WAITING = (
    (Status.APPLIED, "専門家のお返事"),
    (Status.ACCEPTED, "事務局の受付"),
    (Status.CONFIRMED, "訪問日"),
    (Status.VISITED, "専門家の報告"),
    (Status.REPORTED, "機関の承認"),
    (Status.APPROVED, "事務局の確認"),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How many dispatches stand at a step, whom they wait for, and since when the oldest does."""

    status: str
    label: str
    waits_for: str
    count: int
    oldest: dt.datetime | None


def tasks_of(user: User) -> tuple[list[Task], list[Task]]:
    """What this person has to do, and what is only news to them; oldest first."""
    tasks = waiting_for(user)
    return [task for task in tasks if task.code != NEWS], [task for task in tasks if task.code == NEWS]


def standing_of(user: User) -> list[Standing]:
    """The dispatches on their way, by the step they stand at."""
    found: dict[str, tuple[int, dt.datetime | None]] = {
        row["status"]: (row["count"], row["oldest"])
        for row in Dispatch.objects.visible_to(user)
        .filter(status__in=[status for status, _ in _WAITING])
        .values("status")
        .annotate(count=Count("pk"), oldest=Min("status_since"))
        .order_by("status")
    }
    nothing = (0, None)
    return [
        Standing(status, status.label, waits_for, *found.get(status, nothing))
        for status, waits_for in _WAITING
    ]
