"""Travel: what each claim line is worth and what holds it (rules.md §3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from rules.facts import TravelLine, Visit
from rules.problems import Problem
from rules.ruleset import RuleSet
from rules.travel import fares, lodging, vehicles
from rules.travel.registry import KINDS, Assessment, Kind, LineKind, SummedKind

__all__ = [
    "KINDS",
    "Assessment",
    "Kind",
    "LineKind",
    "SummedKind",
    "TravelResult",
    "assess",
    "fares",
    "lodging",
    "problems",
    "vehicles",
]


@dataclass(frozen=True, slots=True)
class TravelResult:
    """One line of travel in yen; a kind summed per dispatch has the number and day of its first line."""

    item: str
    line_no: int
    day: date
    amount: int
    explanation: str


def assess(visit: Visit, rules: RuleSet) -> tuple[TravelResult, ...]:
    """The result lines of a dispatch's claim in order of the claim; what holds it is said by `problems`."""
    results: list[TravelResult] = []
    summed: set[str] = set()
    for line in visit.travel_lines:
        kind = KINDS[line.kind]
        if isinstance(kind, LineKind):
            assessment = kind.rule(line, visit, rules)
        elif line.kind in summed:
            continue
        else:
            summed.add(line.kind)
            assessment = kind.rule(_lines_of(kind, visit), visit, rules)
        results.append(
            TravelResult(line.kind, line.line_no, line.day, assessment.amount, assessment.explanation)
        )
    return tuple(results)


def problems(visit: Visit, rules: RuleSet, code: str) -> list[Problem]:
    """What holds the dispatch under one T code, from the functions of the travel kinds themselves."""
    found: list[Problem] = []
    summed: set[str] = set()
    for line in visit.travel_lines:
        kind = KINDS[line.kind]
        if code not in kind.codes or line.kind in summed:
            continue
        if isinstance(kind, LineKind):
            assessment = kind.rule(line, visit, rules)
        else:
            summed.add(line.kind)
            assessment = kind.rule(_lines_of(kind, visit), visit, rules)
        found += [problem for problem_code, problem in assessment.problems if problem_code == code]
    return found


def _lines_of(kind: SummedKind, visit: Visit) -> list[TravelLine]:
    return [line for line in visit.travel_lines if line.kind == kind.name]
