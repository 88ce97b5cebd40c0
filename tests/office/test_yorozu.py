"""The guided task of the office, and the form of the new operator, as pages."""

import io
import json
import re
from typing import Any

import pytest
from desk import browser, stage, strangers, text_of
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from stage import Stage, at

from accounts.models import User
from core.agreements.models import TextCode
from core.agreements.services import current_text, load_first_texts
from core.audit.acting import SYSTEM
from core.exchange.services import load_files
from core.notify.models import Mail
from core.secrets import decrypt
from dispatch.models import Case, Dispatch
from institutions.models import Institution, OperatorAnswer, OperatorChange
from institutions.operator_change.services import stop_due

__all__ = ["stage"]

State = OperatorChange.State
START = {
    "former": "K1",
    "last_day": "2021-07-09",
    "message": "",
    "form_name": "一般社団法人見本",
    "form_person": "見本 太郎",
    "form_email": "taro@example.jp",
    "key": "k",
}
ENTRY = {
    "operator_name": "一般社団法人見本",
    "address": "東京都千代田区見本1-2-3",
    "phone": "03-1234-5678",
    "email": "base@example.jp",
    "chief_name": "新田 責任",
    "chief_email": "chief@example.jp",
}


@pytest.fixture
def base(stage: Stage) -> Institution:
    """K1 of the stage as a よろず."""
    load_first_texts(actor=SYSTEM)
    text = "機関コード,機関名,機関区分,都道府県コード\nK1,東京都よろず支援拠点,よろず支援拠点,13\n"
    assert load_files({"institutions.csv": io.BytesIO(text.encode())}, actor=SYSTEM).ok
    return Institution.objects.get(code="K1")


def path(change: OperatorChange, act: str = "") -> str:
    return f"/office/yorozu/{change.uuid}/{act}"


def token_mailed() -> str:
    mail = Mail.objects.filter(template__in=["operator_form", "operator_returned"]).latest("pk")
    found = re.search(r"/y/([^/\s]+)/", decrypt(mail.body_cipher))
    assert found
    return found[1]


def form_sent(client: Client) -> tuple[OperatorChange, str]:
    client.post("/office/yorozu/new/", START)
    change = OperatorChange.objects.get()
    client.post(path(change, "send/"), {"version": change.version})
    return change, token_mailed()


def answered(token: str, **values: str) -> Any:
    version = current_text(TextCode.YOROZU_TERMS).version
    given = {**ENTRY, "agreed": "on", "text_version": version, **values}
    return Client().post(f"/y/{token}/", given)


def test_the_task_goes_from_the_notice_to_the_opening(stage: Stage, base: Institution) -> None:
    running = stage.confirmed()
    client = browser(stage.operator)
    change, token = form_sent(client)
    assert "よろず支援拠点登録フォーム" in text_of(Client().get(f"/y/{token}/"))
    assert answered(token)["Location"] == "/y/done/"
    change.refresh_from_db()
    page = text_of(client.get(path(change)))
    assert "03-1234-5678" in page and "同意しました" in page
    client.post(path(change, "confirm/"), {"version": change.version})
    assert "旧IDの停止を待っています" in text_of(client.get(path(change)))
    stage.travel(at("07-10 01:05"))
    client = browser(stage.operator)
    stop_due()
    before = text_of(client.get(path(change, "open/")))
    assert "K1-2" in before and "1件" in before
    change.refresh_from_db()
    given = {"code": "K1-2", "name": "東京都よろず支援拠点（見本）", "shown": change.version}
    after = client.post(path(change, "open/"), given, follow=True)
    assert running.number in text_of(after)
    assert Dispatch.objects.get(pk=running.pk).institution.code == "K1-2"
    chief = browser(User.objects.get(username="k1-2"))
    dispatch = text_of(chief.get(f"/portal/dispatches/{running.number}/"))
    case = text_of(chief.get(f"/portal/cases/{Case.objects.get().code}/"))
    assert "前の実施機関（東京都よろず支援拠点）から引き継ぎました" in dispatch
    assert "前の実施機関（東京都よろず支援拠点）から引き継ぎました" in case
    for code in ("K1", "K1-2"):
        assert "歴代の実施機関" in text_of(client.get(f"/office/institutions/{code}/"))


def test_opening_a_link_changes_nothing_and_a_wrong_one_says_nothing(stage: Stage, base: Institution) -> None:
    change, token = form_sent(browser(stage.operator))
    Client().get(f"/y/{token}/")
    change.refresh_from_db()
    assert change.state == State.FILLING
    assert not OperatorAnswer.objects.exists()
    wrong = Client().get("/y/nothing/")
    assert wrong.status_code == 404
    assert "東京都" not in text_of(wrong) and change.number not in text_of(wrong)
    stage.travel(at("08-20 09:00"))
    expired = Client().get(f"/y/{token}/")
    assert text_of(expired).split("<main")[1] == text_of(wrong).split("<main")[1]


def test_what_is_typed_is_saved_and_comes_back(stage: Stage, base: Institution) -> None:
    _, token = form_sent(browser(stage.operator))

    def save(body: Any, to: str = token) -> Any:
        text = body if isinstance(body, str) else json.dumps(body)
        return Client().post(f"/y/{to}/draft/", text, content_type="application/json")

    assert save({"values": {"operator_name": "途中の名前", "agreed": "on"}}).status_code == 200
    assert 'value="途中の名前"' in text_of(Client().get(f"/y/{token}/"))
    assert save({"values": {}}, to="wrong").status_code == 404
    assert save("nothing").status_code == 400
    assert save({"values": ["x"]}).status_code == 400
    assert save({"values": {"operator_name": "あ" * 9_000}}).status_code == 413
    assert save('{"values": {"operator_name": "\\ud800\\u0000x"}}').status_code == 200


def test_every_fault_is_said_at_once_and_what_was_typed_stays(stage: Stage, base: Institution) -> None:
    _, token = form_sent(browser(stage.operator))
    page = text_of(answered(token, phone="12", operator_name="", chief_email="誰", agreed=""))
    assert "市外局番からの" in page
    assert "実施機関名を入力してください" in page
    assert "メールアドレスの形式" in page
    assert "同意のチェック" in page
    assert 'value="12"' in page
    assert not OperatorAnswer.objects.exists()


def test_the_terms_that_count_are_those_that_were_shown(stage: Stage, base: Institution) -> None:
    _, token = form_sent(browser(stage.operator))
    assert "新しくなりました" in text_of(answered(token, text_version="1999-1"))
    assert not OperatorAnswer.objects.exists()


def test_fields_go_back_with_their_reasons_and_a_refusal_keeps_them(stage: Stage, base: Institution) -> None:
    client = browser(stage.operator)
    change, token = form_sent(client)
    answered(token)
    change.refresh_from_db()
    stale = client.post(path(change, "return/"), {"version": 1, "reason_phone": "代表番号です。"})
    assert stale.status_code == 422 and "代表番号です。" in text_of(stale)
    nothing = client.post(path(change, "return/"), {"version": change.version})
    assert "1つ以上選んで" in text_of(nothing)
    client.post(path(change, "return/"), {"version": change.version, "reason_phone": "代表番号です。"})
    assert Client().get(f"/y/{token}/").status_code == 404
    page = text_of(Client().get(f"/y/{token_mailed()}/"))
    assert "修正のお願い" in page and "代表番号です。" in page


def test_two_presses_begin_one_change_and_a_bad_start_keeps_the_form(stage: Stage, base: Institution) -> None:
    client = browser(stage.operator)
    bad = client.post("/office/yorozu/new/", {**START, "last_day": "2023-01-01", "form_email": "だれ"})
    assert "1年後まで" in text_of(bad) and "見本 太郎" in text_of(bad)
    first = client.post("/office/yorozu/new/", START)
    again = client.post("/office/yorozu/new/", START)
    assert OperatorChange.objects.count() == 1
    assert first["Location"] == again["Location"] == path(OperatorChange.objects.get())


def test_a_change_is_called_off_with_a_reason(stage: Stage, base: Institution) -> None:
    client = browser(stage.operator)
    change, token = form_sent(client)
    change.refresh_from_db()
    client.post(path(change, "withdraw/"), {"reason": " ", "shown": change.version})
    assert not OperatorChange.objects.filter(state=State.WITHDRAWN).exists()
    client.post(path(change, "withdraw/"), {"reason": "再委託", "shown": change.version})
    assert "再委託" in text_of(client.get(path(change)))
    assert Client().get(f"/y/{token}/").status_code == 404


def test_nobody_but_the_office_sees_a_change(stage: Stage, base: Institution) -> None:
    change, _ = form_sent(browser(stage.operator))
    for person in strangers(stage):
        for page in ("/office/yorozu/", "/office/yorozu/new/", path(change), path(change, "open/")):
            assert browser(person).get(page).status_code == 403, (person, page)


def test_the_list_asks_the_same_number_of_queries_however_long(stage: Stage, base: Institution) -> None:
    client = browser(stage.operator)
    form_sent(client)
    client.get("/office/yorozu/")
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get("/office/yorozu/")
    first = OperatorChange.objects.get()
    OperatorChange.objects.bulk_create(
        OperatorChange(
            number=f"Y{n}",
            key=f"k{n}",
            former=base,
            last_day=first.last_day,
            started_by=stage.operator,
            started_at=first.started_at,
            state=State.WITHDRAWN,
            closed_reason="試験",
        )
        for n in range(15)
    )
    with CaptureQueriesContext(connection) as many:
        client.get("/office/yorozu/")
    assert len(many) == len(few)
