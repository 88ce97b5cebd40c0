"""Somebody without an account reads how one becomes an expert and finds whom to ask."""

from typing import Any

from accessibility import judge
from playwright.sync_api import expect

from core.audit.acting import SYSTEM, acting
from institutions.models import Institution


def test_whom_to_ask_is_found_from_the_sign_in_page(desk: Any, site: Any) -> None:
    with acting(SYSTEM, "story"):
        for code, name, kind, prefecture in (
            ("J1", "見本商工会", "商工会", "13"),
            ("J2", "大阪府よろず支援拠点", "よろず支援拠点", "27"),
        ):
            Institution.objects.create(
                code=code, name=name, kind=kind, prefecture_code=prefecture, phone="03-0000-0001"
            )
    phone = desk.open("/sign-in/", width=375)
    phone.get_by_role("link", name="専門家になるには").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("専門家になるには")
    assert judge(phone) == []
    desk.trouble.clear()
    phone.get_by_label("都道府県").select_option("大阪府")
    expect(phone.get_by_text("見本商工会")).to_have_count(0)
    expect(phone.get_by_text("大阪府よろず支援拠点")).to_be_visible()
    phone.get_by_label("機関の名前").fill("ない機関")
    expect(phone.get_by_text("条件に合う機関はありません")).to_be_visible()
    assert judge(phone) == []
    desk.trouble.clear()
