"""Lodging: a line is one night (rules.md §3)."""

from __future__ import annotations

from rules import codes
from rules.facts import TravelLine, Visit
from rules.problems import Problem
from rules.readings import EVERY_NIGHT
from rules.ruleset import RuleSet
from rules.travel.registry import Assessment, per_line
from rules.travel.wording import least, no_receipt, route, where
from rules.wording import yen


def _needs_reason(visit: Visit, rules: RuleSet) -> bool:
    if rules.lodging_reason == EVERY_NIGHT:
        return True
    return sum(line.kind == codes.TRAVEL_LODGING for line in visit.travel_lines) > 1


@per_line(codes.TRAVEL_LODGING, "T02", "T04")
def lodging(line: TravelLine, visit: Visit, rules: RuleSet) -> Assessment:
    """Actual cost up to the cap; 0 for kinds that are not paid; receipt and reason needed for all of them."""
    problems: list[tuple[str, Problem]] = []
    if not line.receipt:
        problems.append(("T02", no_receipt(line)))
    if not line.reason.strip() and _needs_reason(visit, rules):
        problem = Problem(
            f"{where(line)}に必要理由がありません", "宿泊が必要な理由", f"{where(line)}: 必要理由 空欄"
        )
        problems.append(("T04", problem))
    if line.lodging_kind in rules.lodging_unpaid_kinds:
        text = f"{route(line)} {line.lodging_kind}は支給の対象外 = {yen(0)}"
        return Assessment(0, text, tuple(problems))
    cap = rules.lodging_cap_yen
    if line.claimed > cap:
        amount, text = least(line, cap, f"請求額 {yen(line.claimed)}、1泊の上限 {yen(cap)}")
    else:
        amount, text = least(line, line.claimed, f"請求額 {yen(line.claimed)}（1泊の上限 {yen(cap)}）")
    return Assessment(amount, text, tuple(problems))
