"""One payout: gross, withholding, net and the consumption tax shown (rules.md §4)."""

from __future__ import annotations

from dataclasses import dataclass

from rules import consumption_tax
from rules.ruleset import RuleSet
from rules.withholding import withhold
from rules.wording import yen


@dataclass(frozen=True, slots=True)
class Totals:
    """What an expert gets in a run, in yen; travel includes 日当. Net 0 makes no transfer."""

    count: int
    fee: int
    travel: int
    gross: int
    withholding: int
    net: int
    consumption_tax: int
    withholding_base: int
    withholding_explanation: str
    consumption_tax_explanation: str
    net_explanation: str


def totals(count: int, fee: int, travel: int, payee_class: str, rules: RuleSet) -> Totals:
    """The payout of `count` dispatches with `fee` and `travel` yen to a payee of a 源泉区分."""
    gross = fee + travel
    withheld = withhold(gross, payee_class, rules)
    return Totals(
        count=count,
        fee=fee,
        travel=travel,
        gross=gross,
        withholding=withheld.amount,
        net=gross - withheld.amount,
        consumption_tax=consumption_tax.tax_within(gross, rules.consumption_tax_percent),
        withholding_base=withheld.base,
        withholding_explanation=withheld.explanation,
        consumption_tax_explanation=consumption_tax.explanation(gross, rules),
        net_explanation=f"振込額 {yen(gross)} − {yen(withheld.amount)} = {yen(gross - withheld.amount)}",
    )
