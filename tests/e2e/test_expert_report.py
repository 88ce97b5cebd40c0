"""Report and claim in a real browser: kept while typing, through lost networks, ended sessions and second windows."""

import datetime as dt
import gzip
import importlib.util
import io
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Role
from core import clock
from dispatch.models import Declaration, Dispatch, Draft, Status

sys.path.append(str(Path(__file__).resolve().parent))

from accessibility import judge

PHONE: dict[str, Any] = {"width": 375, "has_touch": True}
URL = "/expert/dispatches/D1/report/"
SAVED = re.compile(r"保存しました \d\d:\d\d")
CUT = re.compile(
    r"ERR_INTERNET_DISCONNECTED|ERR_FAILED|Failed to fetch|the server responded with a status of (409|410|422)"
)


def _story() -> Any:
    path = Path(__file__).parent.parent / "portal_expert" / "conftest.py"
    spec = importlib.util.spec_from_file_location("expert_story", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _rule_set_of(day: dt.date) -> None:
    """The first rule set's amounts for the days around this one, whatever month it is."""
    from core.audit.acting import SYSTEM
    from core.programme.models import RuleSet
    from core.programme.services import save_rule_set

    values = RuleSet.objects.get(code="R3").values
    save_rule_set(
        code="NOW",
        name="いま",
        first_day=day - dt.timedelta(days=400),
        end_day=None,
        values={**values, "dispatch_period_to": "03-末"},
        actor=SYSTEM,
    )


@pytest.fixture
def story(site: Any) -> dt.date:
    """Expert e1 with a visit of yesterday whose check-out is missing."""
    from experts.models import Expert
    from portal_expert.receiving import receive_check_events

    day = clock.today() - dt.timedelta(days=1)
    _story().tell(day)
    _rule_set_of(day)
    person = site.person("yoshida", Role.EXPERT, display_name="吉田 太郎")
    Expert.objects.filter(code="E1").update(user=person)
    event = {
        "event_id": "00000000-0000-4000-8000-000000000001",
        "dispatch": "D1",
        "kind": "開始",
        "device_time": f"{day}T10:00:00+09:00",
        "latitude": 35.681236,
        "longitude": 139.767125,
        "accuracy": 12,
    }
    receive_check_events(actor=person, events=[event])
    return day


def forgive(desk: Any) -> None:
    """What the browser says about refusals and cuts that are meant."""
    desk.trouble[:] = [line for line in desk.trouble if not CUT.search(line)]


def saved(page: Page) -> Any:
    return page.locator("#saved")


def typed() -> dict[str, Any]:
    values: dict[str, Any] = Draft.objects.get(form="report").values
    return values


def fits(page: Page) -> bool:
    answer: bool = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    return answer


def photo() -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (600, 800), "white").save(file, "JPEG")
    return file.getvalue()


def test_from_the_visit_to_the_hand_in_on_a_phone(site: Any, desk: Any, story: dt.date, shot: Any) -> None:
    page = desk.sign_in("yoshida", path=URL, **PHONE)
    expect(page.get_by_text("終了の記録がありません。")).to_be_visible()
    page.get_by_label("支援の終了").fill(f"{story}T12:00")
    page.get_by_role("button", name="見出しを入れる").click()
    text = page.get_by_label("支援内容")
    expect(text).to_have_value(re.compile("【支援先の課題】"))
    text.fill("販路の助言をした。")
    expect(page.locator("#report-length")).to_have_text("9")
    page.get_by_role("button", name="タクシー", exact=True).click()
    line = page.locator("#line-1")
    line.get_by_label("出発地").fill("駅")
    line.get_by_label("請求額").fill("2,400")
    line.get_by_label("公共交通機関がない").check()
    expect(line.get_by_text("領収書 未添付")).to_be_visible()
    with page.expect_file_chooser() as choosing:
        line.get_by_role("button", name="領収書を撮る・選ぶ").click()
    choosing.value.set_files({"name": "r.jpg", "mimeType": "image/jpeg", "buffer": photo()})
    expect(line.get_by_text("領収書 添付済")).to_be_visible()
    expect(line.get_by_label("請求額")).to_have_value("2,400")
    line.get_by_role("button", name="帰りも同じ").click()
    back = page.locator("#line-2")
    expect(back.get_by_label("到着地")).to_have_value("駅")
    back.get_by_role("button", name="削除").click()
    expect(back).to_have_count(0)
    shot(page, "report-phone")
    assert fits(page)
    page.get_by_role("button", name="確認へ進む").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("提出前の確認")
    expect(page.get_by_text("10,560円").first).to_be_visible()
    assert fits(page)
    shot(page, "check-phone")
    page.get_by_role("link", name="申告書を書く").click()
    page.get_by_label("理由").fill("電池が切れていた。")
    page.get_by_label("再発防止策").fill("充電器を持ち歩く。")
    expect(saved(page)).to_have_text(SAVED)
    page.get_by_label("上記のとおり支援を実施した").check()
    shot(page, "declaration-phone")
    assert fits(page)
    page.get_by_role("button", name="提出する").click()
    expect(page.get_by_text("申告書（終了報告失念）を提出しました")).to_be_visible()
    shot(page, "declarations-phone")
    assert Declaration.objects.get().measures == "充電器を持ち歩く。"
    page.get_by_role("link", name="支援実績報告へ戻る").click()
    page.get_by_role("button", name="確認へ進む").click()
    expect(page.get_by_text("あなたが直すところは見つかりませんでした")).to_be_visible()
    page.get_by_role("button", name="提出する", exact=True).click()
    expect(page.get_by_role("heading", name="これからの流れ")).to_be_visible()
    shot(page, "closed-phone")
    row = Dispatch.objects.get(number="D1")
    assert row.status == Status.REPORTED
    assert row.travel_lines.get().receipt


def test_what_is_typed_survives_a_cut_network_and_a_reload(site: Any, desk: Any, story: dt.date) -> None:
    page = desk.sign_in("yoshida", path=URL, **PHONE)
    page.get_by_label("支援内容").fill("一つ目。")
    expect(saved(page)).to_have_text(SAVED)
    page.context.set_offline(True)
    page.get_by_label("支援内容").fill("一つ目。二つ目。")
    expect(saved(page)).to_contain_text("まだ保存できていません")
    page.get_by_role("button", name="確認へ進む").click()
    expect(page.get_by_label("支援内容")).to_have_value("一つ目。二つ目。")
    assert typed()["report"] == "一つ目。"
    page.context.set_offline(False)
    expect(saved(page)).to_have_text(SAVED)
    assert typed()["report"] == "一つ目。二つ目。"
    page.route("**/draft/", lambda route: route.abort())
    page.get_by_label("支援内容").fill("一つ目。二つ目。三つ目。")
    expect(saved(page)).to_contain_text("まだ保存できていません")
    page.reload()
    expect(page.get_by_text("この端末に残っていた入力を戻しました")).to_be_visible()
    expect(page.get_by_label("支援内容")).to_have_value("一つ目。二つ目。三つ目。")
    page.reload()
    expect(page.get_by_text("この端末に残っていた入力を戻しました")).to_have_count(0)
    expect(page.get_by_label("支援内容")).to_have_value("一つ目。二つ目。三つ目。")
    forgive(desk)


def test_an_ended_session_loses_nothing(site: Any, desk: Any, story: dt.date, fill_password: Any) -> None:
    from django.contrib.sessions.models import Session

    page = desk.sign_in("yoshida", path=URL, **PHONE)
    page.get_by_label("支援内容").fill("長い文章。")
    expect(saved(page)).to_have_text(SAVED)
    Session.objects.all().delete()
    page.get_by_label("支援内容").fill("長い文章。その続き。")
    expect(saved(page)).to_contain_text("ログインが切れました")
    page.get_by_role("button", name="確認へ進む").click()
    expect(page.get_by_label("支援内容")).to_have_value("長い文章。その続き。")
    page.get_by_role("link", name="ログインして続ける").click()
    fill_password(page, "yoshida")
    expect(page.get_by_text("この端末に残っていた入力を戻しました")).to_be_visible()
    expect(page.get_by_label("支援内容")).to_have_value("長い文章。その続き。")
    assert typed()["report"] == "長い文章。その続き。"
    forgive(desk)


def test_a_sign_in_in_another_window_lets_the_first_one_go_on(
    site: Any, desk: Any, story: dt.date, fill_password: Any
) -> None:
    from django.contrib.sessions.models import Session

    page = desk.sign_in("yoshida", path=URL, **PHONE)
    page.get_by_label("支援内容").fill("一。")
    expect(saved(page)).to_have_text(SAVED)
    Session.objects.all().delete()
    other = page.context.new_page()
    other.goto("/sign-in/?next=/expert/")
    fill_password(other, "yoshida")
    expect(other.get_by_role("heading", name="今日の訪問")).to_be_visible()
    saved(page).evaluate("status => { status.textContent = '' }")
    page.get_by_label("支援内容").fill("一。二。")
    expect(saved(page)).to_have_text(SAVED)
    page.reload()
    expect(page.get_by_label("支援内容")).to_have_value("一。二。")
    forgive(desk)


def test_two_windows_show_both_versions(site: Any, desk: Any, story: dt.date, shot: Any) -> None:
    first = desk.sign_in("yoshida", path=URL)
    expect(first.get_by_label("支援内容")).to_be_visible()
    second = first.context.new_page()
    second.goto(URL)
    first.get_by_label("支援内容").fill("窓一の文章")
    expect(saved(first)).to_have_text(SAVED)
    second.get_by_label("支援内容").fill("窓二の文章")
    panel = second.locator("#conflict")
    expect(panel).to_contain_text("窓一の文章")
    expect(panel).to_contain_text("窓二の文章")
    shot(second, "conflict")
    assert typed()["report"] == "窓一の文章"
    second.get_by_role("button", name="この画面の内容を残す").click()
    expect(second.get_by_text("この画面の内容を残しました")).to_be_visible()
    assert typed()["report"] == "窓二の文章"
    first.get_by_label("支援内容").fill("窓一の続き")
    expect(first.locator("#conflict")).to_contain_text("窓二の文章")
    first.get_by_role("link", name="保存された内容を使う").click()
    expect(first.get_by_label("支援内容")).to_have_value("窓二の文章")
    forgive(desk)


def test_enter_sends_nothing(site: Any, desk: Any, story: dt.date) -> None:
    page = desk.sign_in("yoshida", path=URL)
    page.get_by_role("button", name="鉄道", exact=True).click()
    field = page.locator("#id_l1-origin")
    field.fill("自宅")
    field.press("Enter")
    page.get_by_label("行程番号").press("Enter")
    expect(field).to_have_value("自宅")
    assert page.url.endswith(URL)
    expect(page.locator("#line-2")).to_have_count(0)


def test_without_scripts_the_pages_are_plain_forms(site: Any, desk: Any, story: dt.date) -> None:
    page = desk.sign_in("yoshida", path=URL, java_script_enabled=False)
    page.get_by_label("支援の終了").fill(f"{story}T12:00")
    page.get_by_label("支援内容").fill("助言した。")
    page.get_by_role("button", name="バス", exact=True).click()
    page.locator("#id_l1-fare").fill("500")
    page.locator("#id_l1-kind").select_option("鉄道")
    page.get_by_role("button", name="種別を変える").click()
    expect(page.locator("#id_l1-express")).to_be_visible()
    expect(page.locator("#id_l1-fare")).to_have_value("500")
    page.locator("#id_l1-fare").press("Enter")
    expect(page.get_by_text("入力を保存しました")).to_be_visible()
    page.get_by_role("button", name="確認へ進む").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("提出前の確認")
    page.get_by_role("button", name="このまま提出する").click()
    expect(page.get_by_role("heading", name="これからの流れ")).to_be_visible()


def test_errors_are_met_first_and_lead_to_their_fields(
    site: Any, desk: Any, story: dt.date, shot: Any
) -> None:
    page = desk.sign_in("yoshida", path=URL, **PHONE)
    page.get_by_role("button", name="航空", exact=True).click()
    expect(page.locator("#line-1")).to_be_visible()
    page.get_by_role("button", name="確認へ進む").click()
    summary = page.locator(".error-summary")
    expect(summary).to_be_focused()
    shot(page, "errors")
    page.get_by_role("link", name="1行目 航空 請求額").click()
    expect(page.locator("#id_l1-claimed")).to_be_focused()
    assert fits(page)


def test_everybody_can_read_and_use_the_pages(site: Any, desk: Any, story: dt.date) -> None:
    page = desk.sign_in("yoshida", path=URL)
    page.get_by_label("支援の終了").fill(f"{story}T12:00")
    page.get_by_label("支援内容").fill("助言した。")
    for number, kind in enumerate(("鉄道", "航空", "船", "タクシー", "私有車", "宿泊"), start=1):
        page.get_by_role("button", name=kind, exact=True).click()
        expect(page.locator(f"#line-{number}")).to_be_visible()
    expect(saved(page)).to_have_text(SAVED)
    barriers = [f"form {each}" for each in judge(page)]
    for name, path in (
        ("errors", f"{URL}?checked=1"),
        ("declarations", "/expert/dispatches/D1/declarations/"),
        ("declaration", "/expert/dispatches/D1/declarations/end/"),
    ):
        page.goto(path)
        barriers += [f"{name} {each}" for each in judge(page)]
    page.goto(URL)
    for number in range(6, 0, -1):
        page.locator(f"#line-{number}").get_by_role("button", name="削除").click()
        expect(page.locator(f"#line-{number}")).to_have_count(0)
    page.get_by_role("button", name="確認へ進む").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("提出前の確認")
    barriers += [f"check {each}" for each in judge(page)]
    # axe-core sets styles while it measures, of which the policy complains
    desk.trouble.clear()
    assert barriers == [], "\n".join(barriers)


def test_the_first_load_weighs_less_than_150_kb(site: Any, desk: Any, story: dt.date) -> None:
    page = desk.sign_in("yoshida", path="/expert/", **PHONE)
    page.wait_for_load_state("networkidle")
    weights: dict[str, int] = {}

    def weigh(response: Any) -> None:
        if response.status == 200:
            weights[urlsplit(response.url).path] = len(gzip.compress(response.body(), 6))

    page.on("response", weigh)
    for path in (URL, "/expert/dispatches/D1/declarations/", "/expert/dispatches/D1/declarations/end/"):
        weights.clear()
        page.goto(path, wait_until="networkidle")
        assert 0 < sum(weights.values()) < 150_000, weights


@pytest.fixture
def shot(request: Any) -> Any:
    """Keeps a picture of a page in the folder PICTURES, when one is named."""
    import os

    folder = os.environ.get("PICTURES")

    def take(page: Page, name: str) -> None:
        if folder:
            page.screenshot(path=f"{folder}/{name}.png", full_page=True)

    return take
