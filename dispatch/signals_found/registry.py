"""The kinds of fraud signals (C13): each is a function over all dispatches of a window, and says what it found.

A kind is one statement over sets (two, where something must be compared by hand), so that 115,000 dispatches take
seconds. What it finds is a question for a person, never an answer.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from .thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class Window:
    """What is looked at: dispatches that began from `since` on, by these thresholds."""

    since: dt.datetime
    terms: Thresholds

    def parameters(self) -> dict[str, Any]:
        """For a statement: the moment and every threshold by its name."""
        return {"since": self.since, **self.terms.values()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One suspicion. `key` is the same every night for the same thing; ids name whom it is about.

    `facts` are figures and texts the page shows and by which the same suspicion is known again; `score` is 1 to 100.
    """

    key: str
    dispatches: tuple[int, ...]
    score: int
    facts: dict[str, Any] = field(default_factory=dict)
    expert: int | None = None
    institution: int | None = None
    company: int | None = None


Look = Callable[[Window], Iterable[Found]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of signal: its code, what it is called, why it is worth a look, and what finds it."""

    code: str
    title: str
    why: str
    look: Look


KINDS: dict[str, Kind] = {}
# What must be prepared before looking: fingerprints of what is new.
PREPARING: list[Callable[[], int]] = []


def signal(code: str, title: str, why: str) -> Callable[[Look], Look]:
    """Registers a function as a kind of signal."""

    def register(look: Look) -> Look:
        if code in KINDS:
            raise ValueError(f"不正の兆候の種類 {code} が二重に登録されています。")
        KINDS[code] = Kind(code, title, why, look)
        return look

    return register


def prepares(function: Callable[[], int]) -> Callable[[], int]:
    """Registers a function that is called before looking; it answers how many fingerprints it made."""
    PREPARING.append(function)
    return function


def rows(query: str, window: Window, **more: Any) -> Iterator[dict[str, Any]]:
    """The rows of a statement as dictionaries."""
    with connection.cursor() as cursor:
        cursor.execute(query, window.parameters() | more)
        assert cursor.description is not None
        names = [column.name for column in cursor.description]
        for row in cursor.fetchall():
            yield dict(zip(names, row, strict=True))


def clipped(score: float) -> int:
    """A score between 1 and 100."""
    return max(1, min(100, round(score)))
