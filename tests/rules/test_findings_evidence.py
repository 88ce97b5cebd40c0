"""E01–E05: check-in, check-out, signature, place and time, on both sides of each boundary (rules.md §5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from rule_facts import (
    END,
    LAT,
    LON,
    START,
    codes,
    declared,
    end_event,
    event,
    findings,
    rules_with,
    start_event,
    visit,
)

from rules.findings import Finding
from rules.findings.evidence import distance_m

SECOND = timedelta(seconds=1)
TEN_MINUTES = timedelta(minutes=10)


def north_of_place(metres: float) -> float:
    return LAT + metres / 111_195.0797


def test_e01_no_start_event_and_no_declaration() -> None:
    assert codes(visit(events=(end_event(),))) == {"E01"}


def test_e01_is_lifted_by_a_declaration_with_a_time() -> None:
    assert codes(visit(events=(end_event(),), declarations=(declared("開始報告失念", START),))) == set()


def test_e01_a_declaration_without_a_reason_does_not_count() -> None:
    without = replace(declared("開始報告失念", START), reason="　")
    assert codes(visit(events=(end_event(),), declarations=(without,))) == {"E01"}


def test_e02_no_end_event_and_no_declaration() -> None:
    assert codes(visit(events=(start_event(),))) == {"E02"}
    assert codes(visit(events=(start_event(),), declarations=(declared("終了報告失念", end=END),))) == set()


def test_e02_the_declaration_of_the_start_does_not_help_the_end() -> None:
    assert codes(visit(events=(start_event(),), declarations=(declared("開始報告失念", START),))) == {"E02"}


def test_e03_an_end_event_without_a_signature() -> None:
    unsigned = (start_event(), end_event(signer=""))
    assert codes(visit(events=unsigned)) == {"E03"}
    assert codes(visit(events=unsigned, declarations=(declared("署名不備"),))) == set()
    assert codes(visit(events=unsigned, method="WEB", web_approved=True)) == set()


def test_e03_a_web_signature_may_be_asked_for() -> None:
    made = visit(events=(start_event(), end_event(signer="")), method="WEB", web_approved=True)
    assert codes(made, rules=rules_with(web_checks_signature=True)) == {"E03"}


def test_e03_the_latest_end_event_is_the_one_that_counts() -> None:
    earlier = event("終了", END - TEN_MINUTES, signer="")
    later = event("終了", END, signer="代表")
    assert codes(visit(events=(start_event(), later, earlier))) == set()
    unsigned_later = event("終了", END, signer="")
    signed_earlier = event("終了", END - TEN_MINUTES, signer="代表")
    assert codes(visit(events=(start_event(), signed_earlier, unsigned_later))) == {"E03"}


@pytest.mark.parametrize(
    ("metres", "accuracy", "held"),
    [
        (299.5, 0.0, False),
        (300.5, 0.0, True),
        (300.5, None, True),
        (309.5, 10.0, False),
        (310.5, 10.0, True),
        (499.5, 200.0, False),
        (500.5, 200.0, True),
        (500.5, 400.0, True),
        (499.5, 400.0, False),
    ],
)
def test_e04_an_event_farther_than_the_tolerance(metres: float, accuracy: float | None, held: bool) -> None:
    far = start_event(lat=north_of_place(metres), accuracy_m=accuracy)
    assert codes(visit(events=(far, end_event()))) == ({"E04"} if held else set())


def test_e04_an_event_without_a_position() -> None:
    lost = (start_event(lat=None, lon=None), end_event())
    found = findings(visit(events=lost))
    assert set(found) == {"E04"}
    assert found["E04"].actual == "開始: 位置なし"
    assert codes(visit(events=lost, declarations=(declared("位置情報不備"),))) == set()
    assert codes(visit(events=lost, method="WEB", web_approved=True)) == set()


def test_e04_a_web_place_may_be_asked_for() -> None:
    made = visit(events=(start_event(lat=None), end_event()), method="WEB", web_approved=True)
    assert codes(made, rules=rules_with(web_checks_place=True)) == {"E04"}


def test_e04_only_the_events_that_count_are_judged() -> None:
    stray = event("開始", START + TEN_MINUTES, lat=north_of_place(5000))
    assert codes(visit(events=(start_event(), stray, end_event()))) == set()


def test_e04_both_events_are_told_in_one_finding() -> None:
    far = north_of_place(3000)
    found = findings(visit(events=(start_event(lat=far), end_event(lat=far))))
    assert set(found) == {"E04"}
    assert "開始: 3,000.0m" in found["E04"].actual
    assert "終了: 3,000.0m" in found["E04"].actual


def test_the_distance_is_the_great_circle_of_the_mean_radius() -> None:
    quarter = distance_m(0.0, 0.0, 0.0, 90.0)
    assert quarter == pytest.approx(6_371_008.8 * 3.141592653589793 / 2)
    assert distance_m(LAT, LON, LAT, LON) == 0


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("beyond", "held"), [(timedelta(0), False), (SECOND, True)])
def test_e05_an_event_more_than_ten_minutes_off(sign: int, beyond: timedelta, held: bool) -> None:
    expected = {"E05"} if held else set()
    shifted = sign * (TEN_MINUTES + beyond)
    assert codes(visit(events=(event("開始", START + shifted), end_event()))) == expected
    assert codes(visit(events=(start_event(), event("終了", END + shifted)))) == expected


def test_e05_is_lifted_by_a_time_correction() -> None:
    events = (event("開始", START - timedelta(hours=1)), end_event())
    assert codes(visit(events=events, declarations=(declared("時刻訂正"),))) == set()


def test_e05_a_declared_time_is_judged_where_the_event_is_missing() -> None:
    def with_declared(start: datetime | None) -> set[str]:
        return codes(visit(events=(end_event(),), declarations=(declared("開始報告失念", start),)))

    assert with_declared(START + TEN_MINUTES) == set()
    assert with_declared(START + TEN_MINUTES + SECOND) == {"E05"}
    assert with_declared(None) == {"E05"}


def test_e05_a_declared_time_is_not_judged_where_the_event_is_there() -> None:
    made = visit(declarations=(declared("開始報告失念", START - timedelta(hours=3)),))
    assert codes(made) == set()


def test_e05_the_earliest_start_is_the_one_that_counts() -> None:
    too_early = event("開始", START - timedelta(minutes=30))
    assert codes(visit(events=(start_event(), too_early, end_event()))) == {"E05"}


def test_e05_is_asked_of_web_too() -> None:
    events = (event("開始", START - timedelta(minutes=30)), end_event())
    assert codes(visit(events=events, method="WEB", web_approved=True)) == {"E05"}


def test_e05_says_expected_and_actual_in_plain_words() -> None:
    found = findings(visit(events=(event("開始", START - timedelta(minutes=19)), end_event())))
    assert found["E05"] == Finding(
        "E05",
        "保留",
        "開始の記録の時刻が実施開始と異なります",
        "実施開始 13:00 の前後10分以内",
        "開始の記録: 12:41（19分早い）",
    )
