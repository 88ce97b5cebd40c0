"""A rule set is data (rules.md §1, §6): read, checked, written back, described for a form."""

from __future__ import annotations

import json
import pickle
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from rule_facts import R3

from rules.dates import MonthDay, fiscal_year
from rules.ruleset import FIELDS, LABELS, RuleSet, RuleSetError, builtin, load_builtin


def test_r3_says_what_the_rules_say() -> None:
    assert (R3.fee_unit_yen, R3.fee_unit_minutes, R3.fee_day_cap_yen) == (2640, 30, 31680)
    assert R3.dispatch_period(2021) == (date(2021, 4, 1), date(2022, 2, 28))
    assert R3.pay_by_date(2021) == date(2022, 3, 31)
    assert (R3.car_yen_per_km, R3.express_min_km, R3.lodging_cap_yen) == (37, Decimal("100.0"), 9800)
    assert (R3.per_diem_yen, R3.per_diem_min_km, R3.per_diem_min_minutes) == (1100, Decimal("100.0"), 30)
    assert (R3.time_tolerance_seconds, R3.place_tolerance_m, R3.accuracy_cap_m) == (600, 300, 200)
    assert (R3.withholding_percent, R3.withholding_high_percent) == (Decimal("10.21"), Decimal("20.42"))
    assert R3.limit_for("創業") == 3
    assert R3.warn_after_days == 60


def test_r3_is_in_force_for_its_fiscal_year() -> None:
    assert (builtin("R3").first_day, builtin("R3").end_day) == (date(2021, 4, 1), date(2022, 4, 1))
    with pytest.raises(KeyError):
        load_builtin("R99")


def test_values_survive_json_and_a_worker_process() -> None:
    stored = json.loads(json.dumps(R3.values(), ensure_ascii=False))
    assert RuleSet.from_values("R3", stored) == R3
    assert stored == builtin("R3").values
    assert pickle.loads(pickle.dumps(R3)) == R3  # noqa: S301


def test_every_value_is_described_for_a_form() -> None:
    assert [field.name for field in FIELDS] == [
        field.name for field in fields(RuleSet) if field.name != "code"
    ]
    for field in FIELDS:
        assert field.label
        assert field.help
        assert all(label for _, label in field.choices)
    assert len(set(LABELS.values())) == len(FIELDS)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("fee_unit_yen", "二千", "整数を入力してください"),
        ("fee_unit_yen", 0, "1以上"),
        ("fee_unit_yen", True, "整数を入力してください"),
        ("fee_unit_yen", 1.5, "整数を入力してください"),
        ("withholding_percent", "abc", "数値を入力してください"),
        ("withholding_percent", "NaN", "数値を入力してください"),
        ("withholding_percent", "101", "100以下"),
        ("fee_rounding", "nearest", "次から選んでください"),
        ("fee_earlier_runs_use_cap", "yes", "はい"),
        ("dispatch_period_to", "02-30", "「02-末」"),
        ("dispatch_period_to", 229, "「02-末」"),
        ("lodging_unpaid_kinds", ["民家"], "次から選んでください"),
        ("lodging_unpaid_kinds", "民泊", "一覧で指定してください"),
        ("client_limit_by_topic", {"料理": 3}, "知らない区分です: 料理"),
        ("client_limit_by_topic", {"創業": "x"}, "創業: 整数を入力してください"),
        ("client_limit_by_topic", 3, "区分ごとの値"),
        ("slip_by_class", {"法人": ""}, "区分が足りません"),
    ],
)
def test_a_wrong_value_is_refused_in_japanese(name: str, value: Any, message: str) -> None:
    with pytest.raises(RuleSetError, match=message) as refused:
        RuleSet.from_values("X", R3.values() | {name: value})
    assert [field for field, _ in refused.value.problems] == [name]
    assert LABELS[name] in str(refused.value)


def test_all_wrong_fields_are_listed_at_once() -> None:
    values = R3.values() | {"fee_unit_yen": -1, "unknown": 1}
    del values["pay_by"]
    with pytest.raises(RuleSetError) as refused:
        RuleSet.from_values("X", values)
    assert dict(refused.value.problems) == {
        "fee_unit_yen": "1以上9,999,999,999以下で入力してください",
        "pay_by": "値がありません",
        "unknown": "知らない項目です",
    }


def test_numbers_typed_as_text_are_accepted() -> None:
    assert RuleSet.from_values("X", R3.values() | {"fee_unit_yen": "2700"}).fee_unit_yen == 2700


@pytest.mark.parametrize(
    ("text", "year", "expected"),
    [
        ("04-01", 2021, date(2021, 4, 1)),
        ("02-末", 2021, date(2022, 2, 28)),
        ("02-末", 2023, date(2024, 2, 29)),
        ("02-29", 2021, date(2022, 2, 28)),
        ("03-31", 2021, date(2022, 3, 31)),
        ("12-末", 2021, date(2021, 12, 31)),
    ],
)
def test_a_month_day_falls_within_the_fiscal_year(text: str, year: int, expected: date) -> None:
    assert MonthDay.parse(text).within(year) == expected
    assert str(MonthDay.parse(text)) == text


def test_month_days_have_a_japanese_form() -> None:
    assert MonthDay.parse("02-末").label() == "2月末日"
    assert MonthDay.parse("04-01").label() == "4月1日"


def test_the_fiscal_year_begins_in_april() -> None:
    assert (fiscal_year(date(2022, 3, 31)), fiscal_year(date(2022, 4, 1))) == (2021, 2022)
