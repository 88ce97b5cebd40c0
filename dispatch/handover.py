"""What goes over when a よろず gets another operator: cases and dispatches under way (docs/adr/0024)."""

from django.db.models import Q
from django.utils import timezone

from core.notify.models import Task
from institutions.models import Institution
from institutions.operator_change.handover import Moved, hands_over

from .models import Case, Dispatch, DispatchApplication
from .selectors import SETTLED


@hands_over
def cases_and_dispatches(former: Institution, successor: Institution) -> list[Moved]:
    """Open cases, dispatches for which something may still be paid, and the cases these belong to.

    What is settled (paid, being paid, cancelled, declined, ineligible) stays with the former, and in its figures.
    """
    dispatches = list(
        Dispatch.objects.select_for_update()
        .filter(institution=former)
        .exclude(status__in=SETTLED)
        .order_by("number")
    )
    with_work = DispatchApplication.objects.filter(dispatch__in=dispatches).values("case")
    cases = list(
        Case.objects.select_for_update()
        .filter(Q(state=Case.State.OPEN) | Q(pk__in=with_work), institution=former)
        .order_by("code")
    )
    now = timezone.now()
    for model, rows in ((Case, cases), (Dispatch, dispatches)):
        model.objects.filter(pk__in=[row.pk for row in rows]).update(institution=successor, updated_at=now)
    return [Moved("支援案件", case.code) for case in cases] + [
        Moved("派遣", dispatch.number) for dispatch in dispatches
    ]


@hands_over
def tasks_of_the_people(former: Institution, successor: Institution) -> list[Moved]:
    """What waited for people of the former waits for the successor's chief: they can't sign in any more."""
    chief = successor.members.order_by("pk").select_related("user").first()
    waiting = Task.objects.open().filter(person__institution_member__institution=former)
    moved = {
        (task.code, task.object): task
        for task in waiting.filter(path__startswith="/portal/").order_by("-opened_at")
    }
    waiting.update(closed_at=timezone.now())
    if chief is not None:
        Task.objects.bulk_create(
            Task(
                code=task.code,
                object=task.object,
                title=task.title,
                note=task.note,
                path=task.path,
                person=chief.user,
                opened_by=task.opened_by,
            )
            for task in moved.values()
        )
    return []
