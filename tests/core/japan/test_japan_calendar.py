"""Open days, due dates, fiscal years and Japanese dates."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.japan import calendar

VECTORS = Path(__file__).resolve().parents[2] / "data" / "vectors"
CASES: list[dict[str, Any]] = json.loads((VECTORS / "due_dates.json").read_text(encoding="utf-8"))["cases"]
days = st.dates(min_value=date(2021, 4, 1), max_value=date(2030, 12, 31))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_due_date_vector(case: dict[str, Any]) -> None:
    ((question, value),) = case["input"].items()
    if question == "paid":
        assert calendar.withholding_due(date.fromisoformat(value)).isoformat() == case["expected"]
    elif question == "form309_year":
        assert calendar.form309_due(value).isoformat() == case["expected"]
    else:
        assert calendar.bank_open(date.fromisoformat(value)) is case["expected"]


@pytest.mark.parametrize(
    ("day", "bank", "tax_office"),
    [
        (date(2026, 12, 28), True, True),
        (date(2026, 12, 29), True, False),
        (date(2026, 12, 30), True, False),
        (date(2026, 12, 31), False, False),
        (date(2027, 1, 1), False, False),
        (date(2025, 1, 2), False, False),
        (date(2025, 1, 3), False, False),
        (date(2027, 1, 4), True, True),
        (date(2021, 7, 22), False, False),
        (date(2021, 7, 24), False, False),
        (date(2021, 8, 9), False, False),
    ],
)
def test_open_days_of_banks_and_tax_offices(day: date, bank: bool, tax_office: bool) -> None:
    assert (calendar.bank_open(day), calendar.tax_office_open(day)) == (bank, tax_office)


def test_the_next_banking_day_is_the_day_itself_when_it_is_open() -> None:
    assert calendar.next_bank_day(date(2021, 8, 25)) == date(2021, 8, 25)
    assert calendar.next_bank_day(date(2021, 8, 7)) == date(2021, 8, 10)


@given(days)
def test_tax_is_due_in_the_next_month_on_an_open_day_from_the_tenth(paid: date) -> None:
    due = calendar.withholding_due(paid)
    tenth = (paid.replace(day=1) + timedelta(days=32)).replace(day=10)
    assert tenth <= due < tenth + timedelta(days=10)
    assert calendar.tax_office_open(due)
    assert not any(calendar.tax_office_open(tenth + timedelta(days=n)) for n in range((due - tenth).days))


@given(days)
def test_a_day_lies_between_the_ends_of_its_fiscal_year(day: date) -> None:
    year = calendar.fiscal_year(day)
    assert calendar.fiscal_year_start(year) <= day <= calendar.fiscal_year_end(year)


def test_dates_read_as_in_japanese_documents() -> None:
    day = date(2026, 11, 20)
    assert calendar.long_date(day) == "2026年11月20日"
    assert calendar.long_date_with_weekday(day) == "2026年11月20日（金）"
    assert calendar.era_date(day) == "令和8年11月20日"


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2019, 5, 1), "令和元年"),
        (date(2019, 4, 30), "平成31年"),
        (date(1989, 1, 8), "平成元年"),
        (date(1989, 1, 7), "昭和64年"),
        (date(1920, 1, 1), "1920年"),
    ],
)
def test_eras_change_on_their_day(day: date, expected: str) -> None:
    assert calendar.era_year(day) == expected


def test_fiscal_years_are_named_by_era() -> None:
    assert [calendar.fiscal_year_name(year) for year in (2018, 2019, 2021)] == [
        "平成30年度",
        "令和元年度",
        "令和3年度",
    ]
