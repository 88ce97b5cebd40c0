"""Findings: what holds a dispatch, what makes it ineligible, what is still missing (rules.md §5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rules.facts import Payee, Visit
from rules.findings import bank, claims, eligibility, evidence, limits, paperwork
from rules.findings.registry import ELIGIBILITY, REGULAR, Check, EligibilityCheck
from rules.problems import Problem
from rules.ruleset import RuleSet

__all__ = [
    "CHECKS",
    "Check",
    "EligibilityCheck",
    "Finding",
    "bank",
    "check",
    "claims",
    "eligibility",
    "evidence",
    "limits",
    "paperwork",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """A 確認事項 of a dispatch: code, 区分, and in Japanese why, what was expected and what is there."""

    code: str
    kind: str
    reason: str
    expected: str
    actual: str


ELIGIBILITY.sort(key=lambda entry: entry.code)
REGULAR.sort(key=lambda entry: entry.code)
CHECKS: tuple[Check | EligibilityCheck, ...] = tuple(
    sorted([*REGULAR, *ELIGIBILITY], key=lambda entry: entry.code)
)
"""Every check in order of its code."""

_PERIOD = next(entry for entry in REGULAR if entry.code == "L02")


def _finding(entry: Check | EligibilityCheck, problem: Problem) -> Finding:
    return Finding(entry.code, entry.kind, problem.reason, problem.expected, problem.actual)


def check(
    visit: Visit,
    payee: Payee,
    rules: RuleSet | None,
    cutoff: datetime | None,
    reference: RuleSet | None = None,
) -> tuple[Finding, ...]:
    """The findings of a dispatch in order of code, at most one per code; none means payable.

    `rules` is the rule set of the day of 実施開始, None when none is in force; the readings of 対象外 are
    then those of `reference`. A `cutoff` of None asks for no moment of approval. 対象外 hides the rest.
    """
    judging = rules if rules is not None else reference
    excluded = [
        _finding(entry, problem)
        for entry in ELIGIBILITY
        if (problem := entry.judge(visit, payee, judging, cutoff)) is not None
    ]
    if excluded:
        return tuple(excluded)
    if rules is None:
        return (_finding(_PERIOD, limits.no_rule_set(visit)),)
    return tuple(
        [
            _finding(entry, problem)
            for entry in REGULAR
            if (problem := entry.judge(visit, payee, rules, cutoff)) is not None
        ]
    )
