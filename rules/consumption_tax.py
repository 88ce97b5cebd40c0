"""Consumption tax inside a tax-included amount, one floor per payout (rules.md §4)."""

from __future__ import annotations

from rules.ruleset import RuleSet
from rules.wording import yen

_WHOLE_PERCENT = 100


def tax_within(gross: int, percent: int) -> int:
    """Yen of consumption tax at `percent` in a tax-included amount, cut to whole yen."""
    return gross * percent // (_WHOLE_PERCENT + percent)


def explanation(gross: int, rules: RuleSet) -> str:
    """`うち消費税 67,260円 × 10 ÷ 110 = 6,114円`."""
    percent = rules.consumption_tax_percent
    tax = tax_within(gross, percent)
    return f"うち消費税 {yen(gross)} × {percent} ÷ {_WHOLE_PERCENT + percent} = {yen(tax)}"
