"""Taxi, own car and rental car (rules.md §3)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rules import codes
from rules.facts import TravelLine, Visit
from rules.problems import Problem
from rules.ruleset import RuleSet
from rules.travel.registry import Assessment, per_dispatch, per_line
from rules.travel.wording import least, no_receipt, public_transport, where
from rules.wording import km, yen


@per_line(codes.TRAVEL_TAXI, "T02", "T03")
def taxi(line: TravelLine, visit: Visit, rules: RuleSet) -> Assessment:
    """The claim; only without public transport and with a receipt."""
    problems: list[tuple[str, Problem]] = []
    if not line.receipt:
        problems.append(("T02", no_receipt(line)))
    if not line.no_public_transport:
        problems.append(("T03", public_transport(line)))
    return Assessment(*least(line, line.claimed, f"請求額 {yen(line.claimed)}"), tuple(problems))


@per_dispatch(codes.TRAVEL_CAR, "T07")
def car(lines: Sequence[TravelLine], visit: Visit, rules: RuleSet) -> Assessment:
    """Accepted km of the whole route, cut to whole km, times the rate; at most the sum of the claims."""
    total = Decimal(0)
    claimed = 0
    legs: list[str] = []
    problems: list[tuple[str, Problem]] = []
    for line in lines:
        claimed += line.claimed
        if line.accepted_km is None:
            problem = Problem(
                f"{where(line)}の認定距離がありません（事務局が最短経路を測ります）",
                "認定距離km",
                f"{where(line)}: 認定距離km 空欄",
            )
            problems.append(("T07", problem))
        else:
            total += line.accepted_km
            legs.append(km(line.accepted_km))
    whole = int(total)
    rule_amount = whole * rules.car_yen_per_km
    route = f"{'＋'.join(legs)} = {km(total)}" if len(legs) > 1 else km(total)
    text = f"{codes.TRAVEL_CAR} {route} → {whole}km × {yen(rules.car_yen_per_km)}"
    if claimed < rule_amount:
        text += f" = {yen(rule_amount)}、請求額の計 {yen(claimed)}まで"
    amount = min(rule_amount, claimed)
    return Assessment(amount, f"{text} = {yen(amount)}", tuple(problems))


@per_line(codes.TRAVEL_RENTAL, "T02", "T03", "T06")
def rental(line: TravelLine, visit: Visit, rules: RuleSet) -> Assessment:
    """What the office accepted, at most the claim."""
    problems: list[tuple[str, Problem]] = []
    if rules.rental_needs_receipt and not line.receipt:
        problems.append(("T02", no_receipt(line)))
    if rules.rental_needs_no_public_transport and not line.no_public_transport:
        problems.append(("T03", public_transport(line)))
    if line.accepted_yen is None:
        problem = Problem(
            f"{where(line)}の認定額がありません（事務局が認定します）",
            "認定額",
            f"{where(line)}: 認定額 空欄",
        )
        problems.append(("T06", problem))
    accepted = line.accepted_yen or 0
    return Assessment(*least(line, accepted, f"認定額 {yen(accepted)}"), tuple(problems))
