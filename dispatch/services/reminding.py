"""What is overdue is reminded of, once per step; after a second deadline the office is told.

The days are dated data (core.programme.DispatchTerms).
"""

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
# How the second deadline of a step is recorded.
ESCALATION_OF = {
    "answer": "office_answer",
    "report": "office_report",
    "attestation": "office_attestation",
    "approval": "office_approval",
    "inquiry_expert": "office_inquiry_exp",
    "inquiry_institution": "office_inquiry_inst",
}


@dataclass(frozen=True, slots=True)
class Due:
    """A step of a dispatch that somebody is to take by a day."""

    step: str
    title: str
    since: dt.datetime
    due_on: dt.date


@dataclass(frozen=True, slots=True)
class Deadline:
    """A step with what was done about it: when its person was reminded, when the office is or was told."""

    due: Due
    reminded_at: dt.datetime | None
    escalates_on: dt.date | None
    escalated_at: dt.datetime | None

    @property
    def is_late(self) -> bool:
        """Whether the day has passed."""
        return self.due.due_on < clock.today()


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


def deadlines(dispatch: Dispatch, today: dt.date | None = None) -> list[Deadline]:
    """What the dispatch waits for, with reminders sent and the next step of ours. Four queries."""
    days = dispatch_terms(today or clock.today()).escalation_days
    sent = {(each.step, each.since): each.sent_at for each in Reminder.objects.filter(dispatch=dispatch)}
    found = []
    for due in due_dates(dispatch, today):
        escalated_at = sent.get((ESCALATION_OF[due.step], due.since))
        escalates_on = due.due_on + dt.timedelta(days=days) if days and not escalated_at else None
        found.append(Deadline(due, sent.get((due.step, due.since)), escalates_on, escalated_at))
    return found


def remind_overdue() -> int:
    """Reminds whoever is late, once per step, and tells the office of what stays so; answers how often it did."""
    today = clock.today()
    terms = dispatch_terms(today)
    shortest = min(terms.answer_days, terms.report_days, terms.attestation_days, terms.approval_days)
    moment = clock.now() - dt.timedelta(days=shortest)
    # not by updated_at: any change of the row would put the reminder off
    since = Q(status_since__lt=moment) | Q(status_since=None, created_at__lt=moment)
    waiting = Q(since, status=Status.APPLIED) | Q(status__in=ATTESTABLE, visited_to__lt=moment)
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
                sent += _remind(dispatch, due) or _escalate(dispatch, due, terms.escalation_days, today)
        if sent >= MOST:
            break
    return sent


def _remind(dispatch: Dispatch, due: Due) -> bool:
    if Reminder.objects.filter(dispatch=dispatch, step=due.step, since=due.since).exists():
        return False
    with acting(SYSTEM, "remind_overdue", due.title):
        row = _recorded(dispatch, due, due.step)
        if row is None:
            return False
        title = f"派遣 {row.number} の{due.title}の期限（{due.due_on:%Y-%m-%d}）が過ぎています"
        code = f"{telling.LATE}{due.step}"
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


def _escalate(dispatch: Dispatch, due: Due, days: int, today: dt.date) -> bool:
    """The second deadline: the office is told once that the reminder has changed nothing."""
    step = ESCALATION_OF[due.step]
    if not days or due.due_on + dt.timedelta(days=days) >= today:
        return False
    if Reminder.objects.filter(dispatch=dispatch, step=step, since=due.since).exists():
        return False
    with acting(SYSTEM, "escalate_overdue", due.title):
        row = _recorded(dispatch, due, step)
        if row is None:
            return False
        title = f"派遣 {row.number} の{due.title}が、督促の後も済んでいません（期限 {due.due_on:%Y-%m-%d}）"
        telling.tell_office(row, f"{telling.ESCALATED}{due.step}", title, SYSTEM, row.company.name)
        return True


def _recorded(dispatch: Dispatch, due: Due, step: str) -> Dispatch | None:
    """The locked dispatch with the reminder noted; None when it moved on or somebody was faster."""
    row = (
        Dispatch.objects.select_for_update(of=("self",))
        .select_related("institution", "expert", "expert__user", "company")
        .filter(pk=dispatch.pk, status=dispatch.status)
        .first()
    )
    if row is None or Reminder.objects.filter(dispatch=row, step=step, since=due.since).exists():
        return None
    Reminder.objects.create(dispatch=row, step=step, since=due.since, due_on=due.due_on)
    return row
