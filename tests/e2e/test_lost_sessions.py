"""The application: a session that ended while typing, a second window, a second press. Nothing is lost, nothing doubled."""

import datetime as dt
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from core import clock
from dispatch.models import Dispatch

sys.path.append(str(Path(__file__).resolve().parent))

import story_people

REASON = "創業の手続きで急ぎます。"


@pytest.fixture
def apply_path(site: Any) -> str:
    """Where the institution applies for its only case."""
    story_people.gather(site)
    return f"/portal/cases/{story_people.case().code}/apply/?expert=E1"


@pytest.fixture
def tomorrow() -> tuple[dt.datetime, dt.datetime]:
    """A visit of two hours."""
    day = (clock.now().astimezone(clock.JST) + dt.timedelta(days=1)).replace(
        minute=0, second=0, microsecond=0
    )
    return day.replace(hour=10), day.replace(hour=12)


def test_an_application_survives_the_end_of_its_session(
    desk: Any, apply_path: str, tomorrow: Any, fill_password: Any
) -> None:
    from django.contrib.sessions.models import Session

    page: Page = desk.sign_in("kikan", path=apply_path)
    expect(page.locator("#id_day")).to_be_visible()
    story_people.fill_application(page, *tomorrow)
    Session.objects.all().delete()
    page.locator("[name=place]").fill("見本町一丁目の工場")
    page.get_by_role("button", name="内容を確認する").click()
    page.get_by_role("link", name="ログインして続ける").click()
    fill_password(page, "kikan")
    expect(page.locator("[name=place]")).to_have_value("見本町一丁目の工場")
    expect(page.locator("#id_start")).to_have_value("10:00")
    page.get_by_role("button", name="内容を確認する").click()
    page.get_by_role("button", name="この内容で申請する").click()
    page.wait_for_url("**/applied/")
    assert Dispatch.objects.get().place == "見本町一丁目の工場"


def test_the_same_application_from_two_windows_is_one_dispatch(
    desk: Any, apply_path: str, tomorrow: Any
) -> None:
    first: Page = desk.sign_in("kikan", path=apply_path)
    expect(first.locator("#id_day")).to_be_visible()
    story_people.fill_application(first, *tomorrow)
    first.get_by_role("button", name="内容を確認する").click()
    expect(first.get_by_role("button", name="この内容で申請する")).to_be_visible()
    second = first.context.new_page()
    second.goto(apply_path)
    story_people.fill_application(second, *tomorrow)
    second.get_by_role("button", name="内容を確認する").click()
    expect(second.get_by_role("button", name="この内容で申請する")).to_be_visible()
    first.get_by_role("button", name="この内容で申請する").dblclick()
    first.wait_for_url("**/applied/")
    second.get_by_role("button", name="この内容で申請する").click()
    expect(second.get_by_role("heading", level=1)).to_have_text("申請しました")
    assert Dispatch.objects.count() == 1
