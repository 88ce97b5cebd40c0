"""B01–B02: the payee's account (rules.md §5)."""

from __future__ import annotations

from datetime import datetime

from rules.facts import Payee, Visit
from rules.findings.registry import hold
from rules.problems import Problem
from rules.ruleset import RuleSet
from rules.zengin.name import account_name_problem
from rules.zengin.record import PARTY_NAME_BYTES


@hold("B01", "銀行・支店コードの不明")
def unknown_bank(visit: Visit, payee: Payee, rules: RuleSet, cutoff: datetime | None) -> Problem | None:
    """Bank or branch code not in the master."""
    if payee.bank_known and payee.branch_known:
        return None
    if payee.bank_known:
        reason = "支店コードが銀行マスターにありません"
    else:
        reason = "銀行コードが銀行マスターにありません"
    return Problem(
        reason, "銀行マスターにある銀行・支店", f"銀行 {payee.bank_code}・支店 {payee.branch_code}"
    )


@hold("B02", "口座名義カナの不備")
def unusable_account_name(
    visit: Visit, payee: Payee, rules: RuleSet, cutoff: datetime | None
) -> Problem | None:
    """口座名義カナ not convertible to the characters of the bank file, or too long after conversion."""
    problem = account_name_problem(payee.account_name_kana, PARTY_NAME_BYTES, rules.account_name_wo_allowed)
    if problem is None:
        return None
    return Problem(
        f"口座名義カナを銀行のファイルに書けません: {problem}",
        f"銀行で使える文字で{PARTY_NAME_BYTES}バイト以内",
        payee.account_name_kana,
    )
