"""源泉徴収, 消費税 and the totals of a payout (rules.md §4)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_facts import R3, case_id, rules_with, vector_cases

from rules import codes
from rules.consumption_tax import explanation, tax_within
from rules.payment import totals
from rules.withholding import slip_name, withhold

ITEM_CLASSES = {"item1": "報酬1号", "item2": "報酬2号", "shihoshoshi": "司法書士等"}
PAYEE_CLASSES = {"corporation": "法人", "nonresident": "非居住者"}
TAX_EXCLUDED = rules_with(withholding_base="tax_excluded")


def class_of_vector(given_case: dict[str, Any]) -> str:
    return PAYEE_CLASSES.get(given_case["payee"], ITEM_CLASSES[given_case["kind"]])


@pytest.mark.parametrize("case", vector_cases("withholding"), ids=case_id)
def test_withholding_vector(case: dict[str, Any]) -> None:
    withheld = withhold(case["input"]["base"], class_of_vector(case["input"]), R3)
    assert withheld.amount == case["expected"]
    assert f"{withheld.amount:,}円" in withheld.explanation


@pytest.mark.parametrize("case", vector_cases("payment_notice"), ids=case_id)
def test_payment_notice_vector(case: dict[str, Any]) -> None:
    given_case, expected = case["input"], case["expected"]
    fee, travel = sum(given_case["fees"]), sum(given_case["travel_paid_to_expert"])
    total = totals(len(given_case["fees"]), fee, travel, class_of_vector(given_case), R3)
    assert total.gross == expected["支払総額"]
    assert total.withholding == expected["源泉徴収額"]
    assert total.net == expected["振込額"]
    assert total.consumption_tax == expected["うち消費税"]
    assert total.gross - total.consumption_tax == expected["本体"]
    excluded = totals(len(given_case["fees"]), fee, travel, class_of_vector(given_case), TAX_EXCLUDED)
    assert excluded.withholding == expected["if_base_excludes_tax"]["源泉徴収額"]
    assert excluded.net == expected["if_base_excludes_tax"]["振込額"]


@pytest.mark.parametrize("case", vector_cases("consumption_tax"), ids=case_id)
def test_consumption_tax_vector(case: dict[str, Any]) -> None:
    gross = case["input"]["tax_included"]
    tax = tax_within(gross, case["input"]["rate"])
    assert {"body": gross - tax, "tax": tax} == case["expected"]


def test_the_tax_shown_is_explained() -> None:
    assert explanation(67_260, R3) == "うち消費税 67,260円 × 10 ÷ 110 = 6,114円"


def test_the_part_above_a_million_is_withheld_at_the_higher_rate_and_says_so() -> None:
    assert withhold(1_000_000, "報酬2号", R3).amount == 102_100
    withheld = withhold(1_500_000, "報酬2号", R3)
    assert withheld.amount == 204_200
    assert withheld.explanation == (
        "源泉徴収 報酬2号 1,000,000円 × 10.21％ ＋ 500,000円 × 20.42％ = 204,200円"
    )


@pytest.mark.parametrize(("gross", "expected"), [(9_999, 0), (10_000, 0), (10_010, 1), (2_000_000, 203_179)])
def test_a_judicial_scrivener_has_one_deduction_and_one_rate(gross: int, expected: int) -> None:
    assert withhold(gross, "司法書士等", R3).amount == expected


@pytest.mark.parametrize("payee_class", ["法人", "対象外"])
def test_corporations_and_exempt_payees_are_not_withheld_from_and_have_no_slip(payee_class: str) -> None:
    assert withhold(5_000_000, payee_class, R3).amount == 0
    assert slip_name(payee_class, R3) == ""


@pytest.mark.parametrize(
    ("payee_class", "slip"),
    [
        ("報酬2号", "給与所得・退職所得等の所得税徴収高計算書"),
        ("司法書士等", "給与所得・退職所得等の所得税徴収高計算書"),
        ("報酬1号", "報酬・料金等の所得税徴収高計算書"),
        ("非居住者", "非居住者・外国法人の所得についての所得税徴収高計算書"),
    ],
)
def test_each_class_has_its_payment_slip(payee_class: str, slip: str) -> None:
    assert slip_name(payee_class, R3) == slip


@given(
    st.integers(min_value=0, max_value=9_999_999_999),
    st.integers(min_value=0, max_value=9_999_999_999),
    st.sampled_from(codes.PAYEE_CLASSES),
    st.sampled_from([R3, TAX_EXCLUDED]),
)
def test_net_and_withholding_make_the_gross(fee: int, travel: int, payee_class: str, rules: Any) -> None:
    total = totals(1, fee, travel, payee_class, rules)
    assert total.gross == fee + travel
    assert total.net + total.withholding == total.gross
    assert 0 <= total.withholding <= total.gross
    assert 0 <= total.consumption_tax <= total.gross
