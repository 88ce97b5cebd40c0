"""照会: what the office asked, what is overdue, what was answered; closing an inquiry and asking again."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Min, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.rights import may
from core import clock
from core.audit.models import Access
from core.audit.services import record_page, record_view
from core.errors import DomainError
from core.notify.models import Task
from dispatch.models import Dispatch, Inquiry, Reminder
from dispatch.services import accept_answer, ask_back, close_inquiry, telling
from dispatch.services.reminding import ESCALATION_OF
from office.access import office_view, person
from office.lists import containing, page_of
from office.waiting import Waiting, waiting_source

SEARCHED = ("dispatch__number", "dispatch__expert__name", "dispatch__institution__name", "question", "answer")
TABS = (("open", "回答待ち"), ("late", "期限超過"), ("answered", "回答あり（未確認）"), ("done", "終了"))


def _unread_dispatches() -> list[int]:
    """The dispatches of which an answer waits to be read."""
    keys = Task.objects.open().filter(code=telling.INQUIRY_ANSWERED).values_list("object", flat=True)
    return [int(key.rpartition(":")[2]) for key in keys]


def _unfinished(rows: QuerySet[Inquiry], unread: list[int]) -> QuerySet[Inquiry]:
    """What waits for an answer or for somebody who reads it; both by index, however many have ended."""
    return rows.filter(Q(answered_at=None) | Q(answered_at__isnull=False, dispatch__in=unread))


def _tab(rows: QuerySet[Inquiry], tab: str, unread: list[int]) -> QuerySet[Inquiry]:
    if tab == "answered":
        return rows.filter(answered_at__isnull=False, dispatch__in=unread).order_by("answered_at", "pk")
    if tab == "done":
        return rows.exclude(answered_at=None).exclude(dispatch__in=unread).order_by("-answered_at", "-pk")
    rows = rows.filter(answered_at=None).order_by("due_on", "pk")
    return rows.filter(due_on__lt=clock.today()) if tab == "late" else rows


@waiting_source(16)
def inquiries_waiting(user: User) -> list[Waiting]:
    """Answers to read, and inquiries whose answer doesn't come."""
    if not may(user, "ask_back").allowed:
        return []
    unread, today = _unread_dispatches(), clock.today()
    counted = (
        _unfinished(Inquiry.objects.visible_to(user), unread)
        .order_by()
        .aggregate(
            answered=Count("pk", filter=Q(answered_at__isnull=False)),
            oldest=Min("answered_at"),
            late=Count("pk", filter=Q(answered_at=None, due_on__lt=today)),
            asked=Min("asked_at", filter=Q(answered_at=None, due_on__lt=today)),
        )
    )
    lines: list[Waiting] = []
    if counted["answered"]:
        lines.append(
            {
                "title": "照会の回答の確認",
                "url": f"{reverse('office:inquiry_list')}?state=answered",
                "count": counted["answered"],
                "oldest": counted["oldest"],
                "note": "",
            }
        )
    if counted["late"]:
        lines.append(
            {
                "title": "回答のない照会",
                "url": f"{reverse('office:inquiry_list')}?state=late",
                "count": counted["late"],
                "oldest": counted["asked"],
                "note": "電話などで確認し、もう一度照会するか終了してください。",
                "overdue": counted["late"],
            }
        )
    return lines


@office_view()
def inquiry_list(request: HttpRequest) -> HttpResponse:
    """Inquiries by what they wait for."""
    user = person(request)
    unread = _unread_dispatches()
    state = request.GET.get("state", "")
    state = state if state in dict(TABS) else "open"
    everything = Inquiry.objects.visible_to(user)
    rows = _tab(everything, state, unread).filter(containing(request.GET.get("q", ""), *SEARCHED))
    asked_of = request.GET.get("asked_of", "")
    if asked_of in Inquiry.AskedOf.values:
        rows = rows.filter(asked_of=asked_of)
    page = page_of(
        request,
        rows.select_related(
            "dispatch", "dispatch__institution", "dispatch__expert", "asked_by", "answered_by"
        ),
    )
    page.object_list = shown = list(page.object_list)
    record_page(actor=user, rows=shown)
    _with_reminders(shown, user)
    today = clock.today()
    counts = (
        _unfinished(everything, unread)
        .order_by()
        .aggregate(
            open=Count("pk", filter=Q(answered_at=None)),
            late=Count("pk", filter=Q(answered_at=None, due_on__lt=today)),
            answered=Count("pk", filter=Q(answered_at__isnull=False)),
        )
    )
    context = {
        "section": "work",
        "page": page,
        "state": state,
        "tabs": [(name, label, counts.get(name)) for name, label in TABS],
        "asked_of": Inquiry.AskedOf.choices,
        "today": today,
    }
    return render(request, "office/inquiries/list.html", context)


def _with_reminders(inquiries: list[Inquiry], user: User) -> None:
    """Notes on each row when its reminder went out and when the office was told. One query."""
    sent: dict[tuple[int, str, dt.datetime], dt.datetime] = {
        (each.dispatch_id, each.step, each.since): each.sent_at
        for each in Reminder.objects.visible_to(user).filter(
            dispatch__in=[row.dispatch_id for row in inquiries]
        )
    }
    for row in inquiries:
        step = f"inquiry_{row.asked_of}"
        row.reminded_at = sent.get((row.dispatch_id, step, row.asked_at))  # type: ignore[attr-defined]
        row.escalated_at = sent.get((row.dispatch_id, ESCALATION_OF[step], row.asked_at))  # type: ignore[attr-defined]


class OutcomeForm(forms.Form):
    """Why an inquiry ends without an answer of those who were asked."""

    outcome = forms.CharField(
        label="受けた回答、または終了の理由",
        max_length=2000,
        help_text="例: 電話で確認。バスの便がなくタクシーを使ったとのこと。相手にも伝わります。",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class AgainForm(forms.Form):
    """A further question about the same dispatch."""

    asked_of = forms.ChoiceField(label="照会先", choices=Inquiry.AskedOf.choices, widget=forms.RadioSelect)
    question = forms.CharField(label="照会の内容", max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))


def _inquiry(request: HttpRequest, pk: int) -> Inquiry:
    rows = Inquiry.objects.visible_to(person(request)).select_related(
        "dispatch__institution", "dispatch__expert", "dispatch__company", "asked_by", "answered_by"
    )
    return get_object_or_404(rows, pk=pk)


@office_view()
def inquiry_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One inquiry with its answer, and what can be done next."""
    return _page(request, _inquiry(request, pk))


def _page(request: HttpRequest, inquiry: Inquiry, **forms_given: forms.Form) -> HttpResponse:
    user = person(request)
    record_view(actor=user, what=Access.What.EVIDENCE, object=inquiry.dispatch)
    thread = list(
        Inquiry.objects.visible_to(user)
        .filter(dispatch=inquiry.dispatch_id)
        .select_related("asked_by", "answered_by")
        .order_by("asked_at", "pk")
    )
    _with_reminders([inquiry], user)
    context: dict[str, Any] = {
        "section": "work",
        "inquiry": inquiry,
        "dispatch": inquiry.dispatch,
        "thread": thread,
        "is_unread": inquiry.answered_at is not None and inquiry.dispatch_id in _unread_dispatches(),
        "is_late": inquiry.answered_at is None and inquiry.due_on < clock.today(),
        "why_not": may(user, "ask_back").reason,
        "outcome_form": OutcomeForm(),
        "again_form": AgainForm(initial={"asked_of": inquiry.asked_of}),
        **forms_given,
    }
    return render(request, "office/inquiries/detail.html", context)


@require_POST
@office_view("ask_back")
def inquiry_accept(request: HttpRequest, pk: int) -> HttpResponse:
    """The answer was read; the next unread one comes."""
    user = person(request)
    inquiry = _inquiry(request, pk)
    accept_answer(inquiry=inquiry, actor=user)
    messages.success(request, f"派遣 {inquiry.dispatch.number} の回答を確認済にしました。")
    following = _tab(Inquiry.objects.visible_to(user), "answered", _unread_dispatches()).first()
    if following is not None:
        return redirect("office:inquiry_detail", pk=following.pk)
    return redirect(f"{reverse('office:inquiry_list')}?state=answered")


@require_POST
@office_view("ask_back")
def inquiry_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends an inquiry with what the office heard otherwise."""
    inquiry = _inquiry(request, pk)
    form = OutcomeForm(request.POST)
    if form.is_valid():
        try:
            close_inquiry(inquiry=inquiry, outcome=form.cleaned_data["outcome"], actor=person(request))
        except DomainError as refused:
            form.add_error(None, refused.message)
            inquiry.refresh_from_db()
        else:
            messages.success(request, f"派遣 {inquiry.dispatch.number} の照会を終了しました。")
            return redirect("office:inquiry_detail", pk=pk)
    return _page(request, inquiry, outcome_form=form)


@require_POST
@office_view("ask_back")
def inquiry_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks again about the same dispatch and finding; what was answered counts as read."""
    user = person(request)
    inquiry = _inquiry(request, pk)
    form = AgainForm(request.POST)
    if form.is_valid():
        question, asked_of = form.cleaned_data["question"].strip(), form.cleaned_data["asked_of"]
        waiting = _waiting_for(inquiry.dispatch, asked_of, question)
        if waiting is not None:
            # the same question by a second press
            return redirect("office:inquiry_detail", pk=waiting.pk)
        try:
            asked = ask_back(
                dispatch=inquiry.dispatch,
                asked_of=asked_of,
                question=question,
                finding_code=inquiry.finding_code,
                actor=user,
            )
        except DomainError as refused:
            form.add_error(None, refused.message)
        else:
            if inquiry.answered_at is not None:
                accept_answer(inquiry=inquiry, actor=user)
            messages.success(request, f"派遣 {inquiry.dispatch.number} についてもう一度照会しました。")
            return redirect("office:inquiry_detail", pk=asked.pk)
    return _page(request, inquiry, again_form=form)


def _waiting_for(dispatch: Dispatch, asked_of: str, question: str) -> Inquiry | None:
    return dispatch.inquiries.filter(answered_at=None, asked_of=asked_of, question=question).first()
