"""A bank account changes in browsers: asked on a phone, checked by one, made by another, paid by the month."""

import re
import sys
from pathlib import Path
from typing import Any

from accessibility import judge
from playwright.sync_api import expect

sys.path.append(str(Path(__file__).resolve().parent.parent / "payments"))

from closing import JULY, PAY_DATE, load

from accounts.models import Role
from core.banks.models import Branch
from dispatch.models import Draft
from experts.changes.models import ChangeRequest
from experts.models import Expert
from payments.models import Payout
from payments.services import compute_run, draft_run


def quiet(desk: Any, page: Any) -> None:
    """Nothing against the page; axe-core sets styles while it measures, of which the policy complains."""
    assert desk.trouble == []
    assert judge(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    desk.trouble.clear()


def test_an_account_is_asked_for_checked_made_and_paid_to(desk: Any, site: Any) -> None:
    load("2021-07")
    tanaka = site.person("tanaka", Role.OFFICE_OPERATOR, display_name="田中 担当")
    site.person("suzuki", Role.OFFICE_APPROVER, display_name="鈴木 承認")
    run = compute_run(
        run=draft_run(month=JULY, pay_date=PAY_DATE, actor=tanaka, past_allowed=True), actor=tanaka
    )
    code = run.payouts.order_by("expert_code")[0].expert_code
    Expert.objects.filter(code=code).update(
        user=site.person("senmon", Role.EXPERT, display_name="専門 太郎"), email="old@example.jp"
    )
    # as the payee stands when the run is calculated
    compute_run(run=run, actor=tanaka)
    branch = Branch.objects.select_related("bank").get(bank__code="0001", code="001")

    phone = desk.sign_in("senmon", path="/expert/profile/", width=375)
    expect(phone.get_by_role("heading", name="登録情報", exact=True)).to_be_visible()
    quiet(desk, phone)
    phone.get_by_role("link", name=re.compile("変更を申請する.*振込口座")).click()
    phone.get_by_label("銀行", exact=True).fill("存在しない銀行")
    phone.get_by_label("変更の理由").fill("口座を作り直したため")
    expect(phone.locator("[data-autosave-status]")).to_contain_text("保存しました")
    phone.reload()
    expect(phone.get_by_label("変更の理由")).to_have_value("口座を作り直したため")
    phone.get_by_label("支店", exact=True).fill(branch.name)
    phone.get_by_label("預金種目").select_option("普通")
    phone.get_by_label("口座番号").fill("7776655")
    phone.get_by_label("口座名義（カナ）").fill("センモン タロウ")
    phone.get_by_role("button", name="変更を申請する").click()
    phone.locator(".error-summary").wait_for()
    expect(phone.get_by_label("口座番号")).to_have_value("7776655")
    quiet(desk, phone)
    phone.get_by_label("銀行", exact=True).fill("みずほ")
    phone.get_by_role("button", name="変更を申請する").click()
    expect(phone.get_by_text("を受け付けました。")).to_be_visible()
    quiet(desk, phone)
    row = ChangeRequest.objects.get()
    assert not Draft.objects.exists()

    tanto = desk.sign_in("tanaka", path="/office/")
    tanto.get_by_role("link", name="登録内容の変更の確認").click()
    quiet(desk, tanto)
    tanto.get_by_role("link", name=row.number).click()
    expect(tanto.get_by_role("table", name="").first).to_contain_text("****655")
    quiet(desk, tanto)
    tanto.get_by_label("確認した資料と内容").fill("通帳の写しと照合した")
    tanto.get_by_role("button", name="確認済みにする").click()
    expect(tanto.get_by_text("確認した人は反映できません")).to_be_visible()
    quiet(desk, tanto)

    shonin = desk.sign_in("suzuki", path=f"/office/changes/{row.uuid}/")
    shonin.get_by_role("button", name="登録に反映する").click()
    expect(shonin.get_by_text("登録内容に反映しました")).to_be_visible()
    quiet(desk, shonin)
    assert Expert.objects.get(code=code).account_number == "7776655"

    shonin.goto("/office/months/2021-07/")
    expect(shonin.get_by_text("支払先の登録が、計算の後に変わりました")).to_be_visible()
    quiet(desk, shonin)
    shonin.goto(f"/office/runs/{run.name}/")
    expect(shonin.get_by_text(f"専門家 {code} ")).to_be_visible()
    compute_run(run=run, actor=tanaka)
    shonin.reload()
    expect(shonin.get_by_text("計算の後に変わりました")).to_have_count(0)
    shonin.goto(f"/office/runs/{run.name}/payouts/{code}/")
    expect(shonin.get_by_text("****655")).to_be_visible()
    assert Payout.objects.get(run=run, expert__code=code).account_number == "7776655"
