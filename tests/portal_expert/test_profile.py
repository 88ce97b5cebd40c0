"""The expert sees what is registered, and asks for changes that are kept while they are typed."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "dispatch"))

import stage as stages

from core.audit.models import Access
from dispatch.models import Draft
from experts.changes.models import ChangeRequest
from experts.models import Expert

ACCOUNT = "/expert/profile/change/account/"
TYPED = {
    "bank_code": "みずほ銀行",
    "branch_code": "東京営業部",
    "account_type": "普通",
    "account_number": "7776655",
    "account_holder_kana": "ヨシダ　タロウ",
    "reason": "口座を作り直したため",
}


@pytest.fixture
def stage(db: None, settings: Any) -> Iterator[stages.Stage]:
    settings.MFA_REQUIRED = False
    with time_machine.travel(stages.at("07-01 09:00"), tick=False) as traveller:
        yield stages.build(traveller)


def browser(stage: stages.Stage, code: str = "E1") -> Client:
    client = Client()
    client.force_login(stage.experts[code], backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_the_page_shows_what_is_registered_with_the_number_covered(stage: stages.Stage) -> None:
    page = text(browser(stage).get("/expert/profile/"))
    assert "吉田 太郎" in page and "****345" in page and "1112345" not in page
    assert page.count("変更を申請する") == 4
    assert Access.objects.filter(actor_id=stage.experts["E1"].pk).exists()


def test_bank_and_branch_are_asked_by_their_names(stage: stages.Stage) -> None:
    client = browser(stage)
    answer = client.post(ACCOUNT, TYPED | {"key": "k1"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/expert/profile/")
    row = ChangeRequest.objects.get()
    assert (row.new_values["bank_code"], row.new_values["branch_code"]) == ("0001", "001")
    assert "確認待ち" in text(client.get("/expert/profile/"))
    waiting = text(client.get(ACCOUNT))
    assert "****655" in waiting and "7776655" not in waiting and "取り下げる" in waiting
    assert client.post(ACCOUNT, TYPED | {"key": "k1"}).status_code == 302
    assert ChangeRequest.objects.count() == 1


def test_a_refusal_keeps_what_was_typed(stage: stages.Stage) -> None:
    page = text(browser(stage).post(ACCOUNT, TYPED | {"bank_code": "存在しない銀行", "reason": "移転"}))
    assert "一覧にありません" in page and "存在しない銀行" in page and "7776655" in page
    page = text(browser(stage).post(ACCOUNT, TYPED | {"account_holder_kana": "吉田", "reason": ""}))
    assert "変更の理由を入力してください" in page and "通帳の見開きにある" in page
    assert not ChangeRequest.objects.exists()


def test_a_second_window_is_told_and_keeps_its_entry(stage: stages.Stage) -> None:
    client = browser(stage)
    client.post(ACCOUNT, TYPED | {"key": "k1"})
    page = text(client.post(ACCOUNT, TYPED | {"key": "k2", "account_number": "1231231"}))
    assert "確認待ち" in page and ChangeRequest.objects.get().new_values["account_number"] == "7776655"


def test_typing_is_kept_without_the_numbers(stage: stages.Stage) -> None:
    client = browser(stage)
    sent = {"values": TYPED | {"unknown": "x", "industries": ["E"]}}
    answer = client.post(ACCOUNT + "draft/", json.dumps(sent), content_type="application/json")
    assert answer.json() == {"shown": "09:00"}
    assert set(Draft.objects.get().values) == {
        "bank_code", "branch_code", "account_type", "account_holder_kana", "reason",
    }  # fmt: skip
    assert "みずほ銀行" in text(client.get(ACCOUNT))
    client.post(ACCOUNT + "draft/discard/")
    assert not Draft.objects.exists()
    assert client.post(ACCOUNT + "draft/", "[1]", content_type="application/json").status_code == 400


def test_every_group_can_be_asked_for(stage: stages.Stage) -> None:
    client = browser(stage)
    shown = {
        "contact": {
            "name": "吉田 太郎", "kana": "よしだ たろう", "prefecture_code": "13", "address": "試験町9",
            "phone": "090-1234-5678", "email": "e1@example.jp",
        },
        "expertise": {"topics": ["創業"], "industries": ["E"], "qualifications": "中小企業診断士\n税理士"},
        "payee": {"payee_class": "報酬1号", "invoice_number": ""},
    }  # fmt: skip
    for kind, values in shown.items():
        assert client.get(f"/expert/profile/change/{kind}/").status_code == 200
        answer = client.post(f"/expert/profile/change/{kind}/", values | {"reason": "変わった", "key": kind})
        assert answer.status_code == 302, text(answer)
    asked = {row.kind: row.new_values for row in ChangeRequest.objects.all()}
    assert asked["expertise"]["qualifications"] == ["中小企業診断士", "税理士"]
    assert asked["contact"]["kana"] == "ヨシダ タロウ"
    assert Expert.objects.get(code="E1").address == "試験町1"


def test_another_experts_request_is_not_there(stage: stages.Stage) -> None:
    browser(stage).post(ACCOUNT, TYPED | {"key": "k1"})
    row = ChangeRequest.objects.get()
    path = f"/expert/profile/requests/{row.uuid}/withdraw/"
    assert browser(stage, "E2").post(path).status_code == 404
    assert browser(stage).post(path).status_code == 302
    row.refresh_from_db()
    assert row.state == ChangeRequest.State.WITHDRAWN
