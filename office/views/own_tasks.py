"""お知らせ: what was put to a person or to the person's role about dispatches, and still waits."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.models import User
from accounts.rights import may
from core.notify.services import waiting_for
from dispatch.services import telling
from office.access import office_view, person
from office.lists import page_of
from office.waiting import OF_DISPATCHES, Waiting, waiting_source

# Tasks that other lines of the start page already count.
_COUNTED = (telling.CONFIRM, telling.REQUEST, telling.INQUIRY_ANSWERED, telling.VERIFY)


@waiting_source(18)
def tasks_waiting(user: User) -> list[Waiting]:
    """What was put to this person or the person's role besides: objections, what stays late, the rest."""
    if not may(user, "confirm_dispatch").allowed:
        return []
    tasks = [
        task
        for task in waiting_for(user)
        if task.code.startswith(OF_DISPATCHES) and task.code not in _COUNTED
    ]
    late = [task for task in tasks if task.code.startswith(telling.ESCALATED)]
    others = [task for task in tasks if not task.code.startswith(telling.ESCALATED)]
    lines: list[Waiting] = []
    address = reverse("office:task_list")
    if late:
        lines.append(
            {
                "title": "督促の後も済まない手続き",
                "url": f"{address}?kind=late",
                "count": len(late),
                "oldest": late[0].opened_at,
                "note": "機関または専門家へ連絡してください。",
                "overdue": len(late),
            }
        )
    if others:
        lines.append(
            {
                "title": "お知らせ",
                "url": address,
                "count": len(others),
                "oldest": others[0].opened_at,
                "note": others[0].title,
            }
        )
    return lines


@office_view()
def task_list(request: HttpRequest) -> HttpResponse:
    """Everything that was put to this person or the person's role and still waits."""
    tasks = waiting_for(person(request))
    if request.GET.get("kind") == "late":
        tasks = [task for task in tasks if task.code.startswith(telling.ESCALATED)]
    page = page_of(request, tasks)
    for task in page.object_list:
        task.is_late = task.code.startswith(telling.ESCALATED)
    context = {"section": "work", "page": page}
    return render(request, "office/reception/tasks.html", context)
