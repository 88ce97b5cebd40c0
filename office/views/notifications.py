"""Mails on their way, and what waits for a person."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.models import User
from core.notify.models import Mail
from core.notify.sending import decide, decisions_for
from core.notify.services import waiting_for
from office.access import office_view, person
from office.lists import containing, page_of
from office.waiting import OF_DISPATCHES, Waiting, counted_elsewhere, waiting_source

DECISIONS = {
    "retry": ("もう一度送る", ""),
    "delivered": ("届いていることを確認した", "secondary"),
    "cancel": ("送らない", "secondary"),
}


@waiting_source(20)
def tasks_waiting(user: User) -> list[Waiting]:
    """The tasks of this person and of the person's role; what the office's own lists count stands with them."""
    return [
        {"title": task.title, "url": task.path, "count": 1, "oldest": task.opened_at, "note": task.note}
        for task in waiting_for(user)
        if not task.code.startswith(OF_DISPATCHES) and not counted_elsewhere(task.code)
    ]


@office_view("see_office")
def mail_list(request: HttpRequest) -> HttpResponse:
    """Mails of this person's part of the work, newest first."""
    rows = Mail.objects.visible_to(person(request)).filter(
        containing(request.GET.get("q", ""), "to", "subject")
    )
    if state := request.GET.get("state"):
        rows = rows.filter(state=state)
    context = {"section": "mails", "page": page_of(request, rows), "states": Mail.State.choices}
    return render(request, "office/notifications/mails.html", context)


@office_view("see_office")
def mail_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One mail: its text, each try, and what a person can decide."""
    mail = get_object_or_404(Mail.objects.visible_to(person(request)).select_related("created_by"), pk=pk)
    context = {
        "section": "mails",
        "mail": mail,
        "tries": mail.tries.select_related("by"),
        "decisions": [(name, *DECISIONS[name]) for name in decisions_for(mail)],
    }
    return render(request, "office/notifications/mail.html", context)


@require_POST
@office_view("see_office")
def mail_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """A person's decision about a mail that did not get through, or that nobody is sure about."""
    user = person(request)
    mail = get_object_or_404(Mail.objects.visible_to(user), pk=pk)
    decide(mail=mail, decision=request.POST.get("decision", ""), actor=user)
    return redirect("office:mail_detail", pk=pk)
