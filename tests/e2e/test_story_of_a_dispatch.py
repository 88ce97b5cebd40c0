"""One dispatch through all four surfaces: institution, expert's phone, client, office."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from core.exchange.services import export_folder
from dispatch.models import Attestation, Case, CheckEvent, Company, Dispatch, Status

sys.path.append(str(Path(__file__).resolve().parent))

import story_month
import story_people
from accessibility import complaints

PHONE: dict[str, Any] = {
    "width": 375,
    "has_touch": True,
    "permissions": ["geolocation"],
    "geolocation": {"latitude": 35.681236, "longitude": 139.767125, "accuracy": 12},
}
CUT = re.compile(r"ERR_INTERNET_DISCONNECTED|ERR_FAILED|Failed to fetch")


@pytest.fixture
def people(site: Any) -> None:
    """Everybody of the story."""
    story_people.gather(site)


def heading(page: Page) -> Any:
    return page.get_by_role("heading", level=1)


def fine(page: Page) -> None:
    """Nothing for axe to complain about where the story stands."""
    assert complaints(page) == []


def draw(page: Page) -> None:
    """A name and a line on the pad."""
    page.get_by_role("button", name="終了して署名をいただく").click()
    page.get_by_label("お名前").fill("試験 社長")
    pad = page.locator("#pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 30, box["y"] + 40)
    page.mouse.down()
    for step in range(1, 12):
        page.mouse.move(box["x"] + 30 + step * 15, box["y"] + 40 + (step % 3) * 25)
    page.mouse.up()
    fine(page)
    page.get_by_role("button", name="署名して終了する").click()


def latest_link() -> str:
    """The path of the client's link in the mail that was queued."""
    from core.notify.models import Mail
    from core.secrets import decrypt

    for mail in Mail.objects.order_by("-pk"):
        found = re.search(r"/c/[^/\s]+/", decrypt(mail.body_cipher))
        if found:
            return found.group(0)
    pytest.fail("no mail with the client's link")


def test_one_dispatch_from_the_client_to_the_closed_month(
    site: Any,
    desk: Any,
    people: None,
    tmp_path: Path,
    database_template: str,
    request: pytest.FixtureRequest,
) -> None:
    start, end = story_people.planned()
    # the institution: a client, a case with consent, an expert found, the application
    kikan = desk.sign_in("kikan", path="/portal/clients/new/")
    kikan.locator("#id_name").fill("株式会社物語")
    kikan.locator("#id_prefecture_code").select_option("13")
    kikan.locator("#id_address").fill("千代田区見本町1")
    kikan.locator("#id_email").fill("story@example.jp")
    kikan.locator("#id_kind").select_option("中小企業")
    kikan.locator("#id_industry").select_option("E")
    kikan.locator("#id_employees").fill("5")
    kikan.get_by_role("button", name="登録する").click()
    expect(heading(kikan)).to_contain_text("株式会社物語")
    company = Company.objects.get(name="株式会社物語")
    kikan.goto(f"/portal/cases/new/?client={company.code}")
    kikan.locator("#id_topic").select_option("創業")
    kikan.locator("#id_problem").fill("販路が足りない。")
    kikan.locator("#id_why_not_alone").fill("職員に経験がない。")
    kikan.locator("[name=agreed]").check()
    kikan.locator("[name=given_by]").fill("試験 社長")
    fine(kikan)
    kikan.get_by_role("button", name="登録する").click()
    expect(heading(kikan)).to_contain_text("株式会社物語")
    case = Case.objects.get(company=company)
    assert case.consent_at is not None
    kikan.goto(f"/portal/experts/?case={case.code}")
    kikan.get_by_role("searchbox").or_(kikan.locator("#id_text, #id_q, #id_words")).first.fill("よしだ")
    kikan.get_by_role("link", name=re.compile("申請に進む.*吉田")).click()
    story_people.fill_application(kikan, end, start)
    expect(kikan.locator("#checks")).to_contain_text("予定の時刻")
    fine(kikan)
    story_people.fill_application(kikan, start, end)
    expect(kikan.locator("#checks")).not_to_contain_text("予定の時刻")
    kikan.get_by_role("button", name="内容を確認する").click()
    expect(heading(kikan)).to_have_text("この内容で申請しますか")
    fine(kikan)
    kikan.get_by_role("button", name="この内容で申請する").dblclick()
    kikan.wait_for_url("**/applied/")
    number = Dispatch.objects.get().number
    # the expert accepts on the phone, in two windows at once
    phone = desk.sign_in("yoshida", path=f"/expert/dispatches/{number}/", **PHONE)
    other = phone.context.new_page()
    phone.wait_for_url(f"**/expert/dispatches/{number}/")
    other.goto(f"/expert/dispatches/{number}/")
    fine(phone)
    phone.get_by_role("button", name="承諾する").click()
    expect(phone.get_by_role("button", name="承諾する")).to_have_count(0)
    other.get_by_role("button", name="承諾する").click()
    expect(heading(other)).to_be_visible()
    other.close()
    assert Dispatch.objects.get().status == Status.ACCEPTED
    # the office
    office = desk.sign_in("tanto", path=f"/office/reception/{number}/")
    fine(office)
    office.get_by_role("button", name="受け付ける", exact=True).dblclick()
    office.wait_for_load_state("load")
    expect(office.get_by_role("button", name="受け付ける", exact=True)).to_have_count(0)
    assert Dispatch.objects.get().status == Status.CONFIRMED
    # the visit; its end without network, through a reload. The phone's clock is where the plan puts it.
    visit = f"/expert/visits/{number}/"
    phone.goto("/expert/")
    expect(phone.get_by_role("heading", name="今日の訪問")).to_be_visible()
    phone.wait_for_function("navigator.serviceWorker.controller !== null")
    phone.clock.set_fixed_time(start)
    phone.goto(visit)
    phone.get_by_role("button", name="チェックインする").click()
    expect(phone.locator("[data-step=start]")).to_contain_text("送信済")
    phone.wait_for_function("path => caches.match(path).then(Boolean)", arg=visit)
    phone.wait_for_function(
        "() => caches.match('/static/vendor/signature_pad/signature_pad.min.js').then(Boolean)"
    )
    phone.context.set_offline(True)
    phone.clock.set_fixed_time(end)
    phone.reload()
    draw(phone)
    expect(phone.locator("#unsent")).to_contain_text("未送信 1件")
    phone.reload()
    expect(phone.locator("#unsent")).to_contain_text("未送信 1件")
    assert CheckEvent.objects.count() == 1
    phone.context.set_offline(False)
    expect(phone.locator("#unsent")).to_be_hidden()
    desk.trouble[:] = [line for line in desk.trouble if not CUT.search(line)]
    assert CheckEvent.objects.filter(kind="終了").count() == 1
    row = Dispatch.objects.get()
    assert (row.status, row.visited_from, row.visited_to) == (Status.VISITED, start, end)
    # report
    phone.goto(f"/expert/dispatches/{number}/report/")
    phone.get_by_label("支援内容").fill("販路の助言をした。")
    story_month.claim(phone)
    phone.get_by_role("button", name="確認へ進む").click()
    expect(heading(phone)).to_have_text("提出前の確認")
    fine(phone)
    phone.get_by_role("button", name=re.compile("提出する$")).dblclick()
    expect(phone.get_by_role("heading", name="これからの流れ")).to_be_visible()
    # the client, from the mail
    client = desk.open(latest_link(), width=375)
    client.get_by_label("このとおりです").check()
    client.get_by_label("お名前").fill("試験 社長")
    fine(client)
    client.get_by_role("button", name="回答を送る").dblclick()
    expect(heading(client)).to_have_text("回答を受け付けました")
    assert Attestation.objects.get().confirmed
    # the institution approves
    kikan.goto(f"/portal/dispatches/{number}/approval/")
    expect(kikan.get_by_text("販路の助言をした。").first).to_be_visible()
    kikan.get_by_label("同行した人").fill("機関 一郎")
    fine(kikan)
    kikan.get_by_role("button", name="承認する", exact=True).dblclick()
    kikan.wait_for_url(lambda url: "approval/" not in url or url.endswith("/approvals/"))
    assert Dispatch.objects.get().status == Status.APPROVED
    # the office sees the same facts
    office.goto(f"/office/dispatches/{number}/")
    expect(heading(office)).to_contain_text(number)
    fine(office)
    story_month.check(office, number, fine)
    export_folder(tmp_path / "exported")
    # the month; the jobs are done here
    run = story_month.pay(office, desk.sign_in("shonin", path="/office/"), fine)
    story_month.take_notice(phone, fine)
    # the suite's own way to a database of one's own
    clones = request.config.pluginmanager.get_plugin(str(Path(__file__).parent.parent / "conftest.py"))
    story_month.close_again(run, tmp_path / "exported", tmp_path, database_template, clones)
