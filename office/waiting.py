"""What waits for whom on the office's start page: each part of the office adds what it knows."""

import datetime as dt
from collections.abc import Callable
from typing import NotRequired, TypedDict

from accounts.models import User

# The codes of tasks about dispatches begin so: the lists of the office's work count them.
OF_DISPATCHES = "dispatch_"


class Waiting(TypedDict):
    """One line: what waits, where to go, how many, since when, a word more, and how many are past their day."""

    title: str
    url: str
    count: int
    oldest: dt.datetime | None
    note: str
    overdue: NotRequired[int]


Source = Callable[[User], list[Waiting]]
_SOURCES: list[tuple[int, Source]] = []
_COUNTED: set[str] = set()


def waiting_source(order: int, *, counts: tuple[str, ...] = ()) -> Callable[[Source], Source]:
    """Registers a function that answers what waits for a person; a smaller order stands higher on the page.

    `counts`: the codes of tasks that its lines count already, so that nobody reads the same work twice.
    """

    def register(source: Source) -> Source:
        _SOURCES.append((order, source))
        _COUNTED.update(counts)
        return source

    return register


def counted_elsewhere(code: str) -> bool:
    """Whether a line of the start page counts the tasks of this code already."""
    return code in _COUNTED


def everything_waiting(user: User) -> list[Waiting]:
    """All lines for this person, most urgent first."""
    return [line for _, source in sorted(_SOURCES, key=lambda each: each[0]) for line in source(user)]
