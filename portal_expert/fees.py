"""What an expert was paid, is about to be paid, and what is held; each read a fixed number of queries."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from core import clock
from dispatch.finding_words import Told, told
from dispatch.models import Assessment, Dispatch, Finding, Status
from payments.models import Payout, PayoutRun
from payments.services.own_notice import own_notices
from portal_expert.selectors import own_dispatches
from portal_expert.waiting import in_the_way

CALENDAR, FISCAL = "calendar", "fiscal"
_RECEIVED = (PayoutRun.Status.TRANSFERRED, PayoutRun.Status.CLOSED)
# What is on its way to a run: visited, and neither in a run nor out of the question.
_ON_THE_WAY = (
    Status.CONFIRMED,
    Status.VISITED,
    Status.REPORTED,
    Status.APPROVED,
    Status.VERIFIED,
    Status.INELIGIBLE,
)
_FIRST_MONTH = 4


@dataclass(frozen=True, slots=True)
class Paid:
    """One payout; `notice` whether there is one to take, `taken_at` when this person first took it."""

    payout: Payout
    notice: bool
    taken_at: dt.datetime | None

    @property
    def received(self) -> bool:
        """Whether the office has recorded the transfer."""
        return self.payout.run.status in _RECEIVED


@dataclass(frozen=True, slots=True)
class Total:
    """Sums of payouts in yen."""

    count: int
    fee: int
    travel: int
    gross: int
    withholding: int
    net: int


def fiscal_year(day: dt.date) -> int:
    """The 年度 (April to March) of a day."""
    return day.year if day.month >= _FIRST_MONTH else day.year - 1


def payouts_of(user: User) -> list[Paid]:
    """The own payouts of approved runs, the latest payday first. Three queries."""
    notices = own_notices(user)
    rows = Payout.objects.visible_to(user).filter(expert__user=user).select_related("run")
    return [
        Paid(row, row.pk in notices, notices.get(row.pk))
        for row in rows.order_by("-run__pay_date", "-run__month", "-run__ordinal")
    ]


def total_of(paid: Iterable[Paid]) -> Total:
    """The sums of these payouts."""
    rows = [one.payout for one in paid]
    return Total(
        len(rows),
        sum(row.fee for row in rows),
        sum(row.travel for row in rows),
        sum(row.gross for row in rows),
        sum(row.withholding for row in rows),
        sum(row.net for row in rows),
    )


def year_of(paid: Paid, by: str) -> int:
    """The year a payout counts for, by its payday: that of the withholding statement, or the programme's."""
    day = paid.payout.run.pay_date
    return day.year if by == CALENDAR else fiscal_year(day)


def received_in(paid: Iterable[Paid], by: str, year: int) -> Total:
    """What was received in a year; a payout not yet transferred doesn't count."""
    return total_of(one for one in paid if one.received and year_of(one, by) == year)


@dataclass(frozen=True, slots=True)
class Coming:
    """A dispatch not yet paid: how it stood at the last check, what it would be paid in yen, what is in its way."""

    dispatch: Dispatch
    kind: str
    amount: int
    findings: tuple[Told, ...]


def coming(user: User) -> dict[str, list[Coming]]:
    """What isn't paid yet, by 支払可, 未了, 保留 and 対象外, the oldest first. Two queries.

    What is held for nothing but a step still to come counts as 未了.
    """
    rows = list(
        Assessment.objects.visible_to(user)
        .filter(dispatch__in=own_dispatches(user).filter(status__in=_ON_THE_WAY))
        .select_related("dispatch", "dispatch__company")
        .defer("dispatch__report")
        .order_by("dispatch__visited_from", "dispatch__number")
    )
    known: dict[int, dict[str, Any]] = {}
    for row in Finding.objects.visible_to(user).filter(dispatch__in=[row.dispatch_id for row in rows]):
        known.setdefault(row.dispatch_id, {})[row.code] = row
    found: dict[str, list[Coming]] = {kind: [] for kind in Assessment.Kind.values}
    for row in rows:
        there = known.get(row.dispatch_id, {})
        words = tuple(
            told(code, there[code].kind, there[code].expected, there[code].actual)
            if code in there
            else told(code, "")
            for code in (in_the_way(row.codes, row.dispatch) or row.codes)
        )
        kind = row.kind
        if kind == Assessment.Kind.HOLD and not in_the_way(row.codes, row.dispatch):
            kind = Assessment.Kind.INCOMPLETE
        found[kind].append(Coming(row.dispatch, kind, row.fee + row.travel, words))
    return found


def this_year(by: str) -> int:
    """The calendar year or 年度 of today."""
    today = clock.today()
    return today.year if by == CALENDAR else fiscal_year(today)
