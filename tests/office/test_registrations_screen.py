"""The office's screens of registrations: the queue, checking beside the papers, sending back, approving once."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "experts"))

import registration_story as story
from desk import browser as signed_in

from core.audit.models import Access
from core.notify.models import Mail
from experts.models import Expert
from experts.registration.models import FieldReturn, Registration
from experts.registration.services import approve, return_fields
from office.registration_facts import alike_registrations, registrations_waiting

pytestmark = pytest.mark.django_db

LIST = "/office/registrations/"
PHONE = "090-9999-0000"
OTHER = {
    "name": "別人 次郎",
    "kana": "べつじん じろう",
    "email": "jiro@example.jp",
    "phone": PHONE,
    "account_number": "7654321",
    "account_holder_kana": "ベツジン ジロウ",
    "address": "長野県長野市見本町9-9",
}


@pytest.fixture
def people() -> story.People:
    return story.build()


@pytest.fixture(autouse=True)
def _evidence(settings: Any, tmp_path: Path) -> None:
    settings.EVIDENCE_DIR = tmp_path / "evidence"


@pytest.fixture
def browser(people: story.People) -> Client:
    return signed_in(people.operator)


def path(row: Registration, act: str = "") -> str:
    return f"{LIST}{row.uuid}/{act}"


def page(browser: Client, row: Registration, act: str = "") -> str:
    answer = browser.get(path(row, act))
    assert answer.status_code == 200
    return answer.content.decode()


def hidden(html: str, name: str) -> str:
    found = re.findall(rf'name="{name}" value="([^"]*)"', html)
    assert found
    return found[-1]


def approval(html: str, **values: str) -> dict[str, str]:
    return {
        "act": "approve",
        "seen": hidden(html, "seen"),
        "shown": hidden(html, "shown"),
        "alike": hidden(html, "alike"),
        **values,
    }


def another(people: story.People, **values: Any) -> Registration:
    row, _ = story.at_office(
        people,
        story.entry(**{**OTHER, **values}),
        candidate_name="別人 次郎",
        candidate_email="jiro@example.jp",
        candidate_phone=PHONE,
    )
    return row


def test_the_queue_shows_what_the_institutions_passed_on_and_the_rest_when_asked(
    people: story.People, browser: Client
) -> None:
    waiting, _ = story.at_office(people)
    invited, _ = story.invited(people, candidate_email="other@example.jp")
    html = browser.get(LIST).content.decode()
    assert waiting.number in html and invited.number not in html
    html = browser.get(LIST, {"turn": ""}).content.decode()
    assert waiting.number in html and invited.number in html
    html = browser.get(LIST, {"turn": "person"}).content.decode()
    assert waiting.number not in html and invited.number in html
    [line] = registrations_waiting(people.operator)
    assert (line["count"], line["oldest"]) == (1, waiting.state_since)
    assert registrations_waiting(people.chief) == []
    start = browser.get("/office/").content.decode()
    assert "専門家の登録の確認" in start
    assert f"{waiting.number} " not in start, "the line counts it already"


def test_the_page_shows_entry_papers_interview_and_check_and_covers_the_account(
    people: story.People, browser: Client
) -> None:
    row, _ = story.at_office(people)
    html = page(browser, row)
    for words in ("見本 花子", "面談 太郎", "経営革新計画の策定支援", "本人確認書類", "●●●●567"):
        assert words in html
    assert "1234567" not in html
    assert "/registrations/certificates/" in html
    assert "どれも、登録済の専門家" in html


def test_single_fields_go_back_with_a_ready_made_or_own_reason(people: story.People, browser: Client) -> None:
    row, _ = story.at_office(people)
    html = page(browser, row)
    answer = browser.post(
        path(row),
        {
            "act": "return",
            "seen": hidden(html, "seen"),
            "reason-account_number": "differs",
            "words-address": "番地がありません。",
        },
        follow=True,
    )
    assert "差し戻しました" in answer.content.decode()
    returns = {found.field: found.reason for found in FieldReturn.objects.filter(registration=row)}
    assert set(returns) == {"account_number", "address"}
    assert returns["address"] == "番地がありません。"
    assert Registration.objects.get(pk=row.pk).state == "returned"


def test_a_refused_return_keeps_what_was_typed_and_says_why(people: story.People, browser: Client) -> None:
    row, _ = story.at_office(people)
    html = page(browser, row)
    seen = hidden(html, "seen")
    answer = browser.post(path(row), {"act": "return", "seen": seen}).content.decode()
    assert "差し戻す項目を1つ以上選んでください" in answer
    answer = browser.post(
        path(row), {"act": "return", "seen": seen, "reason-name": "other", "words-kana": "読みが違う"}
    ).content.decode()
    assert "「氏名」の差戻しの理由を入力してください" in answer and "読みが違う" in answer
    assert not FieldReturn.objects.exists()


def test_approval_makes_the_expert_once_and_shows_code_and_mail(
    people: story.People, browser: Client
) -> None:
    row, _ = story.at_office(people)
    values = approval(page(browser, row))
    answer = browser.post(path(row), values, follow=True).content.decode()
    expert = Expert.objects.get(registration=row)
    assert expert.code in answer and "承認のメール" in answer
    assert Mail.objects.filter(key=f"registration_approved:{row.pk}").count() == 1
    # the second press of the same button, and the second tab
    again = browser.post(path(row), values).content.decode()
    assert "登録済" in again and "もう一度" in again
    assert Expert.objects.count() == 1


def test_whoever_may_be_registered_already_must_be_looked_at(people: story.People, browser: Client) -> None:
    first, _ = story.at_office(people)
    there = approve(registration=first, actor=people.approver, duplicates_seen=())
    row = another(people, account_number="1234567")
    html = page(browser, row)
    assert there.code in html and "同じ振込口座" in html
    answer = browser.post(path(row), approval(html)).content.decode()
    assert "チェックを入れてください" in answer
    assert Expert.objects.count() == 1
    browser.post(path(row), approval(html, confirmed="on"))
    assert Expert.objects.count() == 2


def test_a_duplicate_that_appeared_after_the_page_was_opened_is_refused_and_shown(
    people: story.People, browser: Client
) -> None:
    first, _ = story.at_office(people)
    row = another(people, account_number="1234567")
    html = page(browser, row)
    assert first.number in html and "登録手続き：" in html
    approve(registration=first, actor=people.approver, duplicates_seen=())
    answer = browser.post(path(row), approval(html, confirmed="on")).content.decode()
    assert "画面に表示した後に変わりました" in answer and Expert.objects.get().code in answer
    assert Expert.objects.count() == 1


def test_two_open_registrations_of_one_person_are_shown_with_each_other(
    people: story.People, browser: Client
) -> None:
    first, _ = story.at_office(people)
    html = page(browser, first)
    row = another(people, account_number="1234567")
    [found] = alike_registrations(first, people.operator)
    assert (found.registration, found.reasons) == (row, ("同じ振込口座",))
    answer = browser.post(path(first), approval(html)).content.decode()
    assert "同じ人の可能性がある登録手続きが、画面に表示した後に増えました" in answer
    assert not Expert.objects.exists()


def test_a_page_that_is_old_changes_nothing(people: story.People, browser: Client) -> None:
    row, _ = story.at_office(people)
    values = approval(page(browser, row))
    return_fields(registration=row, fields={"name": ("differs", "")}, actor=people.approver)
    answer = browser.post(path(row), values).content.decode()
    assert "開いた後に変わりました" in answer
    assert not Expert.objects.exists()


def test_the_account_in_full_asks_for_a_reason_and_records_the_look(
    people: story.People, browser: Client
) -> None:
    row, _ = story.at_office(people)
    assert "1234567" not in page(browser, row, "bank-account/")
    answer = browser.post(path(row, "bank-account/"), {"reason": ""}).content.decode()
    assert "1234567" not in answer
    answer = browser.post(path(row, "bank-account/"), {"reason": "通帳との照合"}).content.decode()
    assert "1234567" in answer
    assert Access.objects.filter(what=Access.What.BANK, reason="通帳との照合").count() == 1


def test_a_withdrawal_says_why_and_ends_it(people: story.People, browser: Client) -> None:
    row, _ = story.at_office(people)
    html = page(browser, row, "withdraw/")
    values = {"seen": hidden(html, "seen"), "reason": ""}
    assert "Registration" not in browser.post(path(row, "withdraw/"), values).content.decode()
    browser.post(path(row, "withdraw/"), {**values, "reason": "同じ人が登録済のため"})
    assert Registration.objects.get(pk=row.pk).state == "withdrawn"
    assert "同じ人が登録済のため" in page(browser, row)
    assert "取り下げられません" in page(browser, row, "withdraw/")


def test_nobody_but_the_office_sees_the_screens(people: story.People) -> None:
    row, _ = story.at_office(people)
    for user in (people.chief, people.administrator):
        for address in (LIST, path(row), path(row, "withdraw/")):
            assert signed_in(user).get(address).status_code == 403


def test_pages_read_with_a_fixed_number_of_queries(people: story.People, browser: Client) -> None:
    first, _ = story.at_office(people)

    def counted(address: str) -> int:
        browser.get(address)
        with CaptureQueriesContext(connection) as queries:
            browser.get(address)
        return len(queries)

    before = counted(LIST), counted(path(first))
    another(people)
    third, _ = story.at_office(people, story.entry(email="x@example.jp"), candidate_email="x@example.jp")
    assert third.pk
    assert (counted(LIST), counted(path(first))) <= (before[0], before[1] + 1)
