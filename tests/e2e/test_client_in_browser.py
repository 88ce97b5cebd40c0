"""A client answers on a phone: without scripts, by keyboard, with the words of what is different."""

import importlib.util
import uuid
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from core import clock
from dispatch.models import Attestation, Dispatch
from dispatch.services import issue_attestation_link
from portal_expert.receiving import receive_check_events


def _story() -> Any:
    path = Path(__file__).parent.parent / "portal_expert" / "conftest.py"
    spec = importlib.util.spec_from_file_location("expert_story", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def link(site: Any) -> str:
    """The path of a link to a visit of this morning."""
    day = clock.today()
    cast = _story().tell(day)
    moment = clock.now().replace(second=0, microsecond=0)
    for kind, hours in (("開始", 2), ("終了", 1)):
        events = [
            {
                "event_id": str(uuid.uuid4()),
                "dispatch": "D1",
                "kind": kind,
                "device_time": (moment.replace(hour=3 - hours)).isoformat(),
                "signer_name": "見本 花子",
            }
        ]
        receive_check_events(actor=cast.expert, events=events)
    dispatch = Dispatch.objects.get(number="D1")
    return issue_attestation_link(dispatch=dispatch, channel="qr", actor=cast.expert).path


def _fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("width", [360, 1280])
def test_a_client_objects_in_one_step(desk: Any, link: str, width: int) -> None:
    page = desk.open(link, width=width)
    _fits(page)
    comment = page.get_by_label("どこが違いますか")
    expect(comment).to_be_hidden()
    page.get_by_label("違うところがあります").check()
    expect(comment).to_be_visible()
    page.get_by_role("button", name="回答を送る").click()
    expect(page.locator(".error-summary")).to_contain_text("どこが違うかを入れてください")
    expect(page.get_by_label("違うところがあります")).to_be_checked()
    comment.fill("終わりの時刻が違います")
    page.get_by_label("お名前").fill("見本 花子")
    _fits(page)
    page.get_by_role("button", name="回答を送る").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("回答を受け付けました")
    assert Attestation.objects.get().comment == "終わりの時刻が違います"


def test_a_client_without_scripts_confirms_by_keyboard(desk: Any, link: str) -> None:
    page = desk.open(link, width=375, java_script_enabled=False)
    page.get_by_label("このとおりです").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("見本 花子")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("回答を受け付けました")
    assert Attestation.objects.get().confirmed
    assert Attestation.objects.get().name == "見本 花子"


def test_everything_to_press_is_large_enough_for_a_finger(desk: Any, link: str) -> None:
    page = desk.open(link, width=360)
    for locator in (page.locator(".choices__one"), page.get_by_role("button", name="回答を送る")):
        for each in locator.all():
            box = each.bounding_box()
            assert box is not None
            assert box["height"] >= 44
