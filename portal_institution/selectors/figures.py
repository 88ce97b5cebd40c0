"""The figures an institution may see (requirement B5): its own, and for a platform's representative each member's.

Applications count in the month they were made (without that moment, in a loaded dispatch: the planned month), dispatches
in the month they took place, money in the month of the pay date, once the bank has transferred it.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count, Min, Q, Sum
from django.db.models.functions import Coalesce, TruncMonth

from core import clock
from dispatch.models import Dispatch, Status
from institutions.models import Institution
from payments.models import PayoutLine, PayoutRun
from rules import codes
from rules.dates import FISCAL_YEAR_FIRST_MONTH, fiscal_year

_PAID = (PayoutRun.Status.TRANSFERRED, PayoutRun.Status.CLOSED)
_NEVER_TOOK_PLACE = (Status.CANCELLED, Status.DECLINED, Status.INELIGIBLE)
_MOST_YEARS = 10


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts and whole yen of some span of time."""

    applications: int = 0
    visits: int = 0
    paid_dispatches: int = 0
    fee: int = 0
    travel: int = 0

    @property
    def paid(self) -> int:
        """Fee and travel together, yen."""
        return self.fee + self.travel

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.applications + other.applications,
            self.visits + other.visits,
            self.paid_dispatches + other.paid_dispatches,
            self.fee + other.fee,
            self.travel + other.travel,
        )


@dataclass(frozen=True, slots=True)
class MonthRow:
    """A month and everything from April to its end."""

    month: dt.date
    own: Figures
    cumulative: Figures


ByBody = dict[int, dict[dt.date, Figures]]


def is_representative(institution: Institution) -> bool:
    """Whether it also sees its members' figures."""
    return bool(institution.platform_code) and institution.platform_role == codes.PLATFORM_REPRESENTATIVE


def bodies_of(institution: Institution) -> list[Institution]:
    """The institutions whose figures the people of this one see: the own first, then a representative's members by code.

    Members that left the platform's roster stay: what they did this year is part of the year. One query.
    """
    own = Q(pk=institution.pk)
    if is_representative(institution):
        own |= Q(platform_code=institution.platform_code)
    # of members nothing but names and sums is read
    found = Institution.objects.filter(own)
    return sorted(found, key=lambda each: (each.pk != institution.pk, each.code))


def months_of(year: int) -> list[dt.date]:
    """The first days of April to March of a fiscal year, as far as they have begun."""
    first = dt.date(year, FISCAL_YEAR_FIRST_MONTH, 1)
    found = [dt.date(first.year + (2 + each + 1) // 12, (2 + each + 1) % 12 + 1, 1) for each in range(12)]
    return [month for month in found if month <= clock.today()] or [first]


def years_of(bodies: Sequence[Institution]) -> list[int]:
    """The fiscal years from these institutions' first dispatch to today's, the latest first. One query."""
    now = fiscal_year(clock.today())
    first = Dispatch.objects.filter(institution__in=bodies).aggregate(first=Min("planned_from"))["first"]
    begun = fiscal_year(clock.jst(first).date()) if first else now
    return list(range(now, max(min(begun, now), now - _MOST_YEARS + 1) - 1, -1))


def figures_of(bodies: Sequence[Institution], year: int) -> ByBody:
    """Figures by institution (id) and month of a fiscal year; months without anything are left out. Three queries."""
    start, end = dt.date(year, FISCAL_YEAR_FIRST_MONTH, 1), dt.date(year + 1, FISCAL_YEAR_FIRST_MONTH, 1)
    found: ByBody = {}

    def add(body: int, month: dt.date | dt.datetime, figures: Figures) -> None:
        day = clock.jst(month).date() if isinstance(month, dt.datetime) else month
        months = found.setdefault(body, {})
        months[day] = months.get(day, Figures()) + figures

    dispatches = Dispatch.objects.filter(institution__in=bodies).order_by()
    since, until = _start(start), _start(end)
    applied = (
        dispatches.exclude(status=Status.DRAFT)
        .annotate(asked=Coalesce("application__applied_at", "planned_from"))
        .filter(asked__gte=since, asked__lt=until)
        .values_list("institution", TruncMonth("asked", tzinfo=clock.JST))
        .annotate(count=Count("pk"))
    )
    for body, month, count in applied:
        add(body, month, Figures(applications=count))
    visited = (
        dispatches.exclude(status__in=_NEVER_TOOK_PLACE)
        .filter(visited_from__gte=since, visited_from__lt=until)
        .values_list("institution", TruncMonth("visited_from", tzinfo=clock.JST))
        .annotate(count=Count("pk"))
    )
    for body, month, count in visited:
        add(body, month, Figures(visits=count))
    paid = (
        PayoutLine.objects.filter(
            dispatch__institution__in=bodies,
            run__status__in=_PAID,
            run__pay_date__gte=start,
            run__pay_date__lt=end,
        )
        .order_by()
        .values_list("dispatch__institution", TruncMonth("run__pay_date"))
        .annotate(
            dispatches=Count("dispatch", distinct=True),
            fee=Coalesce(Sum("amount", filter=Q(item=codes.ITEM_FEE)), 0),
            everything=Sum("amount"),
        )
    )
    for body, month, count, fee, everything in paid:
        add(body, month, Figures(paid_dispatches=count, fee=fee, travel=everything - fee))
    return found


def _start(day: dt.date) -> dt.datetime:
    return clock.from_jst(dt.datetime.combine(day, dt.time()))


def rows_of(figures: ByBody, bodies: Iterable[Institution], year: int) -> list[MonthRow]:
    """The months of these institutions together, each with what has come together since April."""
    ids = [body.pk for body in bodies]
    rows: list[MonthRow] = []
    cumulative = Figures()
    for month in months_of(year):
        own = sum((figures.get(pk, {}).get(month, Figures()) for pk in ids), Figures())
        cumulative = cumulative + own
        rows.append(MonthRow(month, own, cumulative))
    return rows


def total_of(figures: ByBody, body: Institution) -> Figures:
    """The year of one institution."""
    return sum(figures.get(body.pk, {}).values(), Figures())
