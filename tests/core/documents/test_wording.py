"""How documents write money, dates and times."""

import datetime as dt

import pytest

from core.documents.wording import clock_span, duration, long_date, masked_account_number, yen


def test_money_has_separators_and_its_unit() -> None:
    assert [yen(0), yen(13200), yen(-1554)] == ["0円", "13,200円", "-1,554円"]


def test_a_date_names_its_weekday() -> None:
    assert long_date(dt.date(2021, 8, 25)) == "2021年8月25日（水）"


def test_an_end_after_midnight_is_on_the_next_day() -> None:
    assert clock_span(dt.time(9), dt.time(11, 30)) == "9:00～11:30"
    assert clock_span(dt.time(23, 40), dt.time(0, 5)) == "23:40～翌0:05"


@pytest.mark.parametrize(("minutes", "words"), [(150, "2時間30分"), (120, "2時間"), (25, "25分"), (0, "0分")])
def test_minutes_are_told_in_hours(minutes: int, words: str) -> None:
    assert duration(minutes) == words


@pytest.mark.parametrize(("number", "masked"), [("5983246", "****246"), ("0000012", "****012"), ("12", "12")])
def test_an_account_number_shows_its_last_three_digits(number: str, masked: str) -> None:
    assert masked_account_number(number) == masked
