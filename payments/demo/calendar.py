"""When the story plays: which months are paid, which one is open, on which days people work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from core.japan.calendar import fiscal_year, next_bank_day, public_holiday
from rules.ruleset import load_builtin

# Full months before the current one in which visits took place.
PAST_MONTHS: Final = 3
_AHEAD_DAYS: Final = 35
_PAY_DAY: Final = 25
_SATURDAY: Final = 5
# The dispatch period of the story's years is that of the first rule set.
_RULES: Final = load_builtin("R3")


@dataclass(frozen=True, slots=True)
class Closing:
    """A month that was paid: its first day and the transfer date."""

    month: date
    pay_date: date


@dataclass(frozen=True, slots=True)
class Calendar:
    """The months of a story told on `today`.

    `past` are the last full months with visits, oldest first; March has none. All but the last of them are paid. In
    April February, which had to be paid by the end of March, is paid too, and April itself is the open month.
    """

    today: date
    past: tuple[date, ...]
    closings: tuple[Closing, ...]
    open_month: date
    # a March day of the last fiscal year on which somebody visited after the end of the dispatch period
    too_late: date

    @property
    def current(self) -> date:
        """The first day of the current month."""
        return self.today.replace(day=1)

    @property
    def open_needs_cutoff(self) -> bool:
        """Whether the open month still runs, so that a run of it needs an earlier cut-off."""
        return self.open_month == self.current

    @property
    def open_cutoff(self) -> datetime:
        """The cut-off with which the open month can be drafted today."""
        end = self.today if self.open_needs_cutoff else next_month(self.open_month)
        return datetime.combine(end, time())

    @property
    def last_planned(self) -> date:
        """The last day for which visits are planned."""
        return self.today + timedelta(days=_AHEAD_DAYS)

    @property
    def fiscal_years(self) -> range:
        """The fiscal years the story touches."""
        return range(fiscal_year(self.too_late), fiscal_year(self.last_planned) + 1)


def next_month(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + 1, 1, 1) if month.month == 12 else date(month.year, month.month + 1, 1)


def _month_before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def dispatch_day(day: date) -> bool:
    """Whether visits take place on such a day of the year at all (rules.md §1)."""
    first, last = _RULES.dispatch_period(fiscal_year(day))
    return first <= day <= last


def business_day(day: date) -> bool:
    """Whether offices work: no weekend, no holiday, not 12/29–1/3."""
    closed_season = (day.month == 12 and day.day >= 29) or (day.month == 1 and day.day <= 3)
    return day.weekday() < _SATURDAY and not closed_season and not public_holiday(day)


def business_days(first: date, end: date) -> list[date]:
    """The days from `first` to the day before `end` on which visits usually take place."""
    days = (first + timedelta(days=offset) for offset in range((end - first).days))
    return [day for day in days if business_day(day) and dispatch_day(day)]


def pay_date_of(month: date) -> date:
    """The 25th of the month after, else the next banking day."""
    return next_bank_day(next_month(month).replace(day=_PAY_DAY))


def _too_late(today: date) -> date:
    """The latest first Wednesday-like business day of a March that lies a week back or more."""
    for year in (today.year, today.year - 1):
        day = next_bank_day(date(year, 3, 3))
        if day <= today - timedelta(days=7):
            return day
    raise AssertionError("one of two Marches is over")


def calendar_of(today: date) -> Calendar:
    """The months of the story for a day of telling."""
    past: list[date] = []
    month = _month_before(today.replace(day=1))
    while len(past) < PAST_MONTHS:
        if dispatch_day(month):
            past.insert(0, month)
        month = _month_before(month)
    new_year = today.month == 4
    paid = past if new_year else past[:-1]
    return Calendar(
        today=today,
        past=tuple(past),
        closings=tuple(Closing(month, pay_date_of(month)) for month in paid),
        open_month=today.replace(day=1) if new_year else past[-1],
        too_late=_too_late(today),
    )
