"""The expert's own pages in a browser: what they weigh, what is kept while typing, and what signing out leaves."""

import gzip
import importlib.util
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from accounts.models import Role
from core import clock
from dispatch.models import CheckEvent, Dispatch, Draft, Inquiry
from dispatch.services import ask_back

VISIT = "/expert/visits/D1/"
PAGES = ("/expert/", "/expert/dispatches/", "/expert/dispatches/D1/", "/expert/fees/", "/expert/inquiries/")


@pytest.fixture
def story(site: Any) -> Any:
    """Expert yoshida with visit D1 of today."""
    from experts.models import Expert

    path = Path(__file__).parent.parent / "portal_expert" / "conftest.py"
    spec = importlib.util.spec_from_file_location("expert_story", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    cast = module.tell(clock.today())
    cast.expert = site.person("yoshida", Role.EXPERT, display_name="吉田 太郎")
    Expert.objects.filter(code="E1").update(user=cast.expert)
    return cast


def test_no_page_weighs_more_than_a_phone_carries(site: Any, desk: Any, story: Any) -> None:
    page = desk.sign_in("yoshida", path="/expert/", width=375)
    for path in PAGES:
        page.goto(path, wait_until="networkidle")
        # what the page itself asks for; the visits that the phone keeps for later come after it
        loaded = page.evaluate(
            "performance.getEntriesByType('resource').map(one => [one.name, one.initiatorType])"
        )
        urls = {page.url} | {url for url, kind in loaded if kind != "fetch"}
        weights = {urlsplit(url).path: len(gzip.compress(page.request.get(url).body(), 6)) for url in urls}
        assert len(weights) > 5
        assert sum(weights.values()) < 150_000, (path, weights)


def test_the_parts_are_in_sight_and_nothing_sticks_out_on_a_small_phone(
    site: Any, desk: Any, story: Any
) -> None:
    page = desk.sign_in("yoshida", path="/expert/", width=360)
    for name in ("派遣", "謝金", "照会", "ホーム"):
        link = page.get_by_role("navigation", name="主なメニュー").get_by_role("link", name=name)
        box = link.bounding_box()
        assert box is not None and box["height"] >= 44 and box["width"] >= 44, (name, box)
        link.click()
        expect(page.locator("[aria-current=page]")).to_have_text(name, use_inner_text=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, name


def test_an_answer_half_typed_is_there_again_after_a_reload(site: Any, desk: Any, story: Any) -> None:
    asked = ask_back(
        dispatch=Dispatch.objects.get(number="D1"), asked_of="expert", question="経路は", actor=story.operator
    )
    page = desk.sign_in("yoshida", path="/expert/", width=375)
    page.get_by_role("link", name="照会", exact=True).click()
    page.get_by_role("link", name="株式会社試験").click()
    page.get_by_label("回答").fill("電車で行きま")
    expect(page.locator("[data-autosave-status]")).to_contain_text("保存しました")
    page.reload()
    expect(page.get_by_label("回答")).to_have_value("電車で行きま")
    page.get_by_label("回答").fill("電車で行きました。")
    page.get_by_role("button", name="回答を送る").click()
    expect(page.get_by_text("照会に回答しました")).to_be_visible()
    assert Inquiry.objects.get(pk=asked.pk).answer == "電車で行きました。"
    assert not Draft.objects.exists()


def test_signing_out_warns_of_what_is_unsent_and_keeps_it(
    site: Any, desk: Any, story: Any, fill_password: Any, until: Any
) -> None:
    page = desk.sign_in("yoshida", path=VISIT, width=375)
    page.route("**/api/v1/check-events/", lambda route: route.abort())
    page.get_by_role("button", name="チェックインする").click()
    expect(page.locator("#unsent")).to_contain_text("未送信 1件")
    said: list[str] = []

    def answer(accepts: bool) -> Any:
        def take(dialog: Any) -> None:
            said.append(dialog.message)
            dialog.accept() if accepts else dialog.dismiss()

        return take

    page.once("dialog", answer(False))
    page.locator(".user-menu summary").click()
    page.get_by_role("button", name="ログアウト").click()
    for _ in range(100):
        if said:
            break
        page.wait_for_timeout(100)
    assert "未送信の記録が1件" in said[0]
    expect(page.get_by_role("heading", level=1)).to_have_text("株式会社試験")
    page.once("dialog", answer(True))
    page.get_by_role("button", name="ログアウト").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("ログイン")
    assert page.evaluate("caches.match('/expert/visits/D1/').then(found => !found)")
    assert not CheckEvent.objects.exists()
    page.unroute("**/api/v1/check-events/")
    page.goto("/sign-in/?next=/expert/")
    fill_password(page, "yoshida")
    expect(page.get_by_role("heading", name="今日の訪問")).to_be_visible()
    until(page, CheckEvent.objects.exists)  # the line is hidden before anything is known, too
    expect(page.locator("#unsent")).to_be_hidden()
    assert CheckEvent.objects.count() == 1
    # the network that was cut is no fault of the page
    desk.trouble.clear()


# Has the worker put pages away, signs out in the midst of it, and answers after a while whether one is there.
_SIGN_OUT_WHILE_KEEPING = """async path => {
  const {active: worker} = await navigator.serviceWorker.ready;
  worker.postMessage({person: "0", pages: Array(40).fill(path), shell: []});
  while (!(await caches.has("expert-pages-0"))) {
    await new Promise(next => setTimeout(next, 10));
  }
  await new Promise(heard => {
    const {port1, port2} = new MessageChannel();
    port1.onmessage = heard;
    worker.postMessage({forget: true}, [port2]);
  });
  await caches.delete("expert-pages-0");
  await new Promise(next => setTimeout(next, 1500));
  return caches.has("expert-pages-0");
}"""


def test_what_is_being_put_away_stops_at_the_sign_out(site: Any, desk: Any, story: Any) -> None:
    page = desk.sign_in("yoshida", path="/expert/", width=375)
    expect(page.get_by_role("heading", name="今日の訪問")).to_be_visible()
    assert page.evaluate(_SIGN_OUT_WHILE_KEEPING, "/expert/fees/") is False


def test_what_the_visit_does_not_need_is_not_kept_on_the_phone(site: Any, desk: Any, story: Any) -> None:
    page = desk.sign_in("yoshida", path="/expert/", width=375)
    for path in (*PAGES[1:], "/expert/tokens/"):
        page.goto(path, wait_until="networkidle")
    page.goto("/expert/", wait_until="networkidle")
    for _ in range(100):
        if page.evaluate("caches.match('/expert/visits/D1/').then(Boolean)"):
            break
        page.wait_for_timeout(100)
    kept = page.evaluate(
        "async () => (await Promise.all((await caches.keys()).filter(name => name.startsWith('expert-pages'))"
        ".map(async name => (await (await caches.open(name)).keys()).map(one => new URL(one.url).pathname)))).flat()"
    )
    assert sorted(kept) == ["/expert/", VISIT]
