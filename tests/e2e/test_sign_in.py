"""Signing in, as a person does it in a browser."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from authenticator import code_at, code_now
from playwright.sync_api import Page, expect

from accounts.models import Role

NEW_PASSWORD = "atarashii-aikotoba-77"


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def sign_out(page: Page) -> None:
    page.locator(".user-menu summary").click()
    page.get_by_role("button", name="ログアウト").click()
    heading(page, "ログイン")


class TestWithSecondFactor:
    """Where a second factor is compulsory."""

    @pytest.fixture
    def site_environment(self) -> dict[str, str]:
        return {"MFA_REQUIRED": "1"}

    def test_enrolling_an_app_and_signing_in_with_its_code(
        self, site: Any, desk: Any, fill_password: Callable[..., None]
    ) -> None:
        site.person("tanaka", Role.OFFICE_OPERATOR)
        page = desk.sign_in("tanaka", path="/office/runs/")
        heading(page, "二段階認証の登録")
        page.goto("/office/")
        heading(page, "二段階認証の登録")
        page.get_by_text("読み取れないとき").click()
        secret = page.locator(".enrol-key").inner_text()
        page.get_by_label("確認コード").fill(code_now(secret))
        page.get_by_role("button", name="登録する").click()
        heading(page, "回復コード")
        recovery = page.locator(".recovery-codes code").all_inner_texts()
        assert len(recovery) == 10
        page.get_by_role("link", name="控えました").click()
        heading(page, "ホーム")
        sign_out(page)

        fill_password(page, "tanaka")
        heading(page, "確認コード")
        page.goto("/office/")
        heading(page, "確認コード")
        page.get_by_label("確認コード").fill("000 000")
        page.get_by_role("button", name="ログイン", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("確認コードが正しくない")
        page.get_by_label("確認コード").fill(code_at(time.time() + 30, secret))
        page.get_by_role("button", name="ログイン", exact=True).click()
        heading(page, "ホーム")

        phone = desk.sign_in("tanaka", width=375)
        heading(phone, "確認コード")
        phone.get_by_label("確認コード").fill(recovery[0])
        phone.get_by_role("button", name="ログイン", exact=True).click()
        heading(phone, "ホーム")
        assert phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_lock_and_its_unlocking(site: Any, desk: Any, fill_password: Callable[..., None]) -> None:
    site.person("tanaka", Role.OFFICE_OPERATOR, display_name="田中 陽子")
    site.person("kanri", Role.OFFICE_ADMIN)
    page = desk.open()
    for _ in range(4):
        fill_password(page, "tanaka", "wrong password")
        expect(page.get_by_role("alert")).to_contain_text("ユーザー名またはパスワードが正しくありません")
    fill_password(page, "tanaka", "wrong password")
    heading(page, "ログインをロックしました")
    page.get_by_role("link", name="ログイン画面へ").click()
    fill_password(page, "tanaka")
    heading(page, "ログインをロックしました")

    office = desk.sign_in("kanri")
    heading(office, "ホーム")
    office.get_by_role("link", name="ログインの記録").click()
    locked = office.locator(".table-box[aria-label=ロック中]")
    expect(locked).to_contain_text("田中 陽子")
    locked.get_by_role("link", name="解除する").click()
    heading(office, "ロックを解除しますか")
    office.get_by_role("button", name="解除する").click()
    expect(office.get_by_role("status")).to_contain_text("ロックを解除しました")

    page.get_by_role("link", name="ログイン画面へ").click()
    fill_password(page, "tanaka")
    heading(page, "ホーム")


def test_a_forgotten_password(site: Any, desk: Any, fill_password: Callable[..., None]) -> None:
    site.person("tanaka", Role.OFFICE_OPERATOR, email="tanaka@example.jp")
    page = desk.open()
    page.get_by_role("link", name="パスワードを忘れたとき").click()
    page.get_by_label("メールアドレス").fill("tanaka@example.jp")
    page.get_by_role("button", name="リンクを送る").click()
    heading(page, "メールをご確認ください")
    link = site.link_mailed_to("tanaka@example.jp")
    page.goto(link)
    heading(page, "パスワードの設定")
    first, second = page.get_by_label(re.compile("パスワード")).all()
    first.fill("short")
    second.fill("short")
    page.get_by_role("button", name="設定する").click()
    expect(page.get_by_role("alert")).to_contain_text("短すぎます")
    first, second = page.get_by_label(re.compile("パスワード")).all()
    first.fill(NEW_PASSWORD)
    second.fill(NEW_PASSWORD)
    page.get_by_role("button", name="設定する").click()
    expect(page.get_by_role("status")).to_contain_text("パスワードを設定しました")
    fill_password(page, "tanaka", NEW_PASSWORD)
    heading(page, "ホーム")
    other = desk.open(link.removeprefix(site.url))
    expect(other.locator("main")).to_contain_text("このリンクは使えません")


def test_a_dangerous_act_is_confirmed_and_keeps_what_was_typed(site: Any, desk: Any) -> None:
    user = site.person("tanaka", Role.OFFICE_OPERATOR)
    site.person("kanri", Role.OFFICE_ADMIN)
    page = desk.sign_in("kanri", path=f"/office/people/{user.pk}/role/")
    page.get_by_label("新しい役割").select_option(Role.OFFICE_APPROVER)
    page.get_by_label("理由").fill("4月の異動")
    site.make_stale()
    page.get_by_role("button", name="変更する").click()
    heading(page, "ご本人の確認")
    page.get_by_label("パスワード").fill("tsukinami-shiharai-2021")
    page.get_by_role("button", name="確認する").click()
    heading(page, "ご本人を確認しました")
    user.refresh_from_db()
    assert user.role == Role.OFFICE_OPERATOR
    page.get_by_role("button", name="続ける").click()
    expect(page.get_by_role("status")).to_contain_text("役割を変更しました")
    expect(page.locator(".timeline")).to_contain_text("4月の異動")
    user.refresh_from_db()
    assert user.role == Role.OFFICE_APPROVER


def test_a_changed_role_bites_at_the_next_request(
    site: Any, desk: Any, fill_password: Callable[..., None]
) -> None:
    user = site.person("tanaka", Role.OFFICE_OPERATOR)
    site.person("kanri", Role.OFFICE_ADMIN)
    page = desk.sign_in("tanaka")
    heading(page, "ホーム")
    office = desk.sign_in("kanri", path=f"/office/people/{user.pk}/role/")
    office.get_by_label("新しい役割").select_option(Role.AGENCY_VIEWER)
    office.get_by_label("理由").fill("登録の誤り")
    office.get_by_role("button", name="変更する").click()
    expect(office.get_by_role("status")).to_contain_text("役割を変更しました")
    page.get_by_role("link", name="月次支払").first.click()
    heading(page, "ログイン")
    fill_password(page, "tanaka")
    page.goto("/office/runs/")
    heading(page, "この操作を行う権限がありません")


def test_own_sessions_are_seen_and_ended(site: Any, desk: Any) -> None:
    site.person("tanaka", Role.OFFICE_OPERATOR)
    page, other = desk.sign_in("tanaka"), desk.sign_in("tanaka", user_agent="もう一台の端末".encode().hex())
    heading(other, "ホーム")
    page.locator(".user-menu summary").click()
    page.get_by_role("link", name="ログインの状態").click()
    heading(page, "ログインの状態")
    page.get_by_role("button", name="ほかの端末をすべて終える").click()
    expect(page.get_by_role("status")).to_contain_text("すべて終えました")
    other.reload()
    heading(other, "ログイン")
