"""The office's screens of requests to change registered data: old against new, checked by one, made by another."""

import re
from typing import Any

import pytest
from desk import browser, stage, strangers, text_of
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.audit.models import Access
from experts.changes.models import ChangeRequest
from experts.changes.services import ask_change
from experts.models import Expert

__all__ = ["stage"]

ACCOUNT = {
    "bank_code": "0001",
    "branch_code": "001",
    "account_type": "普通",
    "account_number": "2223456",
    "account_holder_kana": "ヨシダ　タロウ",
}


def asked(stage: Any, code: str = "E1", kind: str = "account") -> str:
    row = ask_change(
        expert=Expert.objects.get(code=code), kind=kind, entry=ACCOUNT, reason="口座の変更", key=code,
        actor=stage.experts[code],
    )  # fmt: skip
    return f"/office/changes/{row.uuid}/"


def act(client: Client, path: str, name: str, **values: str) -> Any:
    found = re.search(r'name="seen" value="([^"]+)"', text_of(client.get(path)))
    return client.post(path, {"act": name, "seen": found[1] if found else "", **values})


def test_old_and_new_stand_side_by_side_with_what_needs_a_look(stage: Any) -> None:
    page = text_of(browser(stage.operator).get(asked(stage)))
    assert "****345" in page and "****456" in page and "2223456" not in page
    assert "E2 別田 花子" in page and "同じ振込口座" in page
    assert "2021年7月4日（日）まで待つことをお勧めします" in page


def test_one_checks_another_makes(stage: Any) -> None:
    path, tanto, shonin = asked(stage), browser(stage.operator), browser(stage.approver)
    assert "確認した資料と内容を入力してください" in text_of(act(tanto, path, "check"))
    assert act(tanto, path, "check", note="通帳の写し").status_code == 302
    page = text_of(tanto.get(path))
    assert "確認した人は反映できません" in page and 'value="make"' not in page
    assert act(tanto, path, "make").status_code == 403
    assert "登録内容の変更の反映" in text_of(shonin.get("/office/"))
    assert "登録内容の変更の反映" not in text_of(tanto.get("/office/"))
    assert act(shonin, path, "make").status_code == 302
    assert Expert.objects.get(code="E1").account_number == "2223456"
    again = text_of(act(shonin, path, "make"))
    assert "画面を開いた後に変わりました" in again or "反映できません" in again


def test_a_conflict_is_shown_and_overwritten_only_with_the_box(stage: Any) -> None:
    path, tanto, shonin = asked(stage), browser(stage.operator), browser(stage.approver)
    act(tanto, path, "check", note="通帳の写し")
    Expert.objects.filter(code="E1").update(account_type="当座")
    page = text_of(shonin.get(path))
    assert "別のところで変わりました" in page and "当座" in page
    assert "上書きしてよければ" in text_of(act(shonin, path, "make"))
    assert act(shonin, path, "make", conflict_seen="on").status_code == 302


@pytest.mark.parametrize(("name", "state"), [("return", "returned"), ("refuse", "refused")])
def test_returned_and_refused_with_a_reason(stage: Any, name: str, state: str) -> None:
    path, tanto = asked(stage), browser(stage.operator)
    assert "理由を入力してください" in text_of(act(tanto, path, name))
    assert act(tanto, path, name, reason="通帳の写しを送ってください。").status_code == 302
    assert ChangeRequest.objects.get().state == state
    expert = text_of(browser(stage.experts["E1"]).get("/expert/profile/"))
    assert ("差戻し" if name == "return" else "反映しない") in expert


def test_whole_numbers_only_with_a_recorded_reason(stage: Any) -> None:
    path, tanto = asked(stage), browser(stage.operator)
    assert "閲覧の理由を入力してください" in text_of(tanto.post(path, {"act": "whole"}))
    assert not Access.objects.filter(what=Access.What.BANK).exists()
    page = text_of(tanto.post(path, {"act": "whole", "why": "通帳の写しと照合"}))
    assert "2223456" in page and "1112345" in page
    assert Access.objects.get(what=Access.What.BANK).reason == "通帳の写しと照合"


def test_a_paper_is_entered_with_where_it_came_from(stage: Any) -> None:
    path, tanto = "/office/changes/new/E1/account/", browser(stage.operator)
    page = text_of(tanto.post(path, ACCOUNT | {"reason": ""}))
    assert "経路（書面かメール）を選んでください" in page and "2223456" in page
    paper = {"source": "letter", "source_note": "7月1日着の変更届", "reason": "口座の変更", "key": "p1"}
    first = tanto.post(path, ACCOUNT | paper)
    assert first.status_code == 302
    assert tanto.post(path, ACCOUNT | paper).headers["Location"] == first.headers["Location"]
    assert "7月1日着の変更届" in text_of(tanto.get(first.headers["Location"]))


def test_strangers_see_nothing(stage: Any) -> None:
    path = asked(stage)
    for user in strangers(stage):
        assert browser(user).get(path).status_code == 403
        assert browser(user).get("/office/changes/").status_code == 403


def test_the_list_takes_the_same_queries_however_long_it_is(stage: Any) -> None:
    asked(stage)
    client = browser(stage.operator)
    assert "吉田 太郎" in text_of(client.get("/office/changes/"))
    with CaptureQueriesContext(connection) as one:
        client.get("/office/changes/")
    asked(stage, "E2")
    asked(stage, "E3")
    with CaptureQueriesContext(connection) as three:
        page = text_of(client.get("/office/changes/"))
    assert "補助 一郎" in page
    assert len(three) == len(one)
    assert "該当する申請はありません" in text_of(client.get("/office/changes/?state=made"))
