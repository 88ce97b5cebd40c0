"""謝金 (rules.md §2)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_facts import R3, case_id, rules_with, vector_cases

from rules.fee import day_fees, fee_before_cap

READINGS = ("half_hour_units", "per_minute_if_30", "round_half_up_hours")
minutes_of_a_day = st.lists(st.integers(min_value=0, max_value=900), min_size=1, max_size=6)


@pytest.mark.parametrize("case", vector_cases("fee"), ids=case_id)
def test_fee_vector(case: dict[str, Any]) -> None:
    given_minutes, expected = case["input"], case["expected_default"]
    if "minutes" in given_minutes:
        (line,) = day_fees([given_minutes["minutes"]], R3)
        assert line.amount == expected
    else:
        amounts = [line.amount for line in day_fees(given_minutes["visits_same_day"], R3)]
        assert amounts == expected["per_visit"]
        assert sum(amounts) == expected["day"]


@pytest.mark.parametrize("case", vector_cases("fee"), ids=case_id)
def test_fee_vector_in_its_other_readings(case: dict[str, Any]) -> None:
    for reading, expected in case["other_readings"].items():
        if reading == "truncate_per_day":
            lines = day_fees(case["input"]["visits_same_day"], rules_with(fee_cut="per_day"))
        else:
            lines = day_fees([case["input"]["minutes"]], rules_with(fee_rounding=reading))
        assert sum(line.amount for line in lines) == expected, reading


def test_two_visits_of_one_day_share_the_cap() -> None:
    assert [line.amount for line in day_fees([300, 120], R3)] == [26400, 5280]


def test_a_cap_per_dispatch_is_not_shared() -> None:
    assert [line.amount for line in day_fees([600, 600], rules_with(fee_cap_scope="dispatch"))] == [
        31680,
        31680,
    ]


def test_what_earlier_runs_paid_uses_the_cap_first() -> None:
    (line,) = day_fees([180], R3, earlier_yen=26400)
    assert line.amount == 5280
    assert "同じ日の支払済み 26,400円" in line.explanation


def test_earlier_runs_may_be_left_out_of_the_cap() -> None:
    (line,) = day_fees([180], rules_with(fee_earlier_runs_use_cap=False), earlier_yen=26400)
    assert line.amount == 15840


def test_minutes_of_earlier_runs_count_when_the_day_is_cut_as_a_whole() -> None:
    (line,) = day_fees([45], rules_with(fee_cut="per_day"), earlier_yen=2640, earlier_minutes=45)
    assert line.amount == 5280


def test_the_explanation_reads_like_the_calculation() -> None:
    first, second = day_fees([120, 150], R3)
    assert first.explanation == "謝金 2時間 → 4単位 × 2,640円 = 10,560円（1日上限31,680円の残り 31,680円）"
    assert (
        second.explanation == "謝金 2時間30分 → 5単位 × 2,640円 = 13,200円（1日上限31,680円の残り 21,120円）"
    )


def test_the_explanation_of_a_capped_fee_says_what_is_paid() -> None:
    (line,) = day_fees([600], R3)
    assert line.explanation == (
        "謝金 10時間 → 20単位 × 2,640円 = 52,800円、支払は 31,680円（1日上限31,680円の残り 31,680円）"
    )


def test_the_explanation_of_a_visit_under_half_an_hour_says_so() -> None:
    (line,) = day_fees([29], R3)
    assert line.amount == 0
    assert "30分未満のため0単位 = 0円" in line.explanation


@given(minutes_of_a_day, st.integers(min_value=0, max_value=40_000), st.sampled_from(READINGS))
def test_a_day_never_exceeds_its_cap(minutes: list[int], earlier: int, reading: str) -> None:
    rules = rules_with(fee_rounding=reading)
    paid = sum(line.amount for line in day_fees(minutes, rules, earlier_yen=earlier))
    assert paid <= max(0, rules.fee_day_cap_yen - earlier)


@given(minutes_of_a_day)
def test_no_visit_gets_more_than_its_own_minutes_earn(minutes: list[int]) -> None:
    for length, line in zip(minutes, day_fees(minutes, R3), strict=True):
        assert 0 <= line.amount <= fee_before_cap(length, R3)


@given(minutes_of_a_day)
def test_the_sum_of_a_day_does_not_depend_on_the_order_of_its_visits(minutes: list[int]) -> None:
    forward = sum(line.amount for line in day_fees(minutes, R3))
    backward = sum(line.amount for line in day_fees(minutes[::-1], R3))
    assert forward == backward
