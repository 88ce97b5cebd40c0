"""Numbers with check digits, code text, prefectures and industries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.japan import industries, numbers, prefectures, text
from rules import codes

VECTORS = Path(__file__).resolve().parents[2] / "data" / "vectors"


def cases(name: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))["cases"]
    return loaded


@pytest.mark.parametrize("case", cases("houjin_number"), ids=lambda case: str(case["id"]))
def test_corporate_number_vector(case: dict[str, Any]) -> None:
    assert numbers.is_corporate_number(case["input"]["houjin"]) is case["expected"]


@pytest.mark.parametrize("case", cases("t_number"), ids=lambda case: str(case["id"]))
def test_registration_number_vector(case: dict[str, Any]) -> None:
    given = case["input"]
    assert numbers.check_registration_number(given["text"], given["corporate"]) == case["expected"]


def test_numbers_take_plain_digits_only() -> None:
    assert not numbers.is_corporate_number("７０００012050002")
    assert not numbers.is_corporate_number("7000012050002\n")


@pytest.mark.parametrize(
    ("typed", "stored"), [("０１２３４５６", "0123456"), (" Ｋ００００１　", "K00001"), ("ﾃｽﾄ", "テスト")]
)
def test_codes_are_stored_in_plain_characters(typed: str, stored: str) -> None:
    assert text.normal_code(typed) == stored


def test_digits_lose_their_dashes() -> None:
    assert text.normal_digits("０３ー１２３４－5678") == "0312345678"
    assert text.normal_digits("03‐1234 5678") == "0312345678"


@pytest.mark.parametrize(("count", "shown"), [(45, "45分"), (60, "1時間"), (150, "2時間30分"), (0, "0分")])
def test_minutes_and_yen_read_naturally(count: int, shown: str) -> None:
    assert text.minutes(count) == shown
    assert text.yen(13200) == "13,200円"


def test_there_are_forty_seven_prefectures_in_nine_bureaus() -> None:
    assert tuple(f"{number:02}" for number in range(1, 48)) == prefectures.CODES
    assert {prefecture.bureau for prefecture in prefectures.PREFECTURES} == set(prefectures.BUREAUS)
    assert prefectures.prefecture_name("13") == "東京都"
    assert prefectures.prefecture_name("47") == "沖縄県"


@pytest.mark.parametrize(
    ("name", "bureau"),
    [
        ("新潟県", "関東経済産業局"),
        ("山梨県", "関東経済産業局"),
        ("長野県", "関東経済産業局"),
        ("静岡県", "関東経済産業局"),
        ("富山県", "中部経済産業局"),
        ("石川県", "中部経済産業局"),
        ("三重県", "中部経済産業局"),
        ("福井県", "近畿経済産業局"),
        ("沖縄県", "沖縄総合事務局"),
    ],
)
def test_prefectures_whose_bureau_surprises(name: str, bureau: str) -> None:
    (prefecture,) = (entry for entry in prefectures.PREFECTURES if entry.name == name)
    assert prefectures.bureau_of(prefecture.code) == bureau


def test_every_industry_code_of_the_exchange_files_has_a_name() -> None:
    assert tuple(industries.INDUSTRIES) == codes.INDUSTRY_CODES
    assert industries.industry_name("E") == "製造業"
