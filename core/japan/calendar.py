"""Open days of banks and tax offices, due dates, fiscal years, and dates as Japanese documents write them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache

import jpholiday

from rules.dates import FISCAL_YEAR_FIRST_MONTH, fiscal_year

__all__ = [
    "bank_open",
    "era_date",
    "era_year",
    "fiscal_year",
    "fiscal_year_end",
    "fiscal_year_name",
    "fiscal_year_start",
    "form309_due",
    "long_date",
    "long_date_with_weekday",
    "next_bank_day",
    "next_open_day",
    "public_holiday",
    "tax_office_open",
    "withholding_due",
]

_WEEKDAYS = "月火水木金土日"
_SATURDAY = 5
_WITHHOLDING_DUE_DAY = 10
# First day of each era on which a document of today can have a date.
_ERAS = (("令和", date(2019, 5, 1)), ("平成", date(1989, 1, 8)), ("昭和", date(1926, 12, 25)))


@lru_cache(maxsize=4096)
def public_holiday(day: date) -> bool:
    """Whether a day is a 国民の祝日 or a 振替休日."""
    return bool(jpholiday.is_holiday(day))


def bank_open(day: date) -> bool:
    """Whether banks transfer on a day: no weekend, no holiday, not 12/31–1/3."""
    closed_season = (day.month == 12 and day.day == 31) or (day.month == 1 and day.day <= 3)
    return day.weekday() < _SATURDAY and not closed_season and not public_holiday(day)


def tax_office_open(day: date) -> bool:
    """Whether a due date can fall on a day: no weekend, no holiday, not 12/29–1/3 (rules.md §4)."""
    closed_season = (day.month == 12 and day.day >= 29) or (day.month == 1 and day.day <= 3)
    return day.weekday() < _SATURDAY and not closed_season and not public_holiday(day)


def _first_from(day: date, is_open: Callable[[date], bool]) -> date:
    while not is_open(day):
        day += timedelta(days=1)
    return day


def next_open_day(day: date) -> date:
    """The day itself or the next one on which a due date can fall (rules.md §4)."""
    return _first_from(day, tax_office_open)


def next_bank_day(day: date) -> date:
    """The day itself or the next banking day."""
    return _first_from(day, bank_open)


def withholding_due(paid: date) -> date:
    """Until when tax withheld on `paid` is handed over: the 10th of the next month, else the next open day.

    Source: rules.md §4.
    """
    year, month = (paid.year + 1, 1) if paid.month == 12 else (paid.year, paid.month + 1)
    return next_open_day(date(year, month, _WITHHOLDING_DUE_DAY))


def form309_due(year: int) -> date:
    """Until when the 支払調書 of a calendar year are filed: 31 January after it, else the next open day."""
    return next_open_day(date(year + 1, 1, 31))


def fiscal_year_start(year: int) -> date:
    """1 April of a fiscal year."""
    return date(year, FISCAL_YEAR_FIRST_MONTH, 1)


def fiscal_year_end(year: int) -> date:
    """31 March that ends a fiscal year."""
    return date(year + 1, FISCAL_YEAR_FIRST_MONTH, 1) - timedelta(days=1)


def era_year(day: date) -> str:
    """`令和3年`, `令和元年`; before 昭和 the calendar year."""
    for name, first in _ERAS:
        if day >= first:
            count = day.year - first.year + 1
            return f"{name}{'元' if count == 1 else count}年"
    return f"{day.year}年"


def era_date(day: date) -> str:
    """`令和8年11月20日`."""
    return f"{era_year(day)}{day.month}月{day.day}日"


def fiscal_year_name(year: int) -> str:
    """`令和3年度`."""
    return f"{era_year(date(year, 12, 31))}度"


def long_date(day: date) -> str:
    """`2026年11月20日`."""
    return f"{day.year}年{day.month}月{day.day}日"


def long_date_with_weekday(day: date) -> str:
    """`2026年11月20日（金）`."""
    return f"{long_date(day)}（{_WEEKDAYS[day.weekday()]}）"
