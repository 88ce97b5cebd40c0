"""Receipts in a real browser: sent at once, refused in words, sent again after a lost network, removed."""

import datetime as dt
import importlib.util
import io
import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Role
from core import clock
from dispatch.models import Dispatch, Receipt, Status

URL = "/expert/dispatches/D1/report/"
MEANT = re.compile(r"ERR_INTERNET_DISCONNECTED|ERR_FAILED|status of (409|413|422)")


@pytest.fixture
def page(site: Any, desk: Any) -> Any:
    """The expert's report of yesterday's visit."""
    from experts.models import Expert
    from portal_expert.receiving import receive_check_events

    path = Path(__file__).parent.parent / "portal_expert" / "conftest.py"
    spec = importlib.util.spec_from_file_location("expert_story_of_receipts", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    day = clock.today() - dt.timedelta(days=1)
    module.tell(day)
    person = site.person("yoshida", Role.EXPERT, display_name="吉田 太郎")
    Expert.objects.filter(code="E1").update(user=person)
    events = [
        {
            "event_id": f"00000000-0000-4000-8000-00000000000{number}",
            "dispatch": "D1",
            "kind": kind,
            "device_time": f"{day}T{hour}:00:00+09:00",
            "latitude": 35.681236,
            "longitude": 139.767125,
            "accuracy": 12,
        }
        for number, kind, hour in ((1, "開始", 10), (2, "終了", 12))
    ]
    receive_check_events(actor=person, events=events)
    assert Dispatch.objects.get(number="D1").status == Status.VISITED
    opened = desk.sign_in("yoshida", path=URL, width=375, has_touch=True)
    yield opened
    desk.trouble[:] = [line for line in desk.trouble if not MEANT.search(line)]


def photo(name: str = "taxi.jpg", size: tuple[int, int] = (600, 800)) -> dict[str, Any]:
    from PIL import Image, ImageDraw

    file = io.BytesIO()
    picture = Image.new("RGB", size, "#f4efe2")
    ImageDraw.Draw(picture).text(
        (size[0] // 6, size[1] // 4), "TAXI 2,400", fill="black", font_size=size[0] // 8
    )
    picture.save(file, "JPEG")
    return {"name": name, "mimeType": "image/jpeg", "buffer": file.getvalue()}


def snap(page: Page, name: str) -> None:
    """A picture to look at, where SCREENS names a folder."""
    if folder := os.environ.get("SCREENS"):
        page.locator("[data-receipts]").screenshot(path=f"{folder}/{name}.png")


def test_files_are_sent_refused_repeated_and_removed(page: Page) -> None:
    panel = page.locator("[data-receipts]")
    choose = panel.get_by_label("写真・ファイル")
    choose.set_input_files([photo(), photo("highway.jpg", (1200, 700))])
    expect(panel.locator(".receipt")).to_have_count(2)
    first = panel.locator(".receipt img").first
    first.scroll_into_view_if_needed()
    expect(first).to_have_js_property("naturalWidth", 360)

    choose.set_input_files(
        {"name": "bill.jpg", "mimeType": "image/jpeg", "buffer": b"<html><script>1</script>"}
    )
    expect(panel.get_by_text("中身が HTML や SVG のファイルのため、受け取れません。")).to_be_visible()
    snap(page, "receipts-phone")
    panel.get_by_role("button", name="bill.jpgを閉じる").click()
    expect(panel.get_by_text("bill.jpg")).to_have_count(0)

    page.context.set_offline(True)
    choose.set_input_files(photo("offline.jpg"))
    again = panel.get_by_role("button", name="offline.jpgをもう一度送る")
    expect(again).to_be_visible()
    page.context.set_offline(False)
    again.click()
    expect(panel.locator(".receipt")).to_have_count(3)
    assert Receipt.objects.filter(original_name="offline.jpg").count() == 1

    remove = panel.locator(".receipt", has_text="highway.jpg").get_by_role("button")
    remove.click()
    expect(remove).to_have_text("もう一度押すと取り除きます")
    remove.click()
    expect(panel.locator(".receipt")).to_have_count(2)
    assert Receipt.objects.get(original_name="highway.jpg").removed_at is not None
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    snap(page, "receipts-desk")


def test_a_picture_opens_by_itself_and_can_do_nothing(page: Page) -> None:
    panel = page.locator("[data-receipts]")
    panel.get_by_label("写真・ファイル").set_input_files(photo())
    with page.context.expect_page() as opening:
        panel.locator(".receipt a").click()
    opened = opening.value
    opened.wait_for_load_state()
    assert opened.evaluate("document.images[0].naturalWidth") == 600
    assert opened.evaluate("window.origin") == "null"
    opened.close()


def test_a_session_that_ended_keeps_the_file_on_the_page(page: Page, fill_password: Any) -> None:
    from django.contrib.sessions.models import Session

    panel = page.locator("[data-receipts]")
    Session.objects.all().delete()
    panel.get_by_label("写真・ファイル").set_input_files(photo())
    expect(panel.get_by_text("ログインが切れました。")).to_be_visible()
    again = panel.get_by_role("button", name="taxi.jpgをもう一度送る")
    with page.context.new_page() as other:
        other.goto("/expert/")
        fill_password(other, "yoshida")
        expect(other.get_by_role("heading", level=1)).to_be_visible()
    again.click()
    expect(panel.locator(".receipt")).to_have_count(1)
