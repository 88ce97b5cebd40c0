"""The institution's own dispatches, as its list asks for them."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Self

from django.core.paginator import Page, Paginator
from django.db.models import Max, Min, QuerySet
from django.http import QueryDict

from accounts.models import User
from core import clock
from core.ui.lists import containing
from dispatch.models import Case, Company, Dispatch, Status
from dispatch.selectors import SETTLED
from experts.models import Expert
from institutions.models import Institution
from portal_institution.waiting import Waiting, waiting_of, waits_for_us, with_waiting

PER_PAGE = 50
_SEARCHED = ("number", "expert__name", "expert__kana", "company__name", "application__case__code")
# What lists show of a dispatch.
SHOWN = (
    "number", "status", "status_since", "planned_from", "planned_to", "method", "visited_from", "visited_to", "created_at",
    "reported_at", "attested_at", "approved_at", "expert__name", "company__name", "institution__code",
)  # fmt: skip
# 新しい予定から; the number decides between equals
ORDER = ("-planned_from", "number")
# Nothing of these waits for an institution, but an inquiry about what was excluded may.
_OVER = tuple(status for status in SETTLED if status != Status.INELIGIBLE)


def own_dispatches(user: User, institution: Institution) -> QuerySet[Dispatch]:
    """The dispatches of the person's institution; through its index, and never more than the person may see."""
    return (
        Dispatch.objects.visible_to(user)
        .filter(institution=institution)
        .select_related("expert", "company", "institution")
    )


def waiting_dispatches(user: User, institution: Institution) -> QuerySet[Dispatch]:
    """The own dispatches whose next step is the institution's."""
    return with_waiting(own_dispatches(user, institution).exclude(status__in=_OVER)).filter(waits_for_us())


@dataclass(frozen=True, slots=True)
class Question:
    """What the address asks for; a condition that can't be understood is left out and named in `not_understood`."""

    words: str = ""
    status: str = ""
    month: dt.date | None = None
    ours: bool = False
    expert: Expert | None = None
    company: Company | None = None
    case: Case | None = None
    not_understood: tuple[str, ...] = ()

    @classmethod
    def of(cls, asked: QueryDict, user: User) -> Self:
        """Reads the address; experts, clients and cases are those of own dispatches only."""
        bad = []
        status = asked.get("status", "")
        if status and status not in Status.values:
            bad.append("状態")
            status = ""
        month = month_of(asked.get("month", ""))
        if asked.get("month") and month is None:
            bad.append("月")
        found: dict[str, Any] = {}
        for name, label, rows in (
            ("expert", "専門家", Expert.objects.filter(dispatches__in=Dispatch.objects.visible_to(user))),
            ("company", "支援先", Company.objects.visible_to(user)),
            ("case", "支援案件", Case.objects.visible_to(user)),
        ):
            code = asked.get(name, "").replace("\0", "")
            if not code:
                continue
            found[name] = rows.filter(code=code).first()
            if found[name] is None:
                bad.append(label)
        return cls(
            words=asked.get("q", "").replace("\0", "").strip()[:200],
            status=status,
            month=month,
            ours=asked.get("ours") == "1",
            not_understood=tuple(bad),
            **found,
        )

    def rows(self, user: User, institution: Institution) -> QuerySet[Dispatch]:
        """The dispatches asked for, the latest plan first."""
        rows = waiting_dispatches(user, institution) if self.ours else own_dispatches(user, institution)
        rows = rows.filter(containing(self.words, *_SEARCHED))
        if self.status:
            rows = rows.filter(status=self.status)
        if self.month:
            rows = rows.filter(
                planned_from__gte=_start(self.month), planned_from__lt=_start(next_month(self.month))
            )
        chosen = {"expert": self.expert, "company": self.company, "application__case": self.case}
        rows = rows.filter(**{name: value for name, value in chosen.items() if value is not None})
        return rows.order_by(*ORDER)


@dataclass(frozen=True, slots=True)
class Row:
    """A dispatch of the list, and what it waits for."""

    dispatch: Dispatch
    waiting: list[Waiting]


def page_of(rows: QuerySet[Dispatch], number: str | None) -> tuple[Page[int], list[Row]]:
    """A page of dispatches with what each waits for; a wrong number gives the nearest page. Three queries.

    What they wait for is asked of the page's dispatches alone, and of each only what the list shows: reports are long.
    """
    page = Paginator(rows.values_list("pk", flat=True), PER_PAGE).get_page(number)
    found = Dispatch.objects.filter(pk__in=list(page.object_list))
    shown = with_waiting(found).select_related("expert", "company", "institution").only(*SHOWN)
    return page, [Row(dispatch, waiting_of(dispatch)) for dispatch in shown.order_by(*ORDER)]


def months_of(user: User, institution: Institution) -> list[tuple[str, str]]:
    """The months from the first to the last planned dispatch, the latest first, as (2026-11, 2026年11月)."""
    ends = own_dispatches(user, institution).aggregate(first=Min("planned_from"), last=Max("planned_from"))
    if ends["first"] is None:
        return []
    found: list[tuple[str, str]] = []
    month = clock.jst(ends["first"]).date().replace(day=1)
    last = clock.jst(ends["last"]).date()
    while month <= last and len(found) < 240:
        found.append((f"{month:%Y-%m}", f"{month.year}年{month.month}月"))
        month = next_month(month)
    return found[::-1]


def month_of(text: str) -> dt.date | None:
    """The first day of a month written 2026-11, or None when it is not one of this or the next century."""
    try:
        month = dt.datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a calendar month has no zone
    except ValueError:
        return None
    return month if 2000 <= month.year < 2200 else None


def next_month(month: dt.date) -> dt.date:
    """The first day of the month after."""
    return (month.replace(day=1) + dt.timedelta(days=32)).replace(day=1)


def _start(day: dt.date) -> dt.datetime:
    return clock.from_jst(dt.datetime.combine(day, dt.time()))
