"""What all list screens of the office share; pages, sorting and searching come from core.ui.lists."""

import datetime as dt
from collections.abc import Iterable

from core.japan.prefectures import BY_CODE, CHOICES
from core.ui.lists import PER_PAGE, containing, page_of, sorted_by

__all__ = [
    "PER_PAGE",
    "containing",
    "month_of",
    "page_of",
    "prefecture_choices",
    "prefecture_name",
    "same",
    "sorted_by",
]


def same(values: Iterable[str]) -> list[tuple[str, str]]:
    """Choices whose label is the value itself."""
    return [(value, value) for value in values]


def prefecture_choices() -> list[tuple[str, str]]:
    """All prefectures, by code."""
    return list(CHOICES)


def prefecture_name(code: str) -> str:
    """The name of a prefecture code; the code itself when it is none."""
    return BY_CODE[code].name if code in BY_CODE else code


def month_of(text: str) -> dt.date | None:
    """The first day of a month written 2026-11, or None when it is not one of this or the next century."""
    try:
        month = dt.datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a calendar month has no zone
    except ValueError:
        return None
    return month if 2000 <= month.year < 2200 else None
