"""What is overdue is reminded of, once per step; the days are dated data (core.programme.DispatchTerms)."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import F, Q

from core import clock
from core.audit.acting import SYSTEM, acting
from core.programme.selectors import dispatch_terms

from ..models import AttestationLink, Dispatch, Inquiry, Reminder, Status
from . import telling
from .attesting import ATTESTABLE, ask_client

# One call reminds of so many at most; the next one goes on.
MOST = 500


@dataclass(frozen=True, slots=True)
class Due:
    """A step of a dispatch that somebody is to take by a day."""

    step: str
    title: str
    since: dt.datetime
    due_on: dt.date


def _days_after(moment: dt.datetime, days: int) -> dt.date:
    return moment.astimezone(clock.JST).date() + dt.timedelta(days=days)


def due_dates(dispatch: Dispatch, today: dt.date | None = None) -> list[Due]:
    """What the dispatch waits for, from when, until when. Two queries."""
    terms = dispatch_terms(today or clock.today())
    found = []
    if dispatch.status == Status.APPLIED:
        since = dispatch.status_since or dispatch.created_at
        found.append(Due("answer", "専門家の回答", since, _days_after(since, terms.answer_days)))
    if dispatch.status == Status.VISITED and dispatch.visited_to is not None:
        since = max(dispatch.status_since or dispatch.visited_to, dispatch.visited_to)
        found.append(Due("report", "支援実績報告", since, _days_after(since, terms.report_days)))
    if dispatch.status in ATTESTABLE and dispatch.attested_at is None and dispatch.visited_to is not None:
        since = dispatch.visited_to
        found.append(Due("attestation", "従事証明", since, _days_after(since, terms.attestation_days)))
    if dispatch.status == Status.REPORTED and dispatch.attested_at and dispatch.reported_at:
        since = max(dispatch.reported_at, dispatch.attested_at)
        found.append(Due("approval", "機関の承認", since, _days_after(since, terms.approval_days)))
    for inquiry in dispatch.inquiries.filter(answered_at=None):
        found.append(Due(f"inquiry_{inquiry.asked_of[:11]}", "照会の回答", inquiry.asked_at, inquiry.due_on))
    return found


def remind_overdue() -> int:
    """Reminds whoever is late, once per step; answers how many reminders there were."""
    today = clock.today()
    terms = dispatch_terms(today)
    shortest = min(terms.answer_days, terms.report_days, terms.attestation_days, terms.approval_days)
    moment = clock.now() - dt.timedelta(days=shortest)
    waiting = Q(status=Status.APPLIED, updated_at__lt=moment) | Q(
        status__in=ATTESTABLE, visited_to__lt=moment
    )
    asked = Inquiry.objects.filter(answered_at=None, due_on__lt=today).values("dispatch")
    candidates = (
        Dispatch.objects.filter(waiting | Q(pk__in=asked))
        # a dispatch that came with a file is its own system's to remind of, unless we asked something
        .filter(Q(application__isnull=False) | Q(pk__in=asked))
        .select_related("institution", "expert", "expert__user", "company")
        .order_by("number")
    )
    sent = 0
    for dispatch in candidates.iterator(chunk_size=200):
        for due in due_dates(dispatch, today):
            if due.due_on < today:
                sent += _remind(dispatch, due)
        if sent >= MOST:
            break
    return sent


def _remind(dispatch: Dispatch, due: Due) -> bool:
    if Reminder.objects.filter(dispatch=dispatch, step=due.step, since=due.since).exists():
        return False
    with acting(SYSTEM, "remind_overdue", due.title):
        row = (
            Dispatch.objects.select_for_update(of=("self",))
            .select_related("institution", "expert", "expert__user", "company")
            .filter(pk=dispatch.pk, status=dispatch.status)
            .first()
        )
        if row is None or Reminder.objects.filter(dispatch=row, step=due.step, since=due.since).exists():
            return False
        Reminder.objects.create(dispatch=row, step=due.step, since=due.since, due_on=due.due_on)
        title = f"派遣 {row.number} の{due.title}の期限（{due.due_on:%Y-%m-%d}）が過ぎています"
        code = f"dispatch_late_{due.step}"[:50]
        # the task of the step stays open; the reminder's own makes the mail go out
        if due.step in ("answer", "report", "inquiry_expert"):
            telling.tell_expert(row, code, title, SYSTEM)
        elif due.step == "attestation":
            if not AttestationLink.objects.filter(
                dispatch=row, issued_at__gt=F("dispatch__visited_to") + dt.timedelta(days=1)
            ).exists():
                ask_client(row, SYSTEM)
            telling.tell_institution(row, code, title, SYSTEM)
        else:
            telling.tell_institution(row, code, title, SYSTEM)
        return True
