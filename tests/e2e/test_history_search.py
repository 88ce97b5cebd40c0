"""Looking up in the history who changed what, in a browser."""

from typing import Any

from playwright.sync_api import expect

from accounts.models import Role
from core.audit.acting import acting
from institutions.models import Institution


def test_a_change_is_found_by_person_and_by_code_and_read_as_before_and_after(site: Any, desk: Any) -> None:
    tanaka = site.person("tanaka", Role.OFFICE_OPERATOR, display_name="田中 陽子")
    sato = site.person("sato", Role.OFFICE_OPERATOR, display_name="佐藤 一郎")
    site.person("shonin", Role.OFFICE_APPROVER)
    with acting(tanaka, "load_exchange", "名簿の変更"):
        Institution.objects.create(code="K77", name="旧商工会", kind="商工会", prefecture_code="13")
    with acting(sato, "load_exchange", "改称の届出"):
        Institution.objects.filter(code="K77").update(name="新商工会")

    page = desk.sign_in("shonin", path="/office/history/")
    page.get_by_label("利用者").fill("佐藤")
    page.get_by_role("button", name="調べる").click()
    found = page.locator("main")
    expect(found).to_contain_text("佐藤 一郎")
    expect(found).to_contain_text("旧商工会")
    expect(found).to_contain_text("新商工会")
    expect(found).to_contain_text("改称の届出")
    expect(found).not_to_contain_text("名簿の変更")

    page.goto("/office/history/")
    page.get_by_label("表").select_option(label="派遣可能機関")
    page.get_by_label("コード・番号").fill("K77")
    page.get_by_role("button", name="調べる").click()
    expect(found).to_contain_text("名簿の変更")
    expect(found).to_contain_text("改称の届出")


def test_who_has_no_right_to_the_history_is_told_so(site: Any, desk: Any) -> None:
    site.person("tanaka", Role.OFFICE_OPERATOR)
    page = desk.sign_in("tanaka", path="/office/")
    expect(page.get_by_role("link", name="履歴", exact=True)).to_have_count(0)
