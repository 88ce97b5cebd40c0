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
class Kind:
    """A 種別: its codes of findings, and either a rule per line or one over all its lines of a dispatch."""

    name: str
    codes: frozenset[str]
    line_rule: LineRule | None
    dispatch_rule: DispatchRule | None


KINDS: dict[str, Kind] = {}


def per_line(name: str, *codes: str) -> Callable[[LineRule], LineRule]:
    """Registers the rule of a 種別 whose lines stand alone, and the T codes it may raise."""

    def register(rule: LineRule) -> LineRule:
        KINDS[name] = Kind(name=name, codes=frozenset(codes), line_rule=rule, dispatch_rule=None)
        return rule

    return register


def per_dispatch(name: str, *codes: str) -> Callable[[DispatchRule], DispatchRule]:
    """Registers the rule of a 種別 whose lines of a dispatch are summed into one, and the T codes it may raise."""

    def register(rule: DispatchRule) -> DispatchRule:
        KINDS[name] = Kind(name=name, codes=frozenset(codes), line_rule=None, dispatch_rule=rule)
        return rule

    return register
