"""How many dispatches a client has had and may have in a fiscal year (rules.md §1, L01), whoever applied for them."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Q

from core import clock
from core.japan.calendar import fiscal_year_start
from core.programme.selectors import RuleBook
from rules.dates import fiscal_year

from .models import Dispatch, DispatchQuerySet, Status

# These took no place: they count for no limit and overlap with nothing.
ENDED = (Status.CANCELLED, Status.DECLINED)


def dispatches_of_year(company_id: int, year: int) -> DispatchQuerySet:
    """The dispatches of a client that count in a fiscal year, whoever applied for them."""
    first = clock.from_jst(dt.datetime.combine(fiscal_year_start(year), dt.time()))
    after = clock.from_jst(dt.datetime.combine(fiscal_year_start(year + 1), dt.time()))
    return (
        Dispatch.objects.filter(company=company_id)
        .filter(
            Q(visited_from__gte=first, visited_from__lt=after)
            | Q(visited_from=None, planned_from__gte=first, planned_from__lt=after)
        )
        .exclude(status__in=ENDED)
    )


def dispatches_used(company_id: int, year: int, ignoring: Dispatch | None = None) -> int:
    """How many dispatches a client has had or planned in a fiscal year, whoever applied for them. One query."""
    return dispatches_of_year(company_id, year).exclude(pk=ignoring.pk if ignoring else 0).count()


@dataclass(frozen=True, slots=True)
class Quota:
    """Dispatches of a client in a fiscal year: how many it has had or planned, and how many it may have."""

    year: int
    used: int
    limit: int

    @property
    def left(self) -> int:
        """How many may still be applied for without the office's approval."""
        return max(0, self.limit - self.used)


def quota_of(company_id: int, topic: str, day: dt.date) -> Quota | None:
    """What a client has left in the day's fiscal year for a topic (rules.md §1); None on a day without rules."""
    rules = RuleBook()(day)
    if rules is None:
        return None
    year = fiscal_year(day)
    return Quota(year, dispatches_used(company_id, year), rules.limit_for(topic))
