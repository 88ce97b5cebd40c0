"""What a client sees and answers: plain words, one step, nothing by looking, nothing about others."""

import datetime as dt
import html
import re
import uuid
from typing import Any

import pytest
import time_machine
from django.test import Client

from core import clock
from core.audit.models import Change
from dispatch.models import Attestation, AttestationLink, Dispatch
from dispatch.services import issue_attestation_link
from portal_expert.receiving import receive_check_events

CONFIRM = {"answer": "confirm", "name": "見本 花子"}
OBJECT = {"answer": "object", "name": "見本 花子", "comment": "終わったのは11時です"}


@pytest.fixture
def link(cast: Any) -> str:
    """The path behind the link of a visit that is over."""
    events = [
        {
            "event_id": str(uuid.uuid4()),
            "dispatch": "D1",
            "kind": kind,
            "device_time": f"2026-11-20T{hour}:00:00+09:00",
            "signer_name": "見本 花子",
        }
        for kind, hour in (("終了", 12), ("開始", 10))
    ]
    receive_check_events(actor=cast.expert, events=events)
    dispatch = Dispatch.objects.get(number="D1")
    return issue_attestation_link(dispatch=dispatch, channel="qr", actor=cast.expert).path


def words_of(answer: Any) -> str:
    return re.sub(r'"X-CSRFToken": "\w+"', "", html.unescape(answer.content.decode()))


def test_the_page_says_who_came_when_where_and_what_happens_next(link: str) -> None:
    page = words_of(Client().get(link))
    for words in (
        "吉田 太郎",
        "2026年11月20日（金）",
        "10:00 から 12:00 まで",
        "東京都千代田区見本町1",
        "試験商工会",
        "このとおりです",
        "違うところがあります",
        "のためだけに使います",
        "連絡をします",
    ):
        assert words in page, words


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_scanners_and_previews_change_nothing(link: str, method: str) -> None:
    before = Change.objects.count()
    for _ in range(3):
        getattr(Client(), method)(link, HTTP_SEC_PURPOSE="prefetch", HTTP_USER_AGENT="LinkScanner/1.0")
    assert Change.objects.count() == before
    assert not Attestation.objects.exists()
    assert AttestationLink.objects.get().ended_at is None


def test_the_page_needs_no_script_and_keeps_its_address_to_itself(link: str) -> None:
    answer = Client().get(link)
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Referrer-Policy"] in ("strict-origin", "no-referrer", "same-origin")
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    form = re.search(r"<form.*?</form>", answer.content.decode(), re.DOTALL)
    assert form is not None
    assert "hx-" not in form[0]
    assert "onclick" not in form[0]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"name": "見本"}, "選んでください"),
        ({"answer": "maybe", "name": "見本"}, "選んでください"),
        ({"answer": "confirm", "name": "  "}, "回答する方の氏名"),
        ({"answer": "object", "name": "見本", "comment": " "}, "どこが違うかを入れてください"),
        ({"answer": "object", "name": "見本", "comment": "あ" * 2001}, "2,000文字以内"),
        ({"answer": "confirm", "name": "あ" * 201}, "200文字以内"),
    ],
)
def test_what_is_missing_is_said_in_a_summary_and_beside_the_field(
    link: str, sent: dict[str, str], words: str
) -> None:
    page = words_of(Client().post(link, sent))
    assert page.count(words) >= 2
    assert "入力内容を確認してください" in page
    assert not Attestation.objects.exists()


def test_what_was_typed_stays(link: str) -> None:
    page = words_of(Client().post(link, {"answer": "object", "name": "", "comment": "来ていません"}))
    assert "来ていません</textarea>" in page
    assert re.search(r'value="object"[^>]*checked', page)


def test_the_same_press_twice_is_thanked_for_twice_and_kept_once(link: str) -> None:
    client = Client()
    for _ in range(3):
        assert client.post(link, OBJECT)["Location"] == "/c/done/"
    assert Attestation.objects.get().comment == OBJECT["comment"]


def test_another_answer_by_a_used_link_is_refused_like_any_wrong_link(link: str) -> None:
    Client().post(link, CONFIRM)
    other = Client().post(link, OBJECT)
    wrong = Client().post("/c/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/", OBJECT)
    assert other.status_code == wrong.status_code == 404
    assert words_of(other) == words_of(wrong)
    with time_machine.travel(clock.now() + dt.timedelta(hours=1)):
        assert Client().post(link, CONFIRM).status_code == 404
    assert Attestation.objects.get().confirmed


def test_words_under_the_other_choice_are_no_comment_of_a_confirmation(link: str) -> None:
    Client().post(link, {**CONFIRM, "comment": "書きかけてやめた"})
    assert Attestation.objects.get().comment == ""


def test_a_used_link_answers_get_like_a_wrong_one(link: str) -> None:
    Client().post(link, CONFIRM)
    used = Client().get(link)
    assert used.status_code == 404
    assert "吉田" not in words_of(used)


def test_thanks_are_no_secret_and_say_nothing_about_anybody(link: str) -> None:
    page = words_of(Client().get("/c/done/"))
    assert "ありがとうございました" in page
    assert "試験商工会" not in page
    assert "吉田" not in page
