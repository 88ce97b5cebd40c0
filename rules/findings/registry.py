"""The register of checks: a new one is a function with a decorator from here, and a test (rules.md §5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from rules import codes
from rules.facts import Payee, Visit
from rules.problems import Problem
from rules.ruleset import RuleSet

Judge = Callable[[Visit, Payee, RuleSet, datetime | None], Problem | None]
EligibilityJudge = Callable[[Visit, Payee, RuleSet | None, datetime | None], Problem | None]


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its code, its 区分, a short Japanese title, and the function that finds the problem."""

    code: str
    kind: str
    title: str
    judge: Judge


@dataclass(frozen=True, slots=True)
class EligibilityCheck:
    """A check of 対象外. It is also asked on a day without a rule set, so it takes none for an answer."""

    code: str
    kind: str
    title: str
    judge: EligibilityJudge


REGULAR: list[Check] = []
ELIGIBILITY: list[EligibilityCheck] = []


def hold(code: str, title: str) -> Callable[[Judge], Judge]:
    """Registers a check whose finding is a 保留."""
    return _regular(code, codes.FINDING_HOLD, title)


def incomplete(code: str, title: str) -> Callable[[Judge], Judge]:
    """Registers a check whose finding is 未了."""
    return _regular(code, codes.FINDING_INCOMPLETE, title)


def _regular(code: str, kind: str, title: str) -> Callable[[Judge], Judge]:
    def register(judge: Judge) -> Judge:
        REGULAR.append(Check(code, kind, title, judge))
        return judge

    return register


def ineligible(code: str, title: str) -> Callable[[EligibilityJudge], EligibilityJudge]:
    """Registers a check whose finding is 対象外 and hides all others."""

    def register(judge: EligibilityJudge) -> EligibilityJudge:
        ELIGIBILITY.append(EligibilityCheck(code, codes.FINDING_INELIGIBLE, title, judge))
        return judge

    return register
