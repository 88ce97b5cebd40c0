"""One expert's month (rules.md §3, §4): what is payable, cap and per diem over days, itineraries and runs."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rule_facts import CUTOFF, R3, every_day, payee, rules_with, travel_line, visit

from rules import codes
from rules.facts import NOTHING_EARLIER, Earlier, PaidVisit, Visit
from rules.month import ExpertMonth, calculate_expert, findings_of_expert
from rules.ruleset import RuleSet


def day_visit(
    number: str, day: int, hour: int = 9, minutes: int = 60, km: str | None = None, **changes: Any
) -> Visit:
    start = datetime(2021, 7, day, hour)
    lines = (travel_line("バス", 100, km=Decimal(km), fare=100),) if km else ()
    return visit(number, start, start + timedelta(minutes=minutes), travel_lines=lines, **changes)


def month(*visits: Visit, earlier: Earlier = NOTHING_EARLIER, rules: RuleSet = R3) -> ExpertMonth:
    return calculate_expert(payee(), visits, earlier, CUTOFF, every_day(rules), rules)


def per_diems(result: ExpertMonth) -> list[tuple[str, int]]:
    return [(line.number, line.amount) for line in result.lines if line.item == codes.ITEM_PER_DIEM]


def fees(result: ExpertMonth) -> dict[str, int]:
    return {line.number: line.amount for line in result.lines if line.item == codes.ITEM_FEE}


def test_two_visits_of_one_day_share_the_cap_in_time_order() -> None:
    result = month(day_visit("D1", 5, 16, 120), day_visit("D2", 5, 13, 120), day_visit("D3", 5, 9, 210))
    assert fees(result) == {"D3": 18480, "D2": 10560, "D1": 2640}


def test_equal_starts_are_ordered_by_number() -> None:
    result = month(day_visit("D2", 5, 9, 300), day_visit("D1", 5, 9, 300))
    assert fees(result) == {"D1": 26400, "D2": 5280}


def test_a_visit_across_midnight_belongs_to_the_day_it_began() -> None:
    result = month(day_visit("D1", 6, 23, 180), day_visit("D2", 7, 9, 360))
    assert fees(result) == {"D1": 15840, "D2": 31680}


def test_a_break_is_no_support() -> None:
    assert fees(month(day_visit("D1", 5, minutes=120, break_minutes=1))) == {"D1": 7920}


def test_a_used_up_cap_leaves_an_explained_line_of_nothing() -> None:
    earlier = Earlier({date(2021, 7, 5): 31680}, frozenset(), ())
    result = month(day_visit("D1", 5), earlier=earlier)
    (line,) = result.lines
    assert line.amount == 0
    assert "残り 0円" in line.explanation
    assert result.totals is not None
    assert result.totals.net == 0


def test_what_is_held_stays_out_alone() -> None:
    result = month(day_visit("D1", 5), day_visit("D2", 6, report_at=None))
    assert result.payable == ("D1",)
    assert [(number, finding.code) for number, finding in result.holds] == [("D2", "P01")]
    assert result.totals is not None
    assert result.totals.count == 1


def test_a_held_visit_uses_no_cap() -> None:
    result = month(day_visit("D1", 5, 9, 300, attested_at=None), day_visit("D2", 5, 15, 300))
    assert fees(result) == {"D2": 26400}


def test_nothing_payable_makes_no_totals() -> None:
    result = month(day_visit("D1", 5, report_at=None))
    assert (result.totals, result.payable, result.lines) == (None, (), ())


def test_a_visit_that_begins_at_the_cut_off_is_not_in_the_month() -> None:
    late = visit("D9", CUTOFF, CUTOFF + timedelta(hours=1))
    assert month(late) == ExpertMonth("E000001", (), (), (), None)


def test_per_diem_needs_the_whole_distance_and_half_an_hour() -> None:
    assert per_diems(month(day_visit("D1", 5, minutes=30, km="100.0"))) == [("D1", 1100)]
    assert per_diems(month(day_visit("D1", 5, minutes=29, km="100.0"))) == []
    assert per_diems(month(day_visit("D1", 5, km="99.9"))) == []


def test_per_diem_sums_the_day() -> None:
    result = month(day_visit("D2", 5, 9, 15, km="60"), day_visit("D1", 5, 13, 15, km="40"))
    assert per_diems(result) == [("D2", 1100)]


def test_accepted_kilometres_count_before_claimed_ones() -> None:
    line = travel_line("私有車", 9999, km=Decimal(120), accepted_km=Decimal("99.9"))
    assert per_diems(month(visit("D1", travel_lines=(line,)))) == []


def test_per_diem_counts_the_itinerary_of_the_day_on_each_of_its_days() -> None:
    result = month(
        day_visit("D1", 5, km="900", itinerary="T1"),
        day_visit("D2", 6, itinerary="T1"),
        day_visit("D3", 7, minutes=29, itinerary="T1"),
        day_visit("D4", 8),
    )
    assert per_diems(result) == [("D1", 1100), ("D2", 1100)]


def test_per_diem_of_the_day_alone_is_another_reading() -> None:
    visits = (day_visit("D1", 5, km="900", itinerary="T1"), day_visit("D2", 6, itinerary="T1"))
    assert per_diems(month(*visits, rules=rules_with(per_diem_scope="day_only"))) == [("D1", 1100)]


def test_exactly_a_hundred_kilometres_may_be_too_little_by_reading() -> None:
    rules = rules_with(per_diem_threshold_inclusive=False)
    assert per_diems(month(day_visit("D1", 5, km="100.0"), rules=rules)) == []
    assert per_diems(month(day_visit("D1", 5, km="100.1"), rules=rules)) == [("D1", 1100)]


def test_a_held_visit_lends_no_kilometres_to_the_per_diem() -> None:
    assert per_diems(month(day_visit("D1", 5, km="900", report_at=None), day_visit("D2", 5, 13))) == []


def earlier_visit(number: str, day: int, minutes: int, km: str, itinerary: str = "") -> PaidVisit:
    return PaidVisit(number, date(2021, 7, day), datetime(2021, 7, day, 8), minutes, itinerary, Decimal(km))


def test_what_earlier_runs_paid_counts_and_the_line_goes_to_this_run() -> None:
    earlier = Earlier({date(2021, 7, 5): 5280}, frozenset(), (earlier_visit("D0", 5, 60, "60"),))
    result = month(day_visit("D1", 5, 14, minutes=15, km="40"), earlier=earlier)
    assert per_diems(result) == [("D1", 1100)]
    (explanation,) = (line.explanation for line in result.lines if line.item == codes.ITEM_PER_DIEM)
    assert explanation == (
        "日当 2021年7月5日 全行程 100km（100km以上）、支援 1時間15分（30分以上） = 1,100円（D0 を含む行程）"
    )


def test_an_earlier_itinerary_of_another_day_counts_too() -> None:
    earlier = Earlier({}, frozenset(), (earlier_visit("D0", 4, 60, "500", "T1"),))
    assert per_diems(month(day_visit("D1", 5, itinerary="T1"), earlier=earlier)) == [("D1", 1100)]


def test_a_day_has_never_two_per_diems() -> None:
    earlier = Earlier({}, {date(2021, 7, 5)}, (earlier_visit("D0", 5, 60, "500"),))
    assert per_diems(month(day_visit("D1", 5, km="500"), earlier=earlier)) == []


def test_lines_are_sorted_by_number_item_and_line_number_as_a_number() -> None:
    claims = tuple(travel_line("バス", 100 + number, number, fare=999) for number in (10, 9, 2))
    taxi = travel_line("タクシー", 0, 11, km=Decimal(100), receipt=True, no_public_transport=True)
    result = month(day_visit("D1", 6), visit("D0", travel_lines=(*claims, taxi)))
    assert [(line.number, line.item, line.line_no) for line in result.lines] == [
        ("D0", "タクシー", 11),
        ("D0", "バス", 2),
        ("D0", "バス", 9),
        ("D0", "バス", 10),
        ("D0", "日当", 0),
        ("D0", "謝金", 0),
        ("D1", "謝金", 0),
    ]


def test_a_waived_hold_no_longer_holds() -> None:
    held = day_visit("D1", 5, client_ordinal=4)
    result = calculate_expert(
        payee(), [held], NOTHING_EARLIER, CUTOFF, every_day(R3), R3, waived={("D1", "L01"), ("D2", "P04")}
    )
    assert (result.payable, result.holds) == (("D1",), ())


def test_only_holds_can_be_waived_and_only_where_there_are_rules() -> None:
    waived = {("D1", "P01"), ("D2", "X04"), ("D3", "L02")}
    visits = [day_visit("D1", 5, report_at=None), day_visit("D2", 6, requested_by_expert=True)]
    found = findings_of_expert(payee(), visits, CUTOFF, every_day(R3), R3, waived)
    assert {number: [finding.code for finding in held] for number, held in found.items()} == {
        "D1": ["P01"],
        "D2": ["X04"],
    }
    found = findings_of_expert(payee(), [day_visit("D3", 7)], CUTOFF, every_day(None), R3, waived)
    assert [finding.code for finding in found["D3"]] == ["L02"]


def test_each_visit_is_calculated_by_the_rules_of_its_day_and_the_payout_by_those_of_payment() -> None:
    dearer = rules_with(fee_unit_yen=3000, fee_day_cap_yen=99999)
    later = date(2021, 7, 15)
    result = calculate_expert(
        payee(),
        [day_visit("D1", 5), day_visit("D2", 20)],
        NOTHING_EARLIER,
        CUTOFF,
        lambda day: dearer if day >= later else R3,
        rules_with(withholding_percent="10"),
    )
    assert fees(result) == {"D1": 5280, "D2": 6000}
    assert result.totals is not None
    assert result.totals.withholding == 1128


visit_days = st.lists(
    st.tuples(
        st.integers(min_value=1, max_value=5),
        st.integers(min_value=6, max_value=18),
        st.integers(min_value=1, max_value=300),
        st.none() | st.integers(min_value=0, max_value=150),
        st.sampled_from(["", "T1", "T2"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


def made_of(drawn: list[tuple[int, int, int, int | None, str, bool]]) -> list[Visit]:
    return [
        day_visit(
            f"D{index}",
            day,
            hour,
            minutes,
            None if km is None else str(km),
            itinerary=itinerary,
            report_at=datetime(2021, 7, 30) if reported else None,
        )
        for index, (day, hour, minutes, km, itinerary, reported) in enumerate(drawn)
    ]


@given(visit_days, st.randoms(use_true_random=False))
def test_the_result_does_not_depend_on_the_order_of_the_visits(drawn: Any, shuffle: random.Random) -> None:
    visits = made_of(drawn)
    shuffled = visits[:]
    shuffle.shuffle(shuffled)
    assert month(*visits) == month(*shuffled)


@given(visit_days)
def test_the_sums_agree_and_no_day_exceeds_cap_or_one_per_diem(drawn: Any) -> None:
    result = month(*made_of(drawn))
    fee_by_day: dict[date, int] = {}
    per_diem_by_day: dict[date, int] = {}
    for line in result.lines:
        if line.item == codes.ITEM_FEE:
            fee_by_day[line.day] = fee_by_day.get(line.day, 0) + line.amount
        elif line.item == codes.ITEM_PER_DIEM:
            per_diem_by_day[line.day] = per_diem_by_day.get(line.day, 0) + line.amount
    assert all(amount <= R3.fee_day_cap_yen for amount in fee_by_day.values())
    assert all(amount == R3.per_diem_yen for amount in per_diem_by_day.values())
    if result.totals is None:
        assert not result.lines
    else:
        assert sum(line.amount for line in result.lines) == result.totals.gross
        assert {line.number for line in result.lines} == set(result.payable)


@given(visit_days)
def test_two_runs_pay_no_day_more_than_one_run_would(drawn: Any) -> None:
    """What is held in the first run and cleared for the second adds up within the same cap and per diem."""
    visits = made_of(drawn)
    first = month(*visits)
    by_number = {made.number: made for made in visits}
    fee_by_day: dict[date, int] = {}
    for line in first.lines:
        if line.item == codes.ITEM_FEE:
            fee_by_day[line.day] = fee_by_day.get(line.day, 0) + line.amount
    earlier = Earlier(
        fee_by_day,
        {line.day for line in first.lines if line.item == codes.ITEM_PER_DIEM},
        tuple(
            PaidVisit(
                number,
                by_number[number].start.date(),
                by_number[number].start,
                int((by_number[number].end - by_number[number].start).total_seconds()) // 60,
                by_number[number].itinerary,
                sum((line.km or Decimal(0) for line in by_number[number].travel_lines), Decimal(0)),
            )
            for number in first.payable
        ),
    )
    cleared = [
        made for made in made_of([(*entry[:5], True) for entry in drawn]) if made.number not in first.payable
    ]
    second = month(*cleared, earlier=earlier)
    for day in {line.day for line in (*first.lines, *second.lines)}:
        of_day = [line for line in (*first.lines, *second.lines) if line.day == day]
        assert sum(line.amount for line in of_day if line.item == codes.ITEM_FEE) <= R3.fee_day_cap_yen
        assert sum(line.item == codes.ITEM_PER_DIEM for line in of_day) <= 1
