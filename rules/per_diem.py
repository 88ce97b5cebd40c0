"""日当: derived from a day's dispatches and their itinerary, never claimed (rules.md §3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from rules import wording
from rules.readings import DAY_AND_ITINERARY
from rules.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Leg:
    """What per diem needs of a dispatch in this run or already paid (minutes of support, km claimed)."""

    number: str
    day: date
    start: datetime
    minutes: int
    itinerary: str
    km: Decimal
    in_this_run: bool


@dataclass(frozen=True, slots=True)
class PerDiem:
    """A per diem in yen and the dispatch that carries it."""

    number: str
    amount: int
    explanation: str


def reaches(km: Decimal, minutes: int, rules: RuleSet) -> bool:
    """Whether a whole itinerary (km) and a day's support (minutes) earn a per diem."""
    far = km > rules.per_diem_min_km or (rules.per_diem_threshold_inclusive and km == rules.per_diem_min_km)
    return far and minutes >= rules.per_diem_min_minutes


def per_diem_of_day(
    day_legs: Sequence[Leg], by_itinerary: dict[str, list[Leg]], rules: RuleSet
) -> PerDiem | None:
    """The per diem of one day: `day_legs` are its counting dispatches, `by_itinerary` those of a 行程番号.

    It goes to the first of the day's dispatches in time order that is in this run. The caller leaves out days
    that earlier runs paid.
    """
    carriers = [leg for leg in day_legs if leg.in_this_run]
    if not carriers:
        return None
    minutes = sum(leg.minutes for leg in day_legs)
    legs = {leg.number: leg for leg in day_legs}
    if rules.per_diem_scope == DAY_AND_ITINERARY:
        for leg in day_legs:
            if leg.itinerary:
                legs.update((other.number, other) for other in by_itinerary[leg.itinerary])
    km = _sum(leg.km for leg in legs.values())
    if not rules.per_diem_yen or not reaches(km, minutes, rules):
        return None
    first = min(carriers, key=lambda leg: (leg.start, leg.number))
    bound = "以上" if rules.per_diem_threshold_inclusive else "超"
    others = "、".join(sorted(number for number in legs if number != first.number))
    explanation = (
        f"日当 {wording.day(first.day)} 全行程 {wording.km(km)}"
        f"（{wording.km(rules.per_diem_min_km)}{bound}）、"
        f"支援 {wording.minutes(minutes)}（{wording.minutes(rules.per_diem_min_minutes)}以上）"
        f" = {wording.yen(rules.per_diem_yen)}"
    )
    if others:
        explanation += f"（{others} を含む行程）"
    return PerDiem(first.number, rules.per_diem_yen, explanation)


def _sum(distances: Iterable[Decimal]) -> Decimal:
    return sum(distances, Decimal(0))
