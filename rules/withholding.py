"""源泉徴収: the tax withheld from one payment by payee class (rules.md §1, §4)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from rules.consumption_tax import tax_within
from rules.readings import TAX_EXCLUDED, WITHHOLD_DEDUCTED, WITHHOLD_NON_RESIDENT, WITHHOLD_NONE
from rules.ruleset import RuleSet
from rules.wording import yen

_PERCENT = Decimal(100)


@dataclass(frozen=True, slots=True)
class Withholding:
    """Tax withheld in yen, the base it was taken on, and how it came about."""

    amount: int
    base: int
    explanation: str


def withholding_base(gross: int, rules: RuleSet) -> int:
    """The part of a tax-included gross that is withheld on (yen), by the rule set's reading."""
    if rules.withholding_base == TAX_EXCLUDED:
        return gross - tax_within(gross, rules.consumption_tax_percent)
    return gross


def withhold(gross: int, payee_class: str, rules: RuleSet) -> Withholding:
    """The tax on one payment of `gross` yen to a payee of a 源泉区分; one floor to the yen."""
    base = withholding_base(gross, rules)
    method = rules.withholding_method_by_class[payee_class]
    if method == WITHHOLD_NONE:
        return Withholding(0, base, f"源泉徴収 {payee_class}のため徴収しない = {yen(0)}")
    if method == WITHHOLD_NON_RESIDENT:
        return _flat(base, base, rules.withholding_non_resident_percent, payee_class, f"{yen(base)}")
    if method == WITHHOLD_DEDUCTED:
        deduction = rules.withholding_deduction_yen
        taxed = max(0, base - deduction)
        text = f"（{yen(base)} − 控除 {yen(deduction)} → {yen(taxed)}）"
        return _flat(base, taxed, rules.withholding_percent, payee_class, text)
    tier = rules.withholding_tier_yen
    if base <= tier:
        return _flat(base, base, rules.withholding_percent, payee_class, f"{yen(base)}")
    low, high = rules.withholding_percent, rules.withholding_high_percent
    amount = int((tier * low + (base - tier) * high) / _PERCENT)
    text = f"{yen(tier)} × {low}％ ＋ {yen(base - tier)} × {high}％"
    return Withholding(amount, base, f"源泉徴収 {payee_class} {text} = {yen(amount)}")


def _flat(base: int, taxed: int, percent: Decimal, payee_class: str, text: str) -> Withholding:
    amount = int(taxed * percent / _PERCENT)
    return Withholding(amount, base, f"源泉徴収 {payee_class} {text} × {percent}％ = {yen(amount)}")


def slip_name(payee_class: str, rules: RuleSet) -> str:
    """The payment slip of a 源泉区分, empty when there is none (rules.md §4)."""
    return rules.slip_by_class[payee_class]
