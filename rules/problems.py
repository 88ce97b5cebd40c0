"""What a check or a travel kind says when something is not as expected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One cause of a finding in plain Japanese: why, what was expected, what is there."""

    reason: str
    expected: str
    actual: str


def joined(problems: Sequence[Problem]) -> Problem | None:
    """Several causes of one code as one text (rules.md §5); None when there is none."""
    if not problems:
        return None
    if len(problems) == 1:
        return problems[0]
    return Problem(
        reason="／".join(_distinct(problem.reason for problem in problems)),
        expected="／".join(_distinct(problem.expected for problem in problems)),
        actual="／".join(_distinct(problem.actual for problem in problems)),
    )


def _distinct(texts: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(text for text in texts if text)
