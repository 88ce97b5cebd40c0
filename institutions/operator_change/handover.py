"""What goes over to the successor: higher layers say what of theirs is under way (docs/adr/0024)."""

from collections.abc import Callable
from dataclasses import dataclass

from institutions.models import Institution


@dataclass(frozen=True, slots=True)
class Moved:
    """One record that went over: what it is called, and its number."""

    kind: str
    number: str


Mover = Callable[[Institution, Institution], list[Moved]]
_MOVERS: list[Mover] = []


def hands_over(mover: Mover) -> Mover:
    """Registers a function that gives the successor (second) what is under way at the former (first), and says what.

    Called inside the opening's transaction, in the order of registration.
    """
    _MOVERS.append(mover)
    return mover


def hand_over(former: Institution, successor: Institution) -> list[Moved]:
    """Moves everything that is under way; answers what."""
    return [moved for mover in _MOVERS for moved in mover(former, successor)]
