"""How amounts, times and distances are worded in explanations and findings (Japanese)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal


def yen(amount: int) -> str:
    """`13,200円`."""
    return f"{amount:,}円"


def minutes(count: int) -> str:
    """`2時間30分`, `45分`, `3時間`."""
    hours, rest = divmod(count, 60)
    if not hours:
        return f"{rest}分"
    return f"{hours}時間{rest}分" if rest else f"{hours}時間"


def seconds(count: int) -> str:
    """`19分`, `10分1秒`, `45秒`."""
    whole, rest = divmod(count, 60)
    if not whole:
        return f"{rest}秒"
    return f"{minutes(whole)}{rest}秒" if rest else minutes(whole)


def km(distance: Decimal) -> str:
    """`12.4km`: minimal decimals."""
    text = format(distance, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{text}km"


def clock(at: datetime) -> str:
    """`12:41`, with seconds when they are not 0."""
    return at.strftime("%H:%M:%S") if at.second else at.strftime("%H:%M")


def day(at: date) -> str:
    """`2021年7月5日`."""
    return f"{at.year}年{at.month}月{at.day}日"


def moment(at: datetime) -> str:
    """`2021年7月5日 13:00`."""
    return f"{day(at)} {clock(at)}"


def offset(actual: datetime, expected: datetime) -> str:
    """How far `actual` is from `expected`: `19分早い`, `12分遅い`, `差なし`."""
    difference = round((actual - expected).total_seconds())
    if difference == 0:
        return "差なし"
    return f"{seconds(abs(difference))}{'遅い' if difference > 0 else '早い'}"
