"""The institution's screens of registrations: recommending, checking, sending back and on."""

import datetime as dt
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "experts"))

import registration_story as story
from conftest import signed_in

from core.audit.models import Access
from core.notify.models import Mail
from dispatch.models import Draft
from experts.registration.models import FieldReturn, Registration
from experts.registration.services import approve, return_fields, withdraw

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> story.People:
    return story.build()


@pytest.fixture(autouse=True)
def _evidence(settings: Any, tmp_path: Path) -> None:
    settings.EVIDENCE_DIR = tmp_path / "evidence"


@pytest.fixture
def browser(people: story.People) -> Client:
    return signed_in(people.staff)


def form(**values: Any) -> dict[str, Any]:
    typed = {**story.interview(), **values}
    return {**typed, "interview_on": str(typed["interview_on"])}


def page(browser: Client, row: Registration) -> str:
    return browser.get(f"/portal/registrations/{row.uuid}/").content.decode()


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found
    return found[1]


def test_a_recommendation_sends_the_invitation_and_shows_its_code_once(
    people: story.People, browser: Client
) -> None:
    new = browser.get("/portal/registrations/new/").content.decode()
    values = form(key=hidden(new, "key"))
    shown = browser.post("/portal/registrations/new/", values)
    html = shown.content.decode()
    row = Registration.objects.get()
    token = re.search(r"/r/([\w-]+)/", html)
    assert token and story.live(token[1]) == row
    assert 'aria-label="登録の入力画面を開くQRコード"' in html
    assert "no-store" in shown.headers["Cache-Control"]
    again = browser.post("/portal/registrations/new/", values)
    assert again.status_code == 302 and again.headers["Location"] == f"/portal/registrations/{row.uuid}/"
    assert (
        Registration.objects.count() == 1
        and Mail.objects.filter(template="registration_invitation").count() == 1
    )
    assert token[1] not in page(browser, row)


def test_a_refused_recommendation_keeps_everything_typed(people: story.People, browser: Client) -> None:
    html = browser.post(
        "/portal/registrations/new/", form(candidate_email="x", interview_notes="詳しい記録")
    ).content.decode()
    assert "詳しい記録" in html and "error-summary" in html
    late = browser.post("/portal/registrations/new/", form(interview_on="2000-01-01")).content.decode()
    assert "面談日が1年以上前です" in late
    assert not Registration.objects.exists()


def test_what_is_typed_is_kept_as_a_draft_until_it_is_sent(people: story.People, browser: Client) -> None:
    browser.post(
        "/portal/drafts/recommendation/new/",
        json.dumps({"values": {"candidate_name": "途中 の人"}}),
        content_type="application/json",
    )
    assert Draft.objects.filter(form="recommendation").exists()
    assert "途中 の人" in browser.get("/portal/registrations/new/").content.decode()
    browser.post("/portal/registrations/new/", form())
    assert not Draft.objects.filter(form="recommendation").exists()


def test_the_list_says_state_age_and_whose_turn_it_is(people: story.People, browser: Client) -> None:
    empty = browser.get("/portal/registrations/").content.decode()
    assert "登録手続きはまだありません" in empty
    waiting, _ = story.submitted(people)
    invited, _ = story.invited(people, candidate_name="待機 次郎", candidate_email="jiro@example.jp")
    html = browser.get("/portal/registrations/").content.decode()
    assert waiting.number in html and "当機関の確認" in html and "本人の入力" in html and "今日" in html
    ours = browser.get("/portal/registrations/?turn=us").content.decode()
    assert waiting.number in ours and invited.number not in ours
    Registration.objects.filter(pk=invited.pk).update(expires_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    dead = browser.get("/portal/registrations/?turn=expired").content.decode()
    assert invited.number in dead and "リンク期限切れ" in dead
    assert (
        "条件に合う登録手続きはありません"
        in browser.get("/portal/registrations/?q=誰でもない").content.decode()
    )


def test_the_list_asks_the_same_number_of_questions_for_many(
    people: story.People, browser: Client, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    story.invited(people)
    browser.get("/portal/registrations/")
    with CaptureQueriesContext(
        connection,
    ) as few:
        browser.get("/portal/registrations/")
    for number in range(5):
        story.invited(people, candidate_email=f"c{number}@example.jp")
    with django_assert_num_queries(len(few)):
        browser.get("/portal/registrations/")


def test_the_page_shows_interview_entry_and_documents_but_no_account(
    people: story.People, browser: Client
) -> None:
    row, _ = story.submitted(people)
    html = page(browser, row)
    for text in (
        "経営革新計画の策定支援に詳しい",
        "松本市見本町",
        "中小企業診断士",
        "登録基準の確認",
        "資格証明書",
    ):
        assert text in html
    assert "1234567" not in html and "口座番号" not in html and "源泉区分" not in html
    certificate = row.certificates.get(kind="資格証明書")
    assert browser.get(f"/registrations/certificates/{certificate.uuid}/").status_code == 200
    assert browser.get(f"/registrations/certificates/{certificate.uuid}/thumbnail/").status_code == 200
    assert Access.objects.filter(table="registration_certificate", actor_id=people.staff.pk).count() == 2
    assert Access.objects.filter(table="registration_registration", row_ids=[row.pk]).exists()


def test_all_criteria_are_ticked_before_it_goes_to_the_office(people: story.People, browser: Client) -> None:
    row, _ = story.submitted(people)
    html = page(browser, row)
    boxes = re.findall(r'name="(ok-[^"]+)"', html)
    some = browser.post(
        f"/portal/registrations/{row.uuid}/",
        {"act": "pass", "seen": hidden(html, "seen"), **dict.fromkeys(boxes[:-1], "on")},
    )
    assert some.status_code == 200 and "確かめて、チェックを入れてください" in some.content.decode()
    done = browser.post(
        f"/portal/registrations/{row.uuid}/",
        {"act": "pass", "seen": hidden(html, "seen"), **dict.fromkeys(boxes, "on")},
    )
    assert done.status_code == 302
    row.refresh_from_db()
    assert row.state == "office" and row.checked_by == people.staff
    assert "確認して事務局へ送る" not in page(browser, row)


def test_single_fields_go_back_with_ready_made_and_own_reasons(people: story.People, browser: Client) -> None:
    row, _ = story.submitted(people)
    seen = hidden(page(browser, row), "seen")
    nothing = browser.post(f"/portal/registrations/{row.uuid}/", {"act": "return", "seen": seen})
    assert "差し戻す項目を1つ以上選んでください" in nothing.content.decode()
    wordless = browser.post(
        f"/portal/registrations/{row.uuid}/", {"act": "return", "seen": seen, "reason-name": "other"}
    ).content.decode()
    assert (
        "理由を入力してください" in wordless
        and '<details class="disclosure disclosure--small entry__return" open' in wordless
    )
    done = browser.post(
        f"/portal/registrations/{row.uuid}/",
        {
            "act": "return",
            "seen": seen,
            "reason-certificate:資格証明書": "unreadable",
            "words-address": "番地までお願いします。",
        },
    )
    assert done.status_code == 302
    assert set(FieldReturn.objects.values_list("field", "reason_code")) == {
        ("certificate:資格証明書", "unreadable"),
        ("address", "other"),
    }
    html = page(browser, row)
    assert "番地までお願いします" in html and "本人の修正を待っています" in html


def test_a_page_that_got_old_changes_nothing(people: story.People, browser: Client) -> None:
    row, _ = story.submitted(people)
    html = page(browser, row)
    return_fields(registration=row, fields={"name": ("differs", "")}, actor=people.chief)
    boxes = dict.fromkeys(re.findall(r'name="(ok-[^"]+)"', html), "on")
    answer = browser.post(
        f"/portal/registrations/{row.uuid}/", {"act": "pass", "seen": hidden(html, "seen"), **boxes}
    )
    assert "開いた後に変わりました" in answer.content.decode()
    row.refresh_from_db()
    assert row.state == "returned"


def test_a_new_link_replaces_the_old_one(people: story.People, browser: Client) -> None:
    row, token = story.invited(people)
    asked = browser.get(f"/portal/registrations/{row.uuid}/link/").content.decode()
    assert "以前のリンクは使えなくなります" in asked
    html = browser.post(
        f"/portal/registrations/{row.uuid}/link/", {"seen": hidden(asked, "seen")}
    ).content.decode()
    fresh = re.search(r"/r/([\w-]+)/", html)
    assert fresh and fresh[1] != token and story.live(fresh[1]) == row
    # the same press again comes from a page that got old: no third link
    twice = browser.post(f"/portal/registrations/{row.uuid}/link/", {"seen": hidden(asked, "seen")})
    assert "送り直せませんでした" in twice.content.decode()
    assert story.live(fresh[1]) == row


def test_withdrawing_asks_for_a_reason(people: story.People, browser: Client) -> None:
    row, _ = story.invited(people)
    url = f"/portal/registrations/{row.uuid}/withdraw/"
    assert browser.post(url, {"reason": ""}).status_code == 200
    assert browser.post(url, {"reason": "本人の都合"}).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.closed_reason) == ("withdrawn", "本人の都合")
    assert "本人の都合" in page(browser, row)
    assert "取下げ" in browser.post(url, {"reason": "もう一度"}).content.decode()


def test_other_institutions_and_the_office_find_nothing_here(people: story.People) -> None:
    row, _ = story.submitted(people)
    certificate = row.certificates.all()[0]
    other = signed_in(people.other_chief)
    for path in ("", "link/", "withdraw/"):
        assert other.get(f"/portal/registrations/{row.uuid}/{path}").status_code == 404
        assert other.post(f"/portal/registrations/{row.uuid}/{path}", {"reason": "x"}).status_code == 404
    assert other.get(f"/registrations/certificates/{certificate.uuid}/").status_code == 404
    assert row.number not in other.get("/portal/registrations/").content.decode()
    assert signed_in(people.operator).get(f"/portal/registrations/{row.uuid}/").status_code == 403


def test_the_end_is_told(people: story.People, browser: Client) -> None:
    row, _ = story.at_office(people)
    expert = approve(registration=row, actor=people.operator, duplicates_seen=())
    html = page(browser, row)
    assert expert.code in html and "取り下げる" not in html
    gone, _ = story.invited(people, candidate_email="second@example.jp")
    withdraw(registration=gone, reason="転居のため", actor=people.chief)
    assert "転居のため" in page(browser, gone)
