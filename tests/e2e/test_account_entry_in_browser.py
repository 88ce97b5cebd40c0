"""An expert types a new account: by keyboard with offers, ゆうちょ converted, problems beside their fields, no script needed."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from accessibility import judge
from playwright.sync_api import expect

from accounts.models import Role
from core import clock
from experts.changes.models import ChangeRequest
from experts.models import Expert

ACCOUNT = "/expert/profile/change/account/"


@pytest.fixture
def yoshida(site: Any) -> None:
    """Expert E1 signs in as yoshida."""
    path = Path(__file__).parent.parent / "portal_expert" / "conftest.py"
    spec = importlib.util.spec_from_file_location("expert_story_of_accounts", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.tell(clock.today())
    person = site.person("yoshida", Role.EXPERT, display_name="吉田 太郎")
    Expert.objects.filter(code="E1").update(user=person)


def quiet(desk: Any, page: Any) -> None:
    assert desk.trouble == []
    assert judge(page) == []
    desk.trouble.clear()


def test_an_account_is_typed_by_keyboard_and_judged_at_once(desk: Any, yoshida: None) -> None:
    phone = desk.sign_in("yoshida", path=ACCOUNT, width=375)
    asked = []
    phone.on("request", lambda request: asked.append((request.method, request.url)))
    bank = phone.get_by_role("combobox", name="銀行", exact=True)
    bank.press_sequentially("みずほ")
    options = phone.get_by_role("listbox", name="銀行の候補").get_by_role("option")
    expect(options.first).to_contain_text("0001")
    assert all(box["height"] >= 44 for box in (each.bounding_box() for each in options.all()))
    quiet(desk, phone)
    bank.press("ArrowDown")
    expect(bank).to_have_attribute("aria-activedescendant", "id_bank_code_offers_0")
    bank.press("Enter")
    expect(bank).to_have_value("0001 みずほ")
    expect(bank).to_have_attribute("aria-expanded", "false")
    branch = phone.get_by_role("combobox", name="支店", exact=True)
    branch.press_sequentially("とうきょう")
    offers = phone.get_by_role("listbox", name="支店の候補").get_by_role("option")
    offers.filter(has_text="001").first.click()
    expect(branch).to_have_value("001 東京営業部")
    branch.press_sequentially("x")
    branch.press("Escape")
    expect(offers).to_have_count(0)
    branch.fill("001")
    phone.get_by_label("預金種目").select_option("普通")
    phone.get_by_label("口座番号").fill("12345678")
    holder = phone.get_by_label("口座名義（カナ）")
    holder.fill("吉田 太郎")
    expect(phone.locator("#id_account_number_live")).to_contain_text("7桁")
    phone.get_by_label("変更の理由").fill("口座を作り直したため")
    expect(phone.locator("#id_account_holder_kana_live")).to_contain_text("漢字")
    expect(holder).to_have_attribute("aria-invalid", "true")
    quiet(desk, phone)
    phone.get_by_label("口座番号").fill("7776655")
    holder.fill("ヨシダ　タロウ")
    phone.get_by_label("変更の理由").focus()
    expect(phone.locator(".field__error")).to_have_count(0)
    shown = phone.locator("[data-account-shown]")
    expect(shown).to_contain_text("ﾖｼﾀﾞ ﾀﾛｳ")
    expect(shown).to_contain_text("振込に使える形です")
    expect(branch).to_have_value("001 東京営業部")
    quiet(desk, phone)
    assert not [url for _, url in asked if "7776655" in url or "?" in url]
    phone.get_by_role("button", name="変更を申請する").click()
    expect(phone.get_by_text("を受け付けました。")).to_be_visible()
    kept = ChangeRequest.objects.get().new_values
    assert (kept["bank_code"], kept["branch_code"], kept["account_number"]) == ("0001", "001", "7776655")


def test_a_yucho_account_shows_what_it_becomes(desk: Any, yoshida: None) -> None:
    page = desk.sign_in("yoshida", path=ACCOUNT)
    page.get_by_label("ゆうちょ銀行の記号・番号で入力する").check()
    page.get_by_label("ゆうちょの記号").fill("10140")
    page.get_by_label("ゆうちょの番号").fill("12345671")
    page.get_by_label("口座名義（カナ）").fill("ヨシダ タロウ")
    shown = page.locator("[data-account-shown]")
    expect(shown).to_contain_text("1234567")
    expect(shown).to_contain_text("018")
    quiet(desk, page)


def test_without_script_names_are_taken_as_they_are(desk: Any, yoshida: None) -> None:
    page = desk.sign_in("yoshida", path=ACCOUNT, java_script_enabled=False)
    page.get_by_label("銀行", exact=True).fill("みずほ")
    page.get_by_label("支店", exact=True).fill("東京営業部")
    page.get_by_label("預金種目").select_option("普通")
    page.get_by_label("口座番号").fill("7776655")
    page.get_by_label("口座名義（カナ）").fill("ヨシダ　タロウ")
    page.get_by_label("変更の理由").fill("口座を作り直したため")
    page.get_by_role("button", name="変更を申請する").click()
    expect(page.get_by_text("を受け付けました。")).to_be_visible()
