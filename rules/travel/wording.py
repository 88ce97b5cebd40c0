"""Texts and the comparison with claim and acceptance that the travel kinds share."""

from __future__ import annotations

from rules.facts import TravelLine
from rules.problems import Problem
from rules.wording import yen


def route(line: TravelLine) -> str:
    """`鉄道 自宅→支援先`; without places only the kind."""
    if line.origin or line.destination:
        return f"{line.kind} {line.origin}→{line.destination}"
    return line.kind


def least(line: TravelLine, rule_amount: int, basis: str, claim_is_limit: bool = True) -> tuple[int, str]:
    """The least of rule amount, 請求額 and, where given, 認定額 (rules.md §3), and which of them decided."""
    amount, text = rule_amount, f"{route(line)} {basis}"
    if claim_is_limit and line.claimed < amount:
        amount, text = line.claimed, f"{route(line)} {basis}、請求額 {yen(line.claimed)}まで"
    if line.accepted_yen is not None and line.accepted_yen < amount:
        amount, text = line.accepted_yen, f"{route(line)} {basis}、認定額 {yen(line.accepted_yen)}まで"
    return amount, f"{text} = {yen(amount)}"


def where(line: TravelLine) -> str:
    """`2行目の航空`: which line of the claim a problem is about."""
    return f"{line.line_no}行目の{line.kind}"


def no_receipt(line: TravelLine) -> Problem:
    """The problem of a line without 領収書."""
    return Problem(f"{where(line)}に領収書がありません", "領収書 有", f"{where(line)}: 領収書 無")


def public_transport(line: TravelLine) -> Problem:
    """The problem of a taxi or rental car where public transport was not said to be missing."""
    return Problem(
        f"{where(line)}は公共交通機関がない場合に限ります",
        "公共交通機関なし 有",
        f"{where(line)}: 公共交通機関なし 無",
    )
