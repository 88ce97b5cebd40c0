"""Fiscal years and month-days that are data of a rule set (rules.md §1)."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

FISCAL_YEAR_FIRST_MONTH = 4
END_OF_MONTH = "末"
_LONGEST_MONTH_IN_A_LEAP_YEAR = {month: monthrange(2000, month)[1] for month in range(1, 13)}


def fiscal_year(day: date) -> int:
    """The Japanese fiscal year (April to March) of a day: 2022-03-31 → 2021."""
    return day.year if day.month >= FISCAL_YEAR_FIRST_MONTH else day.year - 1


@dataclass(frozen=True, slots=True)
class MonthDay:
    """A day of the fiscal year without the year; `day` 0 means the last day of the month."""

    month: int
    day: int

    @classmethod
    def parse(cls, text: str) -> MonthDay:
        """Reads `04-01` or `02-末`; ValueError in Japanese when it is neither."""
        month_text, _, day_text = text.strip().partition("-")
        if month_text.isdecimal() and 1 <= int(month_text) <= 12:
            month = int(month_text)
            if day_text == END_OF_MONTH:
                return cls(month, 0)
            if day_text.isdecimal() and 1 <= int(day_text) <= _LONGEST_MONTH_IN_A_LEAP_YEAR[month]:
                return cls(month, int(day_text))
        raise ValueError("月日は「04-01」または「02-末」の形で入力してください")

    def __str__(self) -> str:
        return f"{self.month:02}-{self.day:02}" if self.day else f"{self.month:02}-{END_OF_MONTH}"

    def label(self) -> str:
        """`4月1日`, `2月末日`."""
        return f"{self.month}月{self.day}日" if self.day else f"{self.month}月末日"

    def within(self, year: int) -> date:
        """The date in fiscal year `year`; 29 February falls on the 28th where there is none."""
        calendar_year = year if self.month >= FISCAL_YEAR_FIRST_MONTH else year + 1
        last = monthrange(calendar_year, self.month)[1]
        return date(calendar_year, self.month, min(self.day, last) if self.day else last)
