"""How documents write money, dates and times."""

from __future__ import annotations

import datetime as dt

_WEEKDAYS = "月火水木金土日"


def yen(amount: int) -> str:
    """13,200円; below zero with a minus sign that has a digit's width."""
    return f"{amount:,}円"


def long_date(day: dt.date) -> str:
    """2021年8月25日（水）"""
    return f"{day.year}年{day.month}月{day.day}日（{_WEEKDAYS[day.weekday()]}）"


def year_month(day: dt.date) -> str:
    """2021年7月"""
    return f"{day.year}年{day.month}月"


def clock_span(start: dt.time, end: dt.time) -> str:
    """9:00～11:30; an end not after the start is on the next day: 22:00～翌1:00"""
    next_day = "翌" if end <= start else ""
    return f"{start.hour}:{start.minute:02d}～{next_day}{end.hour}:{end.minute:02d}"


def duration(minutes: int) -> str:
    """150 minutes as 2時間30分, 120 as 2時間, 30 as 30分."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest}分"
    return f"{hours}時間{rest}分" if rest else f"{hours}時間"


def masked_account_number(number: str) -> str:
    """The account number with all but its last three digits hidden."""
    return "*" * max(0, len(number) - 3) + number[-3:]
