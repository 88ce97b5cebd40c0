"""The year-end question on the expert's own page and by the link in the mail."""

import html
import re
from typing import Any

import pytest
from campaign import DECLINE, Year
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from core.agreements.models import Agreement
from core.audit.models import Access, Change
from experts.renewal.models import Ask, Link

PAGE = "/expert/renewal/"
CONSENTS = {"text_expert_terms": "2021-1", "text_expert_privacy": "2021-1"}
RENEW = {"answer": "renew", "data_right": "right", "version": "1", **CONSENTS}
DECLINE_POST = {"answer": "decline", "reason_code": "その他", "reason_text": "引退します", "version": "1"}


@pytest.fixture(autouse=True)
def no_second_factor(settings: Any) -> None:
    settings.MFA_REQUIRED = False


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def words_of(answer: Any) -> str:
    text = re.sub(r'"X-CSRFToken": "\w+"', "", html.unescape(answer.content.decode()))
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)


def test_without_a_question_the_page_says_so(year: Year) -> None:
    page = words_of(browser(year.stage.experts["E1"]).get(PAGE))
    assert "いま、登録の更新の確認はありません" in page
    assert "続いています（期限なし）" in page


def test_the_question_is_answered_and_the_answer_shown(year: Year) -> None:
    year.asked()
    client = browser(year.stage.experts["E1"])
    page = words_of(client.get(PAGE))
    for words in (
        "2022年2月28日",
        "更新する",
        "「専門家登録規約」（2021-1版）を読む",
        "****345",
        "e1@example.jp",
    ):
        assert words in page, words
    assert "1112345" not in page
    answer = client.post(PAGE, RENEW, follow=True)
    assert "回答を受け付けました" in words_of(answer)
    assert year.ask().answer == "renew"
    assert Access.objects.filter(table="renewal_ask", actor_id=year.stage.experts["E1"].pk).exists()


def test_the_home_page_leads_there_while_it_waits(year: Year) -> None:
    year.asked()
    client = browser(year.stage.experts["E1"])
    assert "登録の更新の回答をお願いします" in words_of(client.get("/expert/"))
    client.post(PAGE, RENEW)
    assert "登録の更新の回答をお願いします" not in words_of(client.get("/expert/"))


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({}, "「更新する」か「更新しない」を選んでください"),
        ({"answer": "maybe"}, "「更新する」か「更新しない」を選んでください"),
        ({"answer": "renew", **CONSENTS}, "登録内容に変更があるかを選んでください"),
        ({"answer": "renew", "data_right": "right"}, "「専門家登録規約」を読んで、同意"),
        ({"answer": "decline"}, "更新しない理由を選んでください"),
        ({"answer": "decline", "reason_code": "その他", "reason_text": " "}, "「その他」の内容を入れて"),
        ({"answer": "decline", "reason_code": "ない理由"}, "正しく選択してください"),
    ],
)
def test_what_is_missing_is_said_in_a_summary_and_beside_the_field(
    year: Year, sent: dict[str, str], words: str
) -> None:
    year.asked()
    for client, path in ((browser(year.stage.experts["E1"]), PAGE), (Client(), f"/renew/{year.token()}/")):
        page = words_of(client.post(path, {"version": "1", **sent}))
        assert page.count(words) >= 2, path
        assert "入力内容を確認してください" in page
    assert year.ask().answer == ""
    assert not Agreement.objects.exists()


def test_what_was_typed_stays(year: Year) -> None:
    year.asked()
    page = words_of(
        browser(year.stage.experts["E1"]).post(
            PAGE, {**DECLINE_POST, "reason_code": "", "reason_text": "もう高齢で"}
        )
    )
    assert "もう高齢で</textarea>" in page
    assert re.search(r'value="decline"[^>]*checked', page)


def test_pressed_twice_it_is_one_answer(year: Year) -> None:
    year.asked()
    client = browser(year.stage.experts["E1"])
    for _ in range(2):
        assert client.post(PAGE, DECLINE_POST)["Location"] == PAGE
    ask = year.ask()
    assert (ask.reason, ask.version) == ("その他：引退します", 2)


def test_an_older_window_is_told_and_what_was_typed_can_be_sent_after_looking(year: Year) -> None:
    year.asked()
    client = browser(year.stage.experts["E1"])
    client.post(PAGE, RENEW)
    page = words_of(client.post(PAGE, DECLINE_POST))
    assert "別の画面または事務局で変わりました" in page
    assert "引退します</textarea>" in page
    assert re.search(r'name="version" value="2"', page)
    client.post(PAGE, {**DECLINE_POST, "version": "2"})
    assert year.ask().answer == "decline"


def test_after_closing_the_page_says_what_became_of_it_and_refuses_a_late_answer(year: Year) -> None:
    campaign = year.asked()
    year.travel("2022-03-01 09:00")
    year.close(campaign)
    client = browser(year.stage.experts["E1"])
    late = words_of(client.post(PAGE, RENEW))
    assert "受付は終わりました" in late
    page = words_of(client.get(PAGE))
    assert "2022年3月31日" in page
    assert "期限までに更新の回答なし" in page
    assert "回答を送る" not in page
    assert year.ask().answer == ""
    # the account stays: fees and notices are there
    assert client.get("/expert/fees/").status_code == 200


def test_consents_that_the_office_could_not_give_are_asked_for_by_themselves(year: Year) -> None:
    year.asked()
    Ask.objects.filter(expert__code="E1").update(
        answer="renew", source="phone", note="電話", answered_at=year.at("2022-02-02 09:00")
    )
    client = browser(year.stage.experts["E1"])
    assert "新しい規約への同意" in words_of(client.get(PAGE))
    assert "同意にチェック" in words_of(client.post(PAGE, {"act": "agree", "text_expert_terms": "2021-1"}))
    assert not Agreement.objects.exists()
    client.post(PAGE, {"act": "agree", **CONSENTS})
    assert Agreement.objects.filter(subject="expert:E1").count() == 2
    assert "新しい規約への同意" not in words_of(client.get(PAGE))


def test_a_box_that_comes_back_with_another_version_is_told(year: Year) -> None:
    year.asked()
    page = words_of(browser(year.stage.experts["E1"]).post(PAGE, {**RENEW, "text_expert_terms": "1999-1"}))
    assert "新しくなりました" in page
    assert not Agreement.objects.exists()


def test_others_have_no_such_page(year: Year) -> None:
    year.asked()
    for person in (year.stage.operator, year.stage.chief):
        assert browser(person).get(PAGE).status_code == 403
        assert browser(person).post(PAGE, RENEW).status_code == 403


def test_the_own_page_takes_as_many_queries_however_many_were_asked(year: Year) -> None:
    year.asked()
    client = browser(year.stage.experts["E1"])
    client.get(PAGE)
    with CaptureQueriesContext(connection) as caught:
        client.get(PAGE)
    assert len(caught) <= 20, len(caught)


def test_the_link_shows_who_is_asked_and_neither_address_nor_account(year: Year) -> None:
    year.asked()
    answer = Client().get(f"/renew/{year.token()}/")
    page = words_of(answer)
    assert "吉田 太郎 様" in page
    assert "2022年2月28日" in page
    for secret in ("試験町1", "345", "0001", "e1@example.jp"):
        assert secret not in page.replace(year.token(), ""), secret
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert answer.headers["Referrer-Policy"] in ("strict-origin", "no-referrer", "same-origin")


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_scanners_and_previews_change_nothing(year: Year, method: str) -> None:
    year.asked()
    before = Change.objects.count()
    for _ in range(3):
        getattr(Client(), method)(f"/renew/{year.token()}/", HTTP_USER_AGENT="LinkScanner/1.0")
    assert Change.objects.count() == before
    assert not Link.objects.exclude(ended_at=None).exists()


def test_the_link_answers_once_and_thanks_for_the_same_press_again(year: Year) -> None:
    year.asked()
    path = f"/renew/{year.token()}/"
    for _ in range(3):
        assert Client().post(path, RENEW)["Location"] == "/renew/done/"
    assert (year.ask().answer, year.ask().source) == ("renew", "link")
    other, wrong = Client().post(path, DECLINE_POST), Client().post(f"/renew/{'A' * 43}/", DECLINE_POST)
    assert other.status_code == wrong.status_code == 404
    assert words_of(other) == words_of(wrong)
    assert year.ask().answer == "renew"
    assert "吉田" not in words_of(Client().get(path))


def test_a_link_of_a_closed_renewal_is_like_any_wrong_one(year: Year) -> None:
    campaign = year.asked()
    path = f"/renew/{year.token()}/"
    year.answer("E2", DECLINE)
    year.travel("2022-03-01 09:00")
    year.close(campaign)
    assert Client().get(path).status_code == 404
    assert Client().post(path, RENEW).status_code == 404
    assert year.ask().answer == ""
    page = words_of(Client().get("/renew/done/"))
    assert "吉田" not in page


def test_what_was_begun_is_there_after_the_session_has_ended_and_gone_once_it_is_sent(year: Year) -> None:
    year.asked()
    client = browser(year.stage.experts["E1"])
    values = {"answer": "decline", "reason_text": "書きかけ", "text_expert_terms": "2021-1", "version": "9"}
    saved = client.post(f"{PAGE}draft/", {"values": values}, content_type="application/json")
    assert saved.json()["shown"]
    page = words_of(browser(year.stage.experts["E1"]).get(PAGE))
    assert "入力の続きです" in page
    assert "書きかけ</textarea>" in page
    # neither a consent nor an old version comes back
    assert 'name="version" value="1"' in page
    assert not re.search(r'name="text_expert_terms"[^>]*checked', page)
    client.post(PAGE, DECLINE_POST)
    assert "入力の続きです" not in words_of(client.get(PAGE))


def test_a_draft_can_be_thrown_away_and_rubbish_is_refused(year: Year) -> None:
    assert browser(year.stage.experts["E1"]).post(f"{PAGE}draft/").status_code == 404
    year.asked()
    client = browser(year.stage.experts["E1"])
    for rubbish in ("", "[]", '{"values": 3}', '{"values": {"answer": ["renew"]}}', '{"values": null}'):
        answer = client.post(f"{PAGE}draft/", rubbish, content_type="application/json")
        assert answer.status_code == 400, rubbish
    client.post(f"{PAGE}draft/", {"values": {"reason_text": "や\u0000めた"}}, content_type="application/json")
    assert "やめた</textarea>" in words_of(client.get(PAGE))
    client.post(f"{PAGE}draft/discard/")
    assert "やめた" not in words_of(client.get(PAGE))
