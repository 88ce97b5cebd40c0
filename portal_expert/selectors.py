"""What an expert's pages read; each a fixed number of queries."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Self

from django.core.paginator import Page, Paginator
from django.db.models import Max, Min, QuerySet
from django.http import QueryDict

from accounts.models import User
from core import clock
from core.notify.models import Task
from core.notify.services import waiting_for
from core.programme.selectors import dispatch_terms
from core.ui.lists import containing
from dispatch.models import Assessment, Dispatch, DispatchQuerySet, Inquiry, Status
from dispatch.services.telling import ANSWER, INQUIRY, LATE, NEWS, REPORT
from portal_expert.waiting import Waiting, in_the_way, waiting_of, waits_for_expert, with_waiting

# A visit that was confirmed or is said to be; loaded ones are confirmed at once.
ON_THE_WAY = (Status.ACCEPTED, Status.CONFIRMED, Status.VISITED)
# What a phone keeps for the days without network, and how long a visit stays on the first page.
KEPT_DAYS = 14
PAST_DAYS = 1
PER_PAGE = 30
_SEARCHED = ("number", "company__name", "institution__name", "topic")
# What the rows of a list show; reports are long.
_SHOWN = (
    "number", "status", "status_since", "planned_from", "planned_to", "method", "visited_from", "visited_to",
    "created_at", "reported_at", "attested_at", "approved_at", "company__name", "institution__name",
)  # fmt: skip
# Tasks that a dispatch's own state tells as well, also where it was loaded and nobody made a task.
_TOLD_BY_STATE = (ANSWER, REPORT, INQUIRY)


def own_dispatches(user: User) -> DispatchQuerySet:
    """The dispatches in which this person is the expert."""
    return Dispatch.objects.visible_to(user).filter(expert__user=user)


def coming_visits(user: User) -> list[Dispatch]:
    """Visits from yesterday to two weeks ahead, in time order, each with its check events."""
    first = clock.from_jst(dt.datetime.combine(clock.today() - dt.timedelta(days=PAST_DAYS), dt.time()))
    last = first + dt.timedelta(days=PAST_DAYS + KEPT_DAYS + 1)
    return list(
        own_dispatches(user)
        .filter(status__in=ON_THE_WAY, planned_from__gte=first, planned_from__lt=last)
        .select_related("company", "institution")
        .prefetch_related("check_events")
        .order_by("planned_from", "number")
    )


@dataclass(frozen=True, slots=True)
class Row:
    """A dispatch of a list, and what it waits for, the expert's own part first."""

    dispatch: Dispatch
    waiting: list[Waiting]

    @property
    def verdict(self) -> str:
        """保留 or 対象外 of the last check, where it is for more than a step still to come."""
        row: Any = self.dispatch
        if row.verdict not in (Assessment.Kind.HOLD, Assessment.Kind.INELIGIBLE):
            return ""
        return str(row.verdict) if in_the_way(row.verdict_codes, row) else ""


def _rows(found: DispatchQuerySet) -> list[Row]:
    terms = dispatch_terms(clock.today())
    shown = with_waiting(found).select_related("company", "institution").only(*_SHOWN)
    return [Row(dispatch, waiting_of(dispatch, terms)) for dispatch in shown]


@dataclass(frozen=True, slots=True)
class ToDo:
    """One thing that waits for the expert: which dispatch, what, until when."""

    dispatch: Any
    waiting: Waiting


def to_do(user: User) -> list[ToDo]:
    """What waits for this person in own dispatches: late ones first, then by day, then by plan. Two queries."""
    rows = _rows(own_dispatches(user).filter(waits_for_expert()).order_by("planned_from", "number"))
    found = [ToDo(row.dispatch, each) for row in rows for each in row.waiting if each.yours]
    return sorted(found, key=lambda each: each.waiting.due_on or dt.date.max)


def other_tasks(user: User) -> tuple[list[Task], list[Task]]:
    """What else waits for this person, and what is only news; oldest first. One query."""
    tasks = waiting_for(user)
    rest = [
        task
        for task in tasks
        if task.code != NEWS and task.code not in _TOLD_BY_STATE and not task.code.startswith(LATE)
    ]
    return rest, [task for task in tasks if task.code == NEWS]


@dataclass(frozen=True, slots=True)
class Question:
    """What the address of the list asks for; what can't be understood is left out and named."""

    words: str = ""
    status: str = ""
    month: dt.date | None = None
    yours: bool = False
    not_understood: tuple[str, ...] = ()

    @classmethod
    def of(cls, asked: QueryDict) -> Self:
        """Reads the address."""
        bad = []
        status = asked.get("status", "")
        if status and status not in Status.values:
            bad.append("状態")
            status = ""
        month = _month(asked.get("month", ""))
        if asked.get("month") and month is None:
            bad.append("月")
        return cls(
            words=asked.get("q", "").replace("\0", "").strip()[:200],
            status=status,
            month=month,
            yours=asked.get("yours") == "1",
            not_understood=tuple(bad),
        )

    def rows(self, user: User) -> DispatchQuerySet:
        """The own dispatches asked for, the latest plan first."""
        rows = own_dispatches(user).exclude(status=Status.DRAFT)
        rows = rows.filter(containing(self.words, *_SEARCHED))
        if self.yours:
            rows = rows.filter(waits_for_expert())
        if self.status:
            rows = rows.filter(status=self.status)
        if self.month:
            after = (self.month + dt.timedelta(days=32)).replace(day=1)
            rows = rows.filter(planned_from__gte=_start(self.month), planned_from__lt=_start(after))
        return rows.order_by("-planned_from", "number")


def page_of(rows: DispatchQuerySet, number: str | None) -> tuple[Page[Any], list[Row]]:
    """A page of own dispatches with what each waits for; a wrong number gives the nearest page. Four queries."""
    page = Paginator(rows.values_list("pk", flat=True), PER_PAGE).get_page(number)
    found = Dispatch.objects.filter(pk__in=list(page.object_list))
    return page, _rows(found.order_by("-planned_from", "number"))


def months_of(user: User) -> list[tuple[str, str]]:
    """The months from the first to the last planned dispatch, the latest first, as (2026-11, 2026年11月)."""
    ends = own_dispatches(user).aggregate(first=Min("planned_from"), last=Max("planned_from"))
    if ends["first"] is None:
        return []
    found: list[tuple[str, str]] = []
    month, last = clock.jst(ends["first"]).date().replace(day=1), clock.jst(ends["last"]).date()
    while month <= last and len(found) < 240:
        found.append((f"{month:%Y-%m}", f"{month.year}年{month.month}月"))
        month = (month + dt.timedelta(days=32)).replace(day=1)
    return found[::-1]


def own_inquiries(user: User) -> QuerySet[Inquiry]:
    """What the office asked this expert; what it asked an institution is the institution's."""
    return (
        Inquiry.objects.visible_to(user)
        .filter(asked_of=Inquiry.AskedOf.EXPERT, dispatch__expert__user=user)
        .select_related("dispatch", "dispatch__company", "asked_by", "answered_by")
    )


def _month(text: str) -> dt.date | None:
    try:
        month = dt.datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a calendar month has no zone
    except ValueError:
        return None
    return month if 2000 <= month.year < 2200 else None


def _start(day: dt.date) -> dt.datetime:
    return clock.from_jst(dt.datetime.combine(day, dt.time()))
