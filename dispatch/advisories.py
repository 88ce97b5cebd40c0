"""要確認: what is worth a look and stops no payment. A register that apps with facts of their own fill.

rules.md §5 is the whole list of what holds, and a month must close the same from its exchange files, which carry none
of these facts. So an advisory stands among the findings, is looked into with a reason, and no run ever asks for it
(docs/adr/0018-clock-skew.md).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

KIND = "要確認"


@dataclass(frozen=True, slots=True)
class Advice:
    """One advisory about one dispatch (id); `actual` names the facts, so that other facts are another advice."""

    dispatch: int
    reason: str
    expected: str
    actual: str


Look = Callable[[Sequence[int]], list[Advice]]


@dataclass(frozen=True, slots=True)
class Advisory:
    """One kind of advisory: its code, its short title, and what finds it among dispatches (ids)."""

    code: str
    title: str
    look: Look


ADVISORIES: dict[str, Advisory] = {}


def advisory(code: str, title: str) -> Callable[[Look], Look]:
    """Registers a function that answers at most one advice for each of the dispatches it is given."""

    def register(look: Look) -> Look:
        ADVISORIES[code] = Advisory(code, title, look)
        return look

    return register
