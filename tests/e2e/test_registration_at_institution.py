"""The institution's part of a registration in the browser: recommending, checking, sending back, passing on."""

import sys
import time
from pathlib import Path
from typing import Any

from accessibility import judge
from django.test import Client

sys.path.append(str(Path(__file__).resolve().parent.parent / "experts"))

import registration_story as story

from experts.registration.models import FieldReturn, Registration


def signed_in(desk: Any, site: Any, user: Any, path: str) -> Any:
    """A browser of somebody who has just signed in."""
    client = Client()
    client.force_login(user)
    session = client.session
    session["confirmed_at"] = time.time()
    session["has_second_factor"] = True
    session.save()
    page = desk.open("/sign-in/")
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site.url}]
    )
    page.goto(path)
    return page


def quiet(desk: Any, page: Any) -> None:
    """Nothing against the page; axe-core sets styles while it measures, of which the policy complains."""
    assert desk.trouble == []
    assert judge(page) == []
    desk.trouble.clear()


def test_a_person_is_recommended_and_checked(desk: Any, site: Any) -> None:
    people = story.build()
    page = signed_in(desk, site, people.staff, "/portal/registrations/")
    quiet(desk, page)
    page.get_by_role("link", name="専門家を推薦する").first.click()
    page.get_by_label("面談の方法").select_option("来所")
    page.get_by_label("面談の記録").fill("製造業の生産管理に20年従事。")
    page.get_by_label("推薦の理由").fill("会員企業の改善で実績がある。")
    page.get_by_role("button", name="推薦して登録案内を送る").click()
    page.locator(".error-summary").wait_for()
    assert page.get_by_label("面談の記録").input_value() == "製造業の生産管理に20年従事。"
    quiet(desk, page)
    page.get_by_label("候補者の氏名").fill("見本 花子")
    page.get_by_label("候補者のメールアドレス").fill("hanako@example.jp")
    page.get_by_role("button", name="推薦して登録案内を送る").click()
    page.get_by_role("img", name="登録の入力画面を開くQRコード").wait_for()
    quiet(desk, page)
    row = Registration.objects.get()
    token = page.locator(".hash").inner_text().rstrip("/").rpartition("/")[2]
    assert story.live(token) == row

    story.fill_in(token)
    page.goto(f"/portal/registrations/{row.uuid}/")
    page.get_by_role("heading", name="登録基準の確認").wait_for()
    quiet(desk, page)
    page.locator("summary", has_text="差し戻す：住所").click()
    page.locator("[name=words-address]").fill("建物名も入力してください。")
    quiet(desk, page)
    page.get_by_role("button", name="選んだ項目を差し戻す").click()
    page.get_by_text("本人の修正を待っています", exact=True).wait_for()
    assert FieldReturn.objects.get().field == "address"
    quiet(desk, page)
    page.goto("/portal/registrations/")
    quiet(desk, page)

    story.fill_in(story.mailed_token(row), address="長野県松本市見本町1-2-3 見本ビル2階")
    page.goto(f"/portal/registrations/{row.uuid}/")
    page.get_by_text("今回変更").wait_for()
    quiet(desk, page)
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="確認して事務局へ送る").click()
    page.get_by_text("事務局の確認を待っています").first.wait_for()
    row.refresh_from_db()
    assert row.state == "office"
    page.goto(f"/portal/registrations/{row.uuid}/link/")
    quiet(desk, page)
    page.goto(f"/portal/registrations/{row.uuid}/withdraw/")
    quiet(desk, page)
