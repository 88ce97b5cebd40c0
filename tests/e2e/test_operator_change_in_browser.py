"""A よろず gets another operator, in browsers: notice, form on a phone, a field back, the old IDs' end, the opening."""

import datetime as dt
import io
import re
from typing import Any

from accessibility import judge
from playwright.sync_api import Page, expect

from accounts.links import one_time_link
from accounts.models import Role
from core import clock
from core.agreements.services import load_first_texts
from core.audit.acting import SYSTEM, acting
from core.exchange.services import load_files
from core.notify.models import Mail
from core.secrets import decrypt
from institutions.models import Institution, Member, OperatorChange
from institutions.operator_change.services import stop_due

BASE = "機関コード,機関名,機関区分,都道府県コード\nY13,東京都よろず支援拠点,よろず支援拠点,13\n"
PASSWORD = "hajimete-no-aikotoba-26"


def link_mailed() -> str:
    mail = Mail.objects.filter(template__in=["operator_form", "operator_returned"]).latest("pk")
    found = re.search(r"(/y/[^/\s]+/)", decrypt(mail.body_cipher))
    assert found
    return found[1]


def test_an_operator_changes_from_the_notice_to_the_first_sign_in(desk: Any, site: Any) -> None:
    load_first_texts(actor=SYSTEM)
    assert load_files({"institutions.csv": io.BytesIO(BASE.encode())}, actor=SYSTEM).ok
    site.person("tanaka", Role.OFFICE_OPERATOR)
    old = site.person("furui", Role.INSTITUTION_CHIEF, email="furui@example.jp")
    with acting(SYSTEM, "test"):
        Member.objects.create(user=old, institution=Institution.objects.get(code="Y13"))
    barriers = []

    def look(seen: Page, name: str) -> None:
        barriers.extend(f"{name}: {each}" for each in judge(seen))
        # axe-core sets styles while it measures, of which the policy complains
        desk.trouble.clear()

    page = desk.sign_in("tanaka", path="/office/institutions/")
    page.get_by_role("link", name="よろず支援拠点の実施機関の変更").click()
    look(page, "list")
    page.get_by_role("link", name="変更を始める").click()
    page.get_by_label("旧実施機関※必須").select_option("Y13")
    page.get_by_label("旧実施機関の最終日").fill((clock.today() - dt.timedelta(days=1)).isoformat())
    page.get_by_label("新実施機関の名前").fill("一般社団法人見本")
    page.get_by_label("フォームを受け取る人の氏名").fill("見本 太郎")
    page.get_by_label("フォームを送るメールアドレス").fill("taro@example.jp")
    look(page, "new")
    page.get_by_role("button", name="始めて、予告を送る").click()
    page.get_by_role("button", name="登録フォームを送る").click()
    expect(page.get_by_text("登録フォームのリンクをメールで送りました")).to_be_visible()
    look(page, "sent")

    phone = desk.open(link_mailed(), width=375)
    phone.get_by_label("実施機関名").fill("一般社団法人見本")
    expect(phone.get_by_text("保存しました")).to_be_visible()
    phone.reload()
    expect(phone.get_by_label("実施機関名")).to_have_value("一般社団法人見本")
    phone.get_by_role("button", name="事務局へ送信する").click()
    expect(phone.get_by_text("所在地を入力してください。").first).to_be_visible()
    look(phone, "form-refused")
    phone.get_by_label("所在地").fill("東京都千代田区見本1-2-3")
    phone.get_by_label("電話番号").fill("03-1234-5678")
    phone.get_by_label("機関のメールアドレス").fill("base@example.jp")
    phone.get_by_label("責任者の氏名").fill("新田 責任")
    phone.get_by_label("責任者のメールアドレス").fill("chief@example.jp")
    phone.get_by_label("利用規約に同意します").check()
    phone.get_by_role("button", name="事務局へ送信する").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("受け付けました")
    look(phone, "done")

    page.reload()
    page.get_by_label("電話番号の差戻しの理由").fill("代表番号を入力してください。")
    look(page, "checking")
    page.get_by_role("button", name="理由を書いた項目を差し戻す").click()
    expect(page.get_by_text("1項目を差し戻し")).to_be_visible()
    phone.goto(link_mailed())
    expect(phone.get_by_text("代表番号を入力してください。").first).to_be_visible()
    look(phone, "form-returned")
    phone.get_by_label("電話番号").fill("03-9999-8888")
    phone.get_by_label("利用規約に同意します").check()
    phone.get_by_role("button", name="事務局へ送信する").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("受け付けました")

    page.reload()
    page.get_by_role("button", name="この内容で確認済みにする").click()
    expect(page.get_by_text("回答を確認しました")).to_be_visible()
    stop_due()
    page.reload()
    page.get_by_role("link", name="開設へ進む").click()
    expect(page.get_by_label("機関コード")).to_have_value("Y13-2")
    look(page, "open")
    page.get_by_role("button", name="開設する").click()
    expect(page.get_by_text("新実施機関を開設し")).to_be_visible()
    look(page, "opened")

    change = OperatorChange.objects.get()
    old.refresh_from_db()
    assert not old.is_active
    chief = Member.objects.get(institution=change.successor).user
    first = desk.open(one_time_link(chief))
    for field in first.locator("input[type=password]").all():
        field.fill(PASSWORD)
    first.locator("main button[type=submit]").click()
    first.goto("/sign-in/")
    first.get_by_label("ユーザー名").fill(chief.username)
    first.get_by_label("パスワード").fill(PASSWORD)
    first.get_by_role("button", name="ログイン", exact=True).click()
    expect(first.get_by_role("link", name="実績")).to_be_visible()
    assert barriers == [], "\n".join(barriers)
