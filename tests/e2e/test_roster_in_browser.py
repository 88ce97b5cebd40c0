"""The agency's roster in a browser: from the file to the new institution's first look at its figures."""

import io
from pathlib import Path
from typing import Any

from accessibility import judge
from playwright.sync_api import expect

from accounts.links import one_time_link
from accounts.models import Role
from core.audit.acting import SYSTEM
from core.exchange.services import load_files
from institutions.models import Institution, Member

HEAD = "機関コード,機関名,機関区分,都道府県コード,電話番号,地域PFコード,地域PF名,地域PF役割"
STANDING = f"""{HEAD}
A1,甲商工会,商工会,13,03-1,P1,見本PF,代表
A2,乙商工会議所,商工会議所,13,03-2,P1,見本PF,構成
A3,丙銀行,構成機関（派遣対象外）,13,03-3,P1,見本PF,構成
A4,丁商工会,商工会,13,03-4,P1,見本PF,構成
"""
ROSTER = f"""{HEAD},責任者氏名,責任者メールアドレス
A1,甲商工会,商工会,13,03-1,P1,見本PF,代表,,
A2,乙商工会議所,商工会議所,13,03-22,P1,見本PF,構成,,
A3,丙銀行,構成機関（派遣対象外）,13,03-3,P1,見本PF,構成,,
A5,戊中央会,中央会,13,03-5,P1,見本PF,構成,戊野 五郎,gono@example.jp
A6,己商会,商会,13,03-6,P1,見本PF,構成,,
"""


def test_a_roster_is_compared_chosen_from_applied_and_reported(desk: Any, site: Any, tmp_path: Path) -> None:
    assert load_files({"institutions.csv": io.BytesIO(STANDING.encode())}, actor=SYSTEM).ok
    site.person("tanaka", Role.OFFICE_OPERATOR)
    file = tmp_path / "名簿.csv"
    file.write_text(ROSTER, encoding="utf-8-sig")

    page = desk.sign_in("tanaka", path="/office/institutions/")
    page.get_by_role("link", name="構成機関名簿").click()
    page.get_by_label("名簿のファイル").set_input_files(file)
    page.get_by_label("構成機関名簿（名簿にある地域プラットフォームの全機関）").check()
    page.get_by_role("button", name="読み込んで差を見る").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("名簿の差")
    page.get_by_role("link", name="誤り 1").click()
    expect(page.get_by_role("table")).to_contain_text("機関区分「商会」")
    page.get_by_role("link", name="名簿にない 1").click()
    page.get_by_label("A4 丁商工会を採用").check()
    page.get_by_role("button", name="このページの選択を保存").click()
    expect(page.get_by_role("link", name="名簿にない 1（採用 1）")).to_be_visible()
    page.get_by_role("link", name="採用した3行の反映へ").click()
    page.get_by_role("button", name="3行を反映する").click()
    expect(page.get_by_text("名簿を反映しました")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="完了報告（PDF）").click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF")
    assert Institution.objects.get(code="A4").valid_until is not None

    chief = Member.objects.get(institution__code="A5").user
    other = desk.open(one_time_link(chief))
    password = "hajimete-no-aikotoba-26"
    for field in other.locator("input[type=password]").all():
        field.fill(password)
    other.locator("main button[type=submit]").click()
    other.goto("/sign-in/")
    other.get_by_label("ユーザー名").fill("a5")
    other.get_by_label("パスワード").fill(password)
    other.get_by_role("button", name="ログイン", exact=True).click()
    other.get_by_role("link", name="実績").click()
    expect(other.get_by_role("heading", level=1)).to_have_text("実績")
    barriers = judge(page) + judge(other)
    # axe-core sets styles while it measures, of which the policy complains
    desk.trouble.clear()
    assert barriers == []
