"""The application's form without a mouse, and Enter that belongs to the Japanese input method."""

import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

sys.path.append(str(Path(__file__).resolve().parent))

import story_people


@pytest.fixture
def apply_path(site: Any) -> str:
    """Where the institution applies for its only case."""
    story_people.gather(site)
    return f"/portal/cases/{story_people.case().code}/apply/?expert=E1"


def convert(page: Page, text: str) -> None:
    """Types by the input method and ends the conversion with Enter, as Chromium tells it to the page."""
    session = page.context.new_cdp_session(page)
    session.send(
        "Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)}
    )
    key = {"key": "Process", "code": "Enter", "windowsVirtualKeyCode": 229}
    session.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
    session.send("Input.insertText", {"text": text})
    session.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})


def late_enter(page: Page) -> bool:
    """Safari's Enter after the end of a conversion: keyCode 229. Whether the page stopped it."""
    stopped: bool = page.evaluate(
        """() => !document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", {key: "Enter", keyCode: 229, bubbles: true, cancelable: true}))"""
    )
    return stopped


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("", "[name=place]"),
        ("/portal/clients/new/", "#id_name"),
        ("/portal/dispatches/", "main input[type=search], main input[type=text]"),
    ],
)
def test_enter_of_a_conversion_sends_no_form(desk: Any, apply_path: str, path: str, field: str) -> None:
    page: Page = desk.sign_in("kikan", path=path or apply_path)
    box = page.locator(field).first
    box.fill("")
    sent: list[str] = []
    page.on("framenavigated", lambda frame: sent.append(frame.url))
    convert(page, "見本町")
    expect(box).to_have_value("見本町")
    assert late_enter(page)
    assert sent == []


def test_an_application_is_filled_in_and_sent_without_a_mouse(desk: Any, apply_path: str) -> None:
    import datetime as dt

    from core import clock
    from dispatch.models import Dispatch

    page: Page = desk.sign_in("kikan", path=apply_path)
    day = clock.today() + dt.timedelta(days=1)

    def reach(selector: str) -> None:
        """On with Tab until it has the focus."""
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
                return
        pytest.fail(f"Tab never reaches {selector}")

    expect(page.locator("#id_day")).to_be_visible()
    reach("#id_day")
    page.locator("#id_day").fill(f"{day}")  # the parts of a date field differ from language to language
    reach("#id_start")
    page.locator("#id_start").fill("10:00")
    reach("#id_end")
    page.locator("#id_end").fill("12:00")
    reach("[name=method]")
    page.keyboard.press("Space")
    reach("[name=place]")
    page.keyboard.press("Control+A")
    page.keyboard.type("見本町1")
    reach("#id_position")
    page.keyboard.press("Control+A")
    page.keyboard.type("35.681236, 139.767125")
    reach("[name=accompanied]")
    page.keyboard.press("Space")
    for name in story_people.NOBODY:
        reach(f"[name={name}]")
        page.locator(f"[name={name}][value=no]").press("Space")
    reach("button[value=confirm]")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("この内容で申請しますか")
    reach("button[value=send]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/applied/")
    assert Dispatch.objects.get().place == "見本町1"
