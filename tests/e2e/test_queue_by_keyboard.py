"""The findings queue worked by keyboard in a real browser: rows, opening, acts, the switch, fields and IME."""

import datetime as dt
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Role
from core.audit.acting import SYSTEM, acting
from core.exchange.services import load_files
from dispatch.models import Dispatch, Finding, Inquiry

sys.path.append(str(Path(__file__).resolve().parent.parent / "security"))

import io

from rights_story import FILES


@pytest.fixture
def queue(site: Any) -> list[str]:
    """Three dispatches with a finding for the office, oldest first."""
    files = {name: io.BytesIO(text.encode("utf-8-sig")) for name, text in FILES.items()}
    assert load_files(files, actor=SYSTEM).ok
    rows = list(Dispatch.objects.order_by("number")[:3])
    with acting(SYSTEM, "queue"):
        Finding.objects.all().delete()
        for place, row in enumerate(rows):
            Finding.objects.create(
                dispatch=row,
                code="L01",
                kind="保留",
                reason="上限を超えています",
                expected="3回まで",
                actual="4回目",
                first_seen_at=dt.datetime(2021, 7, 1 + place, 1, tzinfo=dt.UTC),
            )
    site.person("tanto", Role.OFFICE_OPERATOR)
    return [row.number for row in rows]


def opened(desk: Any, path: str, **options: Any) -> Page:
    """The page, with its keys at work."""
    page: Page = desk.sign_in("tanto", path=path, **options)
    page.wait_for_url(f"**{path}")
    page.wait_for_load_state("load")
    expect(page.get_by_role("button", name="キー操作")).to_be_visible()
    return page


def walked_to(page: Page, place: str) -> None:
    """The keys have led to this place of the walk, and work there, too: a person's next press comes later."""
    expect(page.locator(".walk__place")).to_have_text(place)
    page.wait_for_load_state("load")


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def test_rows_are_chosen_opened_and_walked_by_keys(queue: list[str], desk: Any) -> None:
    page = opened(desk, "/office/queue/?turn=office")
    expect(page.locator("[data-row]")).to_have_count(3)
    page.keyboard.press("j")
    assert focused(page) == queue[0]
    page.keyboard.press("j")
    assert focused(page) == queue[1]
    page.keyboard.press("k")
    page.keyboard.press("k")
    assert focused(page) == queue[0]
    expect(page.locator("tr.is-chosen")).to_have_count(1)
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(queue[0])
    walked_to(page, "1 / 3件目")
    page.keyboard.press("j")
    walked_to(page, "2 / 3件目")
    page.keyboard.press("k")
    walked_to(page, "1 / 3件目")
    page.keyboard.press("u")
    expect(page).to_have_url(f"{desk.site.url}/office/queue/?turn=office")


def test_a_question_is_asked_by_keyboard_and_the_next_dispatch_opens(queue: list[str], desk: Any) -> None:
    page = opened(desk, f"/office/dispatches/{queue[0]}/?queue=1&turn=office")
    page.keyboard.press("a")
    form = page.locator("#finding-L01 form")
    expect(form.get_by_label("専門家", exact=True)).to_be_focused()
    text = form.get_by_label("質問（自由記入）")
    text.focus()
    # letters in a field are letters
    page.keyboard.type("jkrva? why")
    expect(text).to_have_value("jkrva? why")
    expect(page.get_by_role("heading", level=1)).to_contain_text(queue[0])
    form.get_by_role("button", name="照会を送る", exact=True).press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(queue[1])
    expect(page.locator(".messages")).to_contain_text(f"派遣 {queue[0]}: 専門家へ照会しました")
    assert Inquiry.objects.get().question == "jkrva? why"


def test_the_help_tells_the_keys_and_the_switch_turns_them_off(queue: list[str], desk: Any) -> None:
    page = opened(desk, "/office/queue/?turn=office")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    # behind the help nothing moves
    page.keyboard.press("j")
    expect(page.locator("tr.is-chosen")).to_have_count(0)
    dialog.get_by_label("この端末でキー操作を使う").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("j")
    expect(page.locator("tr.is-chosen")).to_have_count(0)
    page.reload()
    page.keyboard.press("j")
    page.keyboard.press("?")
    expect(page.locator("tr.is-chosen")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_role("button", name="キー操作").click()
    page.get_by_label("この端末でキー操作を使う").check()
    page.get_by_role("button", name="閉じる").click()
    page.locator("h1").click()
    page.keyboard.press("j")
    expect(page.locator("tr.is-chosen")).to_have_count(1)


def test_keys_of_a_conversion_of_a_chord_and_of_a_filter_do_nothing(queue: list[str], desk: Any) -> None:
    page = opened(desk, "/office/queue/?turn=office")
    send = """(init) => document.body.dispatchEvent(
        new KeyboardEvent('keydown', {key: 'j', bubbles: true, cancelable: true, ...init}))"""
    for init in (
        {"isComposing": True},
        {"keyCode": 229},
        {"ctrlKey": True},
        {"metaKey": True},
        {"altKey": True},
    ):
        assert page.evaluate(send, init) is True  # nobody took it
    expect(page.locator("tr.is-chosen")).to_have_count(0)
    page.get_by_label("派遣番号").focus()
    page.keyboard.press("j")
    expect(page.get_by_label("派遣番号")).to_have_value("j")
    expect(page.locator("tr.is-chosen")).to_have_count(0)
    assert page.evaluate(send, {}) is False


def test_a_press_that_is_refused_keeps_the_form_open_with_its_error(queue: list[str], desk: Any) -> None:
    page = opened(desk, f"/office/dispatches/{queue[0]}/?queue=1&turn=office", width=375)
    page.locator("#act-hold > summary").click()
    page.locator("#act-hold").get_by_role("button", name="保留にする", exact=True).click()
    summary = page.locator("#act-hold .error-summary")
    expect(summary).to_be_visible()
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("保留の理由を選ぶか、入力してください。")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
