"""An expert's visit on the phone: online, without network, with a signature."""

import datetime as dt
import gzip
import importlib.util
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db.models import F
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import Role
from core import clock
from core.audit.acting import SYSTEM, acting
from dispatch.models import CheckEvent, Dispatch
from portal_expert import signatures

PHONE = {
    "width": 375,
    "has_touch": True,
    "permissions": ["geolocation"],
    "geolocation": {"latitude": 35.6813, "longitude": 139.7671, "accuracy": 15},
}
VISIT = "/expert/visits/D1/"


def _story() -> Any:
    path = Path(__file__).parent.parent / "portal_expert" / "conftest.py"
    spec = importlib.util.spec_from_file_location("expert_story", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def story(site: Any) -> Any:
    """Expert e1 with a visit of today, and a password."""
    from accounts.models import User
    from experts.models import Expert

    cast = _story().tell(clock.today())
    person = site.person("yoshida", Role.EXPERT, display_name="吉田 太郎")
    Expert.objects.filter(code="E1").update(user=person)
    other = site.person("betsuda", Role.EXPERT)
    Expert.objects.filter(code="E2").update(user=other)
    assert isinstance(person, User)
    return cast


def sign(page: Page, name: str = "見本 花子") -> None:
    page.get_by_role("button", name="終了して署名をいただく").click()
    page.get_by_label("お名前").fill(name)
    canvas = page.locator("#pad")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 30, box["y"] + 40)
    page.mouse.down()
    for step in range(1, 12):
        page.mouse.move(box["x"] + 30 + step * 15, box["y"] + 40 + (step % 3) * 25)
    page.mouse.up()
    page.get_by_role("button", name="署名して終了する").click()


def unsent(page: Page) -> Any:
    return page.locator("#unsent")


def wait_until_kept(page: Page) -> None:
    """Until the phone has what a visit without network needs. Opening the first page online is enough for that."""
    paths = [
        "/expert/",
        VISIT,
        "/static/expert/visit.js",
        "/static/vendor/signature_pad/signature_pad.min.js",
    ]
    asked = (
        "async paths => Boolean(navigator.serviceWorker.controller)"
        " && (await Promise.all(paths.map((path) => caches.match(path)))).every(Boolean)"
    )
    expect(page.get_by_role("heading", name="今日の訪問")).to_be_visible()
    for _ in range(150):
        if page.evaluate(asked, paths):
            return
        page.wait_for_timeout(100)
    pytest.fail("the phone keeps nothing")


def test_a_visit_from_check_in_to_signature(site: Any, desk: Any, story: Any) -> None:
    page = desk.sign_in("yoshida", path="/expert/", **PHONE)
    page.get_by_role("link", name="訪問の画面を開く").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("株式会社試験")
    expect(page.get_by_role("link", name="03-0000-0001")).to_have_attribute("href", "tel:03-0000-0001")
    expect(page.get_by_role("button", name="終了して署名をいただく")).to_be_hidden()
    page.get_by_role("button", name="チェックインする").click()
    expect(page.locator("[data-step=start]")).to_contain_text("送信済")
    expect(page.get_by_role("button", name="チェックインする")).to_be_hidden()
    sign(page)
    expect(page.locator("[data-step=end]")).to_contain_text("送信済")
    expect(unsent(page)).to_be_hidden()
    start, end = CheckEvent.objects.order_by("device_time")
    assert (start.kind, end.kind, end.signer_name) == ("開始", "終了", "見本 花子")
    assert (float(start.latitude), float(start.longitude), start.extra.permission) == (
        35.6813, 139.7671, "granted",
    )  # fmt: skip
    assert start.extra.fix_age is not None
    signature = signatures.unpack(end.extra.signature_cipher)
    assert len(signature["strokes"]) == 1
    assert "株式会社試験" in signature["text"]
    assert not start.extra.clock_doubtful
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_on_another_day_than_planned_the_check_in_is_asked_for_first(
    site: Any, desk: Any, story: Any, until: Any
) -> None:
    with acting(SYSTEM, "test"):
        for moment in ("planned_from", "planned_to"):
            Dispatch.objects.filter(number="D1").update(**{moment: F(moment) + dt.timedelta(days=2)})
    page = desk.sign_in("yoshida", path=VISIT, **PHONE)
    expect(page.get_by_text("チェックインは、訪問した日に押してください。")).to_be_visible()
    expect(page.get_by_role("button", name="チェックインする")).to_be_hidden()
    page.get_by_role("button", name="きょう訪問している（予定と違う日）").click()
    page.get_by_role("button", name="チェックインする").click()
    expect(page.locator("[data-step=start]")).to_contain_text("送信済")
    expect(page.get_by_role("button", name="終了して署名をいただく")).to_be_visible()


def test_a_visit_without_network_survives_a_reload_and_is_sent_once(
    site: Any, desk: Any, story: Any, until: Any
) -> None:
    page = desk.sign_in("yoshida", path="/expert/", **PHONE)
    context: BrowserContext = page.context
    wait_until_kept(page)
    context.set_offline(True)
    page.goto(VISIT)
    page.get_by_role("button", name="チェックインする").click()
    expect(unsent(page)).to_contain_text("未送信 1件")
    page.reload()
    expect(unsent(page)).to_contain_text("未送信 1件")
    expect(page.locator("[data-step=start]")).to_contain_text("未送信")
    sign(page)
    expect(unsent(page)).to_contain_text("未送信 2件")
    page.goto("/expert/")
    expect(unsent(page)).to_contain_text("未送信 2件")
    assert CheckEvent.objects.count() == 0
    context.set_offline(False)
    until(page, lambda: CheckEvent.objects.count() == 2)
    expect(unsent(page)).to_be_hidden()
    forgive_network(desk)
    assert list(CheckEvent.objects.order_by("device_time").values_list("kind", flat=True)) == ["開始", "終了"]
    page.goto(VISIT)
    expect(page.locator("[data-step=end]")).to_contain_text("送信済")
    assert CheckEvent.objects.count() == 2


def forgive_network(desk: Any) -> None:
    """What the browser says about the cut we made ourselves."""
    cut = re.compile(r"ERR_INTERNET_DISCONNECTED|ERR_FAILED|Failed to fetch")
    desk.trouble[:] = [line for line in desk.trouble if not cut.search(line)]


def test_an_answer_that_got_lost_makes_no_second_event(site: Any, desk: Any, story: Any) -> None:
    page = desk.sign_in("yoshida", path=VISIT, **PHONE)

    def lose(route: Any) -> None:
        route.fetch()
        route.abort()

    page.route("**/api/v1/check-events/", lose, times=1)
    page.get_by_role("button", name="チェックインする").click()
    expect(unsent(page)).to_contain_text("未送信 1件 通信できるときに送信します")
    assert CheckEvent.objects.count() == 1
    forgive_network(desk)
    page.get_by_role("button", name="いま送る").click()
    expect(unsent(page)).to_be_hidden()
    assert CheckEvent.objects.count() == 1


def test_the_queue_waits_for_its_own_person(
    site: Any, desk: Any, story: Any, fill_password: Any, until: Any
) -> None:
    from django.contrib.sessions.models import Session

    page = desk.sign_in("yoshida", path=VISIT, **PHONE)
    expect(page.get_by_role("button", name="チェックインする")).to_be_visible()
    Session.objects.all().delete()
    page.get_by_role("button", name="チェックインする").click()
    expect(unsent(page)).to_contain_text("ログインすると送信します")
    page.get_by_role("button", name="ログインする").click()
    fill_password(page, "betsuda")
    expect(unsent(page)).to_contain_text("別の利用者の未送信の記録が1件")
    assert CheckEvent.objects.count() == 0
    page.locator(".user-menu summary").click()
    page.get_by_role("button", name="ログアウト").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("ログイン")
    page.goto("/sign-in/?next=/expert/")
    fill_password(page, "yoshida")
    expect(page.get_by_role("heading", name="今日の訪問")).to_be_visible()
    until(page, CheckEvent.objects.exists)  # the line is hidden before anything is known, too
    expect(unsent(page)).to_be_hidden()
    assert CheckEvent.objects.get().extra.sender.username == "yoshida"


def test_signing_out_takes_the_kept_pages_along(site: Any, desk: Any, story: Any) -> None:
    page = desk.sign_in("yoshida", path="/expert/", **PHONE)
    wait_until_kept(page)
    page.locator(".user-menu summary").click()
    page.get_by_role("button", name="ログアウト").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("ログイン")
    assert page.evaluate("caches.match('/expert/visits/D1/').then(found => !found)")
    assert page.evaluate("caches.match('/expert/').then(found => !found)")


def test_a_denied_position_is_said_and_the_event_is_kept(site: Any, desk: Any, story: Any) -> None:
    page = desk.sign_in("yoshida", path=VISIT, width=375)
    page.get_by_role("button", name="チェックインする").click()
    expect(page.locator("#position")).to_contain_text("位置を測れませんでした")
    expect(page.locator("[data-step=start]")).to_contain_text("送信済")
    kept = CheckEvent.objects.get()
    assert kept.latitude is None
    assert kept.extra.permission in ("denied", "prompt")


def test_signing_needs_a_name_and_a_signature_or_the_typed_one(site: Any, desk: Any, story: Any) -> None:
    page = desk.sign_in("yoshida", path=VISIT, **PHONE)
    page.get_by_role("button", name="チェックインする").click()
    page.get_by_role("button", name="終了して署名をいただく").click()
    submit = page.get_by_role("button", name="署名して終了する")
    submit.click()
    expect(page.get_by_role("alert")).to_contain_text("お名前を入力してください")
    page.get_by_label("お名前").fill("見本 花子")
    page.get_by_label("お名前").press("Enter")
    expect(page.locator("#signing")).to_be_visible()
    submit.click()
    expect(page.get_by_role("alert")).to_contain_text("手書きの署名をお願いします")
    page.get_by_label("氏名の入力で署名する").check()
    submit.click()
    expect(page.locator("[data-step=end]")).to_contain_text("送信済")
    end = CheckEvent.objects.get(kind="終了")
    assert (end.signer_name, end.extra.signature_cipher) == ("見本 花子", "")


def test_the_first_load_weighs_less_than_150_kb(site: Any, desk: Any, story: Any) -> None:
    page = desk.open("/sign-in/", **PHONE)
    weights: dict[str, int] = {}

    def weigh(response: Any) -> None:
        if response.status == 200:
            weights[urlsplit(response.url).path] = len(gzip.compress(response.body(), 6))

    page.get_by_label("ユーザー名").fill("yoshida")
    page.get_by_label("パスワード").fill("tsukinami-shiharai-2021")
    page.get_by_role("button", name="ログイン", exact=True).click()
    page.wait_for_load_state("networkidle")
    page.on("response", weigh)
    for path in ("/expert/", VISIT):
        weights.clear()
        page.goto(path, wait_until="networkidle")
        assert 0 < sum(weights.values()) < 150_000, weights
