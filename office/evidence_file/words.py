"""How the evidence file writes moments, times and amounts."""

import datetime as dt

from core import clock
from core.documents.wording import long_date

NONE = "—"


def moment(value: dt.datetime | None) -> str:
    """2026年11月20日（金） 13:05, with seconds only where there are some."""
    if value is None:
        return NONE
    local = clock.jst(value)
    return (
        f"{long_date(local.date())} {local:%H:%M:%S}"
        if local.second
        else f"{long_date(local.date())} {local:%H:%M}"
    )


def short(value: dt.datetime | None) -> str:
    """2026/11/20 13:05, for tables."""
    if value is None:
        return NONE
    local = clock.jst(value)
    return f"{local:%Y/%m/%d %H:%M:%S}" if local.second else f"{local:%Y/%m/%d %H:%M}"


def span(start: dt.datetime | None, end: dt.datetime | None) -> str:
    """2026年11月20日（金） 13:05–15:00"""
    if start is None or end is None:
        return NONE
    return f"{moment(start)}–{clock.jst(end):%H:%M}"


def yes_no(value: bool) -> str:
    """有 or 無."""
    return "有" if value else "無"


def metres(value: float | None) -> str:
    """380m, 1.5km."""
    if value is None:
        return NONE
    return f"{value:,.0f}m" if value < 1000 else f"{value / 1000:,.1f}km"


def seconds(value: int | None) -> str:
    """A difference with its sign: +1分30秒."""
    if value is None:
        return NONE
    if not value:
        return "差なし"
    minutes, rest = divmod(abs(value), 60)
    return f"{'+' if value > 0 else '−'}{f'{minutes}分' if minutes else ''}{f'{rest}秒' if rest else ''}"


def name_of(user: object) -> str:
    """Who it was; the system where nobody is named."""
    return user.get_full_name() if user is not None else "システム"  # type: ignore[attr-defined]
