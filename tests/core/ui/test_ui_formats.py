"""Filters show amounts, dates and durations the way the office writes them."""

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils.safestring import SafeString, mark_safe

from core.ui.templatetags import ui

JST = ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(13200, "13,200円"), (0, "0円"), (-1100, "-1,100円"), (9_999_999_999, "9,999,999,999円"), (None, "—")],
)
def test_yen_are_grouped_by_thousands_and_nothing_is_a_dash(value: int | None, shown: str) -> None:
    assert ui.yen(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(150, "2時間30分"), (120, "2時間"), (29, "29分"), (0, "0分"), (-90, "-1時間30分"), (None, "—")],
)
def test_minutes_are_hours_and_minutes(value: int | None, shown: str) -> None:
    assert ui.minutes(value) == shown


def test_a_date_carries_its_weekday() -> None:
    assert ui.jdate(dt.date(2026, 11, 20)) == "2026年11月20日（金）"
    assert ui.shortdate(dt.date(2026, 11, 3)) == "2026/11/03（火）"
    assert ui.jdate(None) == "—"


def test_a_moment_is_shown_in_japans_time() -> None:
    late = dt.datetime(2026, 11, 20, 15, 30, tzinfo=dt.UTC)
    assert ui.jdatetime(late) == "2026年11月21日（土） 00:30"
    assert ui.shortdatetime(late) == "2026/11/21 00:30"
    assert ui.jdate(late) == "2026年11月21日（土）"


def test_seconds_of_a_time_show_only_where_there_are_some() -> None:
    assert ui.jtime(dt.datetime(2026, 11, 20, 13, 0, tzinfo=JST)) == "13:00"
    assert ui.jtime(dt.datetime(2026, 11, 20, 13, 0, 5, tzinfo=JST)) == "13:00:05"


@pytest.mark.parametrize(
    ("value", "shown"), [(-1128, "−18分48秒"), (62, "+1分2秒"), (600, "+10分"), (0, "差なし"), (None, "—")]
)
def test_a_difference_of_times_has_its_sign(value: int | None, shown: str) -> None:
    assert ui.seconds(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(142.4, "142m"), (999.4, "999m"), (1530, "1.5km"), (None, "—")])
def test_distances_are_metres_until_a_kilometre(value: float | None, shown: str) -> None:
    assert ui.metres(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(Decimal("12.40"), "12.4km"), (Decimal("100"), "100km"), (0, "0km"), (None, "—")]
)
def test_kilometres_have_minimal_decimals(value: Decimal | None, shown: str) -> None:
    assert ui.km(value) == shown


def test_a_month_comes_from_a_date_or_from_its_text() -> None:
    assert ui.jmonth(dt.date(2026, 10, 1)) == "2026年10月"
    assert ui.jmonth("2026-10") == "2026年10月"


@pytest.mark.parametrize(("number", "shown"), [("1234567", "****567"), ("123", "123"), ("", "—")])
def test_an_account_number_shows_its_last_three_digits_only(number: str, shown: str) -> None:
    assert ui.masked(number) == shown


def test_style_attributes_leave_generated_markup_and_its_safety_stays_as_it_was() -> None:
    cleaned = ui.without_style(mark_safe('<ins style="background:#e6ffe6;">新</ins>'))
    assert cleaned == "<ins>新</ins>"
    assert isinstance(cleaned, SafeString)
    assert not isinstance(ui.without_style("<b>"), SafeString)


def test_an_explanation_drops_the_item_that_already_stands_beside_it() -> None:
    assert ui.after("謝金 2時間30分 → 5単位", "謝金") == "2時間30分 → 5単位"
    assert ui.after("2時間30分 → 5単位", "謝金") == "2時間30分 → 5単位"


def test_a_day_within_a_month_is_short() -> None:
    assert ui.monthday(dt.date(2026, 11, 3)) == "11/3（火）"
