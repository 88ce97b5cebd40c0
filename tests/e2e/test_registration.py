"""Somebody becomes an expert, in browsers: recommended, entered on a phone, sent back, approved, signed in."""

import re
import sys
import time
from pathlib import Path
from typing import Any

from accessibility import judge
from django.test import Client
from playwright.sync_api import Page, expect

sys.path.append(str(Path(__file__).resolve().parent.parent / "experts"))

import registration_story as story

from core.agreements.services import load_first_texts
from core.audit.acting import SYSTEM
from core.notify.models import Mail
from core.secrets import decrypt
from experts.models import Expert
from experts.registration.models import Registration, Submission

PHONE = {"width": 375, "has_touch": True}
PASSWORD = "hajimete-no-aikotoba-26"
JPEG = story.picture().getvalue()


def signed_in(desk: Any, site: Any, user: Any, path: str) -> Page:
    """A browser of somebody who has just signed in."""
    client = Client()
    client.force_login(user)
    session = client.session
    session["confirmed_at"] = time.time()
    session["has_second_factor"] = True
    session.save()
    page: Page = desk.open("/sign-in/")
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site.url}]
    )
    page.goto(path)
    return page


def mailed(pattern: str, template: str) -> str:
    """What the newest mail of a template has of a pattern."""
    mail = Mail.objects.filter(template=template).latest("pk")
    found = re.search(pattern, decrypt(mail.body_cipher))
    assert found, mail.template
    return found[0]


def saved(page: Page) -> None:
    expect(page.locator("[data-autosave-status]")).to_contain_text("保存しました")


def add_file(page: Page, kind: str) -> None:
    page.get_by_label("書類の種類").select_option(kind)
    page.get_by_label("写真または PDF", exact=True).set_input_files(
        {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": JPEG}
    )
    page.get_by_role("button", name="この書類を追加する").click()
    expect(page.get_by_text(f"{kind}を追加しました")).to_be_visible()


def fill_in(page: Page) -> None:
    """Everything, as a person would, with the account found by its name."""
    entry = story.entry()
    page.get_by_label("氏名カナ").fill("みほん はなこ")
    page.get_by_label("都道府県").select_option("20")
    page.locator("#id_address").fill(entry["address"])
    page.locator("[name=topics]").first.check()
    page.locator("[name=requirement]").first.check()
    page.locator("#id_qualifications").fill("中小企業診断士\n税理士")
    page.locator("#id_payee_class").select_option("報酬2号")
    bank = page.get_by_role("combobox", name="銀行")
    bank.press_sequentially(entry["bank_code"])
    expect(page.locator(".offers:not([hidden]) [role=option]").first).to_be_visible()
    bank.press("ArrowDown")
    bank.press("Enter")
    branch = page.get_by_role("combobox", name="支店")
    branch.press_sequentially(entry["branch_code"])
    page.locator(".offers:not([hidden]) [role=option]").first.click()
    page.locator("#id_account_type").select_option("普通")
    page.locator("#id_account_number").fill("1234567")
    page.locator("#id_account_holder_kana").fill("ミホン ハナコ")
    page.locator("#id_account_holder_kana").press("Tab")
    expect(page.locator("[data-account-said]")).to_contain_text("振込に使える形です")


def test_a_person_becomes_an_expert(desk: Any, site: Any) -> None:
    load_first_texts(actor=SYSTEM)
    people = story.build()
    barriers: list[str] = []

    def look(page: Page, name: str) -> None:
        barriers.extend(f"{name}: {each}" for each in judge(page))
        # axe-core sets styles while it measures, of which the policy complains
        desk.trouble.clear()

    story.invited(people)
    link = mailed(r"/r/[^/\s]+/", "registration_invitation")
    phone = desk.open(link, **PHONE)
    expect(phone.get_by_label("氏名※必須", exact=False).first).to_have_value("見本 花子")
    look(phone, "empty")
    phone.get_by_role("button", name="提出する").click()
    phone.locator(".error-summary").wait_for()
    look(phone, "refused")
    fill_in(phone)
    saved(phone)
    phone.reload()
    assert phone.locator("#id_account_number").input_value() == "1234567"
    add_file(phone, "本人確認書類")
    add_file(phone, "資格証明書")
    expect(phone.locator("#id_qualifications")).to_have_value("中小企業診断士\n税理士")
    # a second window goes on; this one hears of it, and goes on with its own
    other = phone.context.new_page()
    other.goto(link)
    other.locator("#id_base_address").fill("長野県松本市")
    saved(other)
    phone.locator("#id_affiliated").fill("見本経営事務所")
    expect(phone.locator("[data-autosave-status]")).to_contain_text("別の画面で入力が進んでいます")
    desk.trouble[:] = [line for line in desk.trouble if "409" not in line]
    phone.get_by_role("link", name="保存されている内容を読み込む").click()
    expect(phone.locator("#id_base_address")).to_have_value("長野県松本市")
    phone.locator("#id_affiliated").fill("見本経営事務所")
    saved(phone)
    other.close()
    for text in ("専門家登録規約", "個人情報の取扱い（専門家）"):
        phone.get_by_label(f"「{text}」に同意します").check()
    look(phone, "whole")
    phone.get_by_role("button", name="提出する").dblclick()
    expect(phone.get_by_role("heading", name="登録の内容を確認しています")).to_be_visible()
    look(phone, "status")
    row = Registration.objects.get()
    assert Submission.objects.filter(registration=row).count() == 1

    page = signed_in(desk, site, people.staff, f"/portal/registrations/{row.uuid}/")
    page.locator("summary", has_text="差し戻す：住所").click()
    page.locator("[name=words-address]").fill("建物名も入力してください。")
    page.get_by_role("button", name="選んだ項目を差し戻す").click()
    page.get_by_text("本人の修正を待っています", exact=True).wait_for()

    phone.goto(link)
    expect(phone.get_by_role("heading", name="このリンクは使えません")).to_be_visible()
    look(phone, "unusable")
    phone.goto(mailed(r"/r/[^/\s]+/", "registration_returned"))
    phone.get_by_role("link", name="住所").first.click()
    look(phone, "returned")
    phone.locator("#id_address").fill("長野県松本市見本町1-2-3 見本ビル2階")
    for text in ("専門家登録規約", "個人情報の取扱い（専門家）"):
        phone.get_by_label(f"「{text}」に同意します").check()
    phone.get_by_role("button", name="提出する").click()
    expect(phone.get_by_role("heading", name="登録の内容を確認しています")).to_be_visible()

    page.reload()
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="確認して事務局へ送る").click()
    page.get_by_text("事務局の確認を待っています").first.wait_for()
    office = signed_in(desk, site, people.operator, f"/office/registrations/{row.uuid}/")
    office.get_by_role("button", name="承認して登録する").dblclick()
    office.get_by_text("として登録しました").wait_for()
    expert = Expert.objects.get()
    assert (expert.name, expert.account_number) == ("見本 花子", "1234567")

    phone.goto(mailed(r"/set-password/\S+", "registration_approved"))
    for field in phone.locator("input[type=password]").all():
        field.fill(PASSWORD)
    phone.locator("main button[type=submit]").click()
    phone.goto("/expert/profile/")
    if phone.get_by_label("ユーザー名").count():
        phone.get_by_label("ユーザー名").fill(expert.code)
        phone.get_by_label("パスワード").fill(PASSWORD)
        phone.get_by_role("button", name="ログイン", exact=True).click()
    expect(phone.get_by_text("見本 花子").first).to_be_visible()
    assert barriers == []
