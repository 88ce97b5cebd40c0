"""旅費 per claim line and 日当 (rules.md §3)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_facts import CUTOFF, R3, case_id, every_day, payee, rules_with, travel_line, vector_cases, visit

from rules import codes
from rules.facts import NOTHING_EARLIER, TravelLine
from rules.month import calculate_expert
from rules.ruleset import RuleSet
from rules.travel import KINDS, assess, problems

KIND_NAMES = {
    "rail": "鉄道",
    "air": "航空",
    "ship": "船",
    "taxi": "タクシー",
    "rental": "レンタカー",
    "lodging": "宿泊",
}
T_CODES = ("T01", "T02", "T03", "T04", "T05", "T06", "T07")


def assessed(*lines: TravelLine, rules: RuleSet = R3) -> tuple[int, set[str]]:
    """What a claim is worth in all, and the codes that hold it."""
    made = visit(travel_lines=lines)
    codes_found = {code for code in T_CODES if problems(made, rules, code)}
    return sum(result.amount for result in assess(made, rules)), codes_found


def paid(*lines: TravelLine, rules: RuleSet = R3) -> int:
    """What is paid now: nothing while something holds the claim."""
    amount, held = assessed(*lines, rules=rules)
    return 0 if held else amount


def lines_of_vector(case: dict[str, Any]) -> list[TravelLine]:
    given_case = case["input"]
    if given_case.get("expense") == "lodging":
        unpaid = "民泊" if given_case.get("kind") == "minpaku" else "ホテル"
        return [
            travel_line(
                "宿泊", claimed, number, receipt=receipt, lodging_kind=unpaid, reason="始発では間に合わない"
            )
            for number, (claimed, receipt) in enumerate(given_case["nights"], start=1)
        ]
    kind = given_case["kind"]
    if kind == "car":
        return [
            travel_line("私有車", 99_999, number, km=Decimal(leg), accepted_km=Decimal(leg))
            for number, leg in enumerate(given_case["legs_km"], start=1)
        ]
    if kind == "rail":
        return [
            travel_line(
                "鉄道",
                99_999,
                km=Decimal(given_case["section_km"]),
                fare=given_case["fare"],
                express=given_case["express"],
                reserved=given_case["reserved"],
            )
        ]
    return [
        travel_line(
            KIND_NAMES[kind],
            given_case.get("actual", 99_999),
            roundtrip_fare=given_case.get("roundtrip_fare"),
            ordinary_fare=given_case.get("normal_fare"),
            receipt=given_case.get("receipt", False),
            stub=given_case.get("stub", False),
            no_public_transport=given_case.get("justified", False),
            fast_boat=given_case.get("fast", False),
            parallel_route=given_case.get("both_routes", False),
            accepted_yen=given_case.get("assessed"),
        )
    ]


def per_diem_of_vector(case: dict[str, Any]) -> int:
    """One dispatch per day of support, all of one itinerary, its km claimed on the first."""
    given_case = case["input"]
    visits = []
    for offset, minutes in enumerate(given_case["support_minutes_by_day"]):
        start = datetime(2021, 7, 5 + offset, 9, 0)
        if not minutes:
            continue
        hours, rest = divmod(minutes, 60)
        visits.append(
            visit(
                f"D{offset}",
                start,
                start.replace(hour=9 + hours, minute=rest),
                itinerary="T1",
                travel_lines=()
                if visits
                else (travel_line("バス", 0, km=Decimal(given_case["itinerary_km"]), fare=0),),
            )
        )
    month = calculate_expert(payee(), visits, NOTHING_EARLIER, CUTOFF, every_day(R3), R3)
    assert not month.holds
    return sum(line.amount for line in month.lines if line.item == codes.ITEM_PER_DIEM)


@pytest.mark.parametrize("case", vector_cases("travel"), ids=case_id)
def test_travel_vector(case: dict[str, Any]) -> None:
    expected = case["expected"]
    if case["input"].get("kind") == "per_diem":
        assert per_diem_of_vector(case) == expected
        return
    amount, held = assessed(*lines_of_vector(case))
    if isinstance(expected, dict):
        assert bool(held) == bool(expected["hold"])
        assert (0 if held else amount) == expected["pay"]
    else:
        assert not held
        assert amount == expected


@pytest.mark.parametrize(
    ("km", "inclusive", "expected"),
    [
        ("99.9", True, 1980),
        ("100.0", True, 4030),
        ("100.0", False, 1980),
        ("100.1", False, 4030),
        (None, True, 1980),
    ],
)
def test_express_and_seat_need_a_hundred_kilometres(km: str | None, inclusive: bool, expected: int) -> None:
    line = travel_line("鉄道", 9999, km=Decimal(km) if km else None, fare=1980, express=1520, reserved=530)
    assert paid(line, rules=rules_with(express_threshold_inclusive=inclusive)) == expected


def test_an_ordinary_fare_is_a_ceiling_or_a_flat_amount_by_reading() -> None:
    line = travel_line("航空", 30000, ordinary_fare=35000, receipt=True, stub=True)
    assert paid(line) == 30000
    assert paid(line, rules=rules_with(ordinary_fare_reading="flat")) == 35000


def test_without_any_fare_the_claim_is_the_rule_amount() -> None:
    assert paid(travel_line("航空", 30000, receipt=True, stub=True)) == 30000


@pytest.mark.parametrize(("seat", "held"), [("", set()), ("普通席", set()), ("上位席", {"T05"})])
@pytest.mark.parametrize("kind", ["航空", "船"])
def test_a_better_seat_holds_air_and_ship(kind: str, seat: str, held: set[str]) -> None:
    assert assessed(travel_line(kind, 5000, receipt=True, stub=True, seat=seat))[1] == held


@pytest.mark.parametrize(
    ("stub", "receipt", "held"), [(True, True, set()), (False, True, {"T01"}), (True, False, {"T01"})]
)
def test_air_needs_stub_and_receipt(stub: bool, receipt: bool, held: set[str]) -> None:
    assert assessed(travel_line("航空", 5000, receipt=receipt, stub=stub))[1] == held


@pytest.mark.parametrize(
    ("fast", "parallel", "receipt", "held"),
    [
        (True, True, False, {"T02"}),
        (True, True, True, set()),
        (True, False, False, set()),
        (False, True, False, set()),
    ],
)
def test_a_ship_needs_a_receipt_only_for_a_fast_boat_beside_a_slow_one(
    fast: bool, parallel: bool, receipt: bool, held: set[str]
) -> None:
    line = travel_line("船", 5000, fast_boat=fast, parallel_route=parallel, receipt=receipt)
    assert assessed(line)[1] == held


def test_a_taxi_without_receipt_and_with_public_transport_has_both_problems() -> None:
    assert assessed(travel_line("タクシー", 2340))[1] == {"T02", "T03"}
    assert assessed(travel_line("タクシー", 2340, receipt=True, no_public_transport=True)) == (2340, set())


def test_a_rental_car_is_paid_what_the_office_accepted_at_most_the_claim() -> None:
    common: dict[str, Any] = {"receipt": True, "no_public_transport": True}
    assert assessed(travel_line("レンタカー", 7700, accepted_yen=6600, **common)) == (6600, set())
    assert assessed(travel_line("レンタカー", 5000, accepted_yen=6600, **common)) == (5000, set())
    assert assessed(travel_line("レンタカー", 7700, **common))[1] == {"T06"}


def test_receipt_and_reason_of_a_rental_car_are_readings() -> None:
    line = travel_line("レンタカー", 7700, accepted_yen=6600)
    assert assessed(line)[1] == {"T02", "T03"}
    lenient = rules_with(rental_needs_receipt=False, rental_needs_no_public_transport=False)
    assert assessed(line, rules=lenient) == (6600, set())


@pytest.mark.parametrize(("claimed", "expected"), [(9799, 9799), (9800, 9800), (9801, 9800)])
def test_a_night_is_paid_up_to_the_cap(claimed: int, expected: int) -> None:
    assert paid(travel_line("宿泊", claimed, receipt=True, reason="遠方", lodging_kind="旅館")) == expected


@pytest.mark.parametrize("lodging_kind", ["民泊", "ゲストハウス"])
def test_a_private_lodging_is_paid_nothing_and_explained_but_not_held(lodging_kind: str) -> None:
    line = travel_line("宿泊", 7000, receipt=True, reason="満室", lodging_kind=lodging_kind)
    assert assessed(line) == (0, set())
    (result,) = assess(visit(travel_lines=(line,)), R3)
    assert f"{lodging_kind}は支給の対象外 = 0円" in result.explanation


def test_receipt_and_reason_are_asked_for_a_private_lodging_too() -> None:
    assert assessed(travel_line("宿泊", 7000, lodging_kind="民泊"))[1] == {"T02", "T04"}


def test_a_reason_may_be_asked_for_several_nights_only() -> None:
    rules = rules_with(lodging_reason="several_nights")
    night = travel_line("宿泊", 7000, receipt=True)
    second = travel_line("宿泊", 7000, 2, receipt=True)
    assert assessed(night)[1] == {"T04"}
    assert assessed(night, rules=rules)[1] == set()
    assert assessed(night, second, rules=rules)[1] == {"T04"}


def test_the_legs_of_a_car_are_summed_before_they_are_cut_and_give_one_line() -> None:
    legs = [
        travel_line("私有車", 2000, number, accepted_km=Decimal(leg))
        for number, leg in enumerate(("45.6", "12.3", "45.6"), start=3)
    ]
    (result,) = assess(visit(travel_lines=tuple(legs)), R3)
    assert (result.amount, result.line_no) == (103 * 37, 3)
    assert result.explanation == "私有車 45.6km＋12.3km＋45.6km = 103.5km → 103km × 37円 = 3,811円"


def test_the_claims_of_a_car_are_the_limit_of_their_sum() -> None:
    (result,) = assess(visit(travel_lines=(travel_line("私有車", 100, accepted_km=Decimal("50.0")),)), R3)
    assert result.amount == 100
    assert result.explanation == "私有車 50km → 50km × 37円 = 1,850円、請求額の計 100円まで = 100円"


def test_one_unmeasured_leg_holds_the_car() -> None:
    measured = travel_line("私有車", 900, 1, accepted_km=Decimal("20"))
    assert assessed(measured, travel_line("私有車", 900, 2, km=Decimal("20")))[1] == {"T07"}
    assert assessed(measured)[1] == set()


@pytest.mark.parametrize(("accepted", "expected"), [(None, 1500), (1200, 1200), (0, 0), (9999, 1500)])
def test_the_least_of_claim_rule_and_acceptance_is_paid(accepted: int | None, expected: int) -> None:
    line = travel_line("鉄道", 1500, fare=2000, accepted_yen=accepted)
    assert paid(line) == expected
    if accepted is not None and accepted < 1500:
        (result,) = assess(visit(travel_lines=(line,)), R3)
        assert f"認定額 {accepted:,}円まで" in result.explanation


def test_an_empty_fare_counts_nothing() -> None:
    assert paid(travel_line("バス", 500)) == 0
    assert paid(travel_line("鉄道", 500, km=Decimal(120), express=300)) == 300


def test_every_travel_kind_of_the_exchange_files_has_a_rule() -> None:
    assert set(KINDS) == set(codes.TRAVEL_KINDS)


amounts = st.none() | st.integers(min_value=0, max_value=200_000)


@given(
    kind=st.sampled_from(codes.TRAVEL_KINDS),
    claimed=st.integers(min_value=0, max_value=200_000),
    accepted=amounts,
    fares=st.tuples(amounts, amounts, amounts, amounts, amounts),
    km=st.none() | st.decimals(min_value=0, max_value=2000, places=1),
)
def test_no_line_pays_more_than_was_claimed_or_accepted(
    kind: str, claimed: int, accepted: int | None, fares: tuple[int | None, ...], km: Decimal | None
) -> None:
    fare, express, reserved, roundtrip, ordinary = fares
    own_car = kind == codes.TRAVEL_CAR
    line = travel_line(
        kind,
        claimed,
        km=km,
        fare=fare,
        express=express,
        reserved=reserved,
        roundtrip_fare=roundtrip,
        ordinary_fare=ordinary,
        accepted_km=km if own_car else None,
        accepted_yen=None if own_car else accepted,
    )
    (result,) = assess(visit(travel_lines=(line,)), R3)
    assert 0 <= result.amount <= claimed
    if accepted is not None and not own_car:
        assert result.amount <= accepted
    assert result.day == date(2021, 7, 5)
