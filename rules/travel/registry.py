"""The register of travel kinds: one function each gives amount, explanation and problems (rules.md §3).

A new kind is one function with `per_line` or `per_dispatch`, and a test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rules.facts import TravelLine, Visit
from rules.problems import Problem
from rules.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a claim is worth by the rules (yen), why, and what holds it: (T code, problem)."""

    amount: int
    explanation: str
    problems: tuple[tuple[str, Problem], ...] = ()


LineRule = Callable[[TravelLine, Visit, RuleSet], Assessment]
DispatchRule = Callable[[Sequence[TravelLine], Visit, RuleSet], Assessment]


@dataclass(frozen=True, slots=True)
class LineKind:
    """A 種別 whose lines stand alone; `codes` are the findings it may raise."""

    name: str
    codes: frozenset[str]
    rule: LineRule


@dataclass(frozen=True, slots=True)
class SummedKind:
    """A 種別 whose lines of a dispatch are summed into one result; `codes` are the findings it may raise."""

    name: str
    codes: frozenset[str]
    rule: DispatchRule


Kind = LineKind | SummedKind
KINDS: dict[str, Kind] = {}


def per_line(name: str, *codes: str) -> Callable[[LineRule], LineRule]:
    """Registers the rule of a 種別 whose lines stand alone, and the T codes it may raise."""

    def register(rule: LineRule) -> LineRule:
        KINDS[name] = LineKind(name, frozenset(codes), rule)
        return rule

    return register


def per_dispatch(name: str, *codes: str) -> Callable[[DispatchRule], DispatchRule]:
    """Registers the rule of a 種別 whose lines of a dispatch are summed into one, and its T codes."""

    def register(rule: DispatchRule) -> DispatchRule:
        KINDS[name] = SummedKind(name, frozenset(codes), rule)
        return rule

    return register
