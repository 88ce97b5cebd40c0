"""T01–T07: what the travel kinds ask for (rules.md §3). The judgement is in the kinds' own functions."""

from __future__ import annotations

from datetime import datetime

from rules.facts import Payee, Visit
from rules.findings.registry import hold
from rules.problems import Problem, joined
from rules.ruleset import RuleSet
from rules.travel import problems

TITLES = {
    "T01": "航空の半券・領収書なし",
    "T02": "領収書なし",
    "T03": "公共交通機関あり",
    "T04": "宿泊の必要理由なし",
    "T05": "普通席ではない",
    "T06": "レンタカーの認定額なし",
    "T07": "私有車の認定距離なし",
}


def _register(code: str, title: str) -> None:
    @hold(code, title)
    def claim_problem(visit: Visit, payee: Payee, rules: RuleSet, cutoff: datetime | None) -> Problem | None:
        return joined(problems(visit, rules, code)) if visit.travel_lines else None


for _code, _title in TITLES.items():
    _register(_code, _title)
