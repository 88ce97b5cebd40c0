"""Cases of an institution: opened once, told by their log, changed without overwriting, closed when nothing runs."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from stage import Stage, at

from dispatch.consent import consent_text_of
from dispatch.models import Case, Company, ConsultationNote
from dispatch.services import (
    CaseData,
    ClientData,
    add_note,
    cancel_dispatch,
    change_case,
    edit_token,
    open_case,
    register_client,
)
from institutions.models import Institution
from portal_institution.drafts import begun

TEXTS = {"topic": "創業", "problem": "販路が足りない。", "why_not_alone": "職員に経験がない。"}
NOTE = {"held_on": "2021-06-30", "channel": "来所", "attendees": "社長", "text": "資金繰りの相談を受けた。"}
CONSENT = {
    "consent_version": "2021-1",
    "agreed": "on",
    "given_by": "試験 社長",
    "given_at": "2021-06-30T15:00",
}


@pytest.fixture
def own(stage: Stage) -> Company:
    """A client of K1 without a case."""
    values = ClientData(
        name="株式会社新規",
        prefecture_code="27",
        address="大阪市試験1",
        industry="E",
        employees=4,
        kind="中小企業",
    )
    return register_client(values=values, actor=stage.chief)


def page(browser: Client, path: str, **asked: Any) -> str:
    answer = browser.get(path, asked)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_case_begins_with_choosing_the_client(own: Company, chief: Client) -> None:
    shown = page(chief, "/portal/cases/new/", q="新規")
    assert f"/portal/cases/new/?client={own.code}" in shown
    assert "株式会社新規" in page(chief, "/portal/cases/new/", client=own.code)


def test_a_case_is_opened_with_the_consent_to_the_text_that_was_shown(own: Company, chief: Client) -> None:
    path = f"/portal/cases/new/?client={own.code}"
    text = consent_text_of("2021-1")
    assert text is not None
    assert text.blocks[0].text in page(chief, path)
    answer = chief.post(path, {**TEXTS, **CONSENT})
    case = Case.objects.get(company=own)
    assert answer["Location"] == f"/portal/cases/{case.code}/"
    assert (case.consent_by, case.consent_version, case.consent_at) == (
        "試験 社長",
        "2021-1",
        at("06-30 15:00"),
    )
    shown = page(chief, f"/portal/cases/{case.code}/")
    assert text.blocks[0].text in shown
    assert "2021年6月30日（水） 15:00" in shown


def test_a_form_sent_twice_opens_one_case(own: Company, chief: Client) -> None:
    for _ in range(2):
        assert chief.post(f"/portal/cases/new/?client={own.code}", TEXTS).status_code == 302
    assert Case.objects.filter(company=own).count() == 1


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"topic": ""}, "必須"),
        ({"topic": "ないもの"}, "ないもの"),
        ({"problem": " "}, "必須"),
        ({**CONSENT, "given_by": ""}, "同意を得た場合は入力"),
        ({**CONSENT, "agreed": ""}, "印を付けてください"),
        ({**CONSENT, "given_at": "2021-07-02T09:00"}, "いまより先"),
        ({**CONSENT, "consent_version": "2099-1"}, "同意文が新しく"),
    ],
)
def test_a_refused_case_keeps_what_was_typed(
    own: Company, chief: Client, changed: dict[str, str], words: str
) -> None:
    shown = chief.post(f"/portal/cases/new/?client={own.code}", {**TEXTS, **changed}).content.decode()
    assert words in shown
    assert "職員に経験がない。" in shown
    assert not Case.objects.filter(company=own).exists()


def test_another_institutions_case_is_not_there(stage: Stage, chief: Client, other_chief: Client) -> None:
    case = stage.case()
    assert chief.get(f"/portal/cases/{case.code}/").status_code == 200
    for path in ("", "change/", "consent/", "close/", "reopen/"):
        address = f"/portal/cases/{case.code}/{path}"
        assert other_chief.get(address).status_code == 404
        assert other_chief.post(address, {**TEXTS, **CONSENT, **NOTE, "reason": "x"}).status_code == 404
    assert case.code not in page(other_chief, "/portal/cases/")
    assert not ConsultationNote.objects.exists()


def test_the_page_shows_dispatches_whom_they_wait_for_and_what_is_left(stage: Stage, chief: Client) -> None:
    case = stage.case()
    assert "派遣はまだありません" in page(chief, f"/portal/cases/{case.code}/")
    dispatch = stage.applied(stage.application(case))
    shown = page(chief, f"/portal/cases/{case.code}/")
    assert dispatch.number in shown
    assert "専門家：承諾または辞退の回答" in shown
    assert "上限3回のうち、1回" in shown


def test_consent_is_recorded_afterwards(stage: Stage, own: Company, chief: Client) -> None:
    chief.post(f"/portal/cases/new/?client={own.code}", TEXTS)
    case = Case.objects.get(company=own)
    assert "同意がまだ記録されていません" in page(chief, f"/portal/cases/{case.code}/")
    path = f"/portal/cases/{case.code}/consent/"
    assert "印を付けて" in chief.post(path, {**CONSENT, "agreed": ""}).content.decode()
    assert chief.post(path, CONSENT).status_code == 302
    case.refresh_from_db()
    assert case.consent_by == "試験 社長"


def test_the_log_is_added_to_newest_first_and_once(stage: Stage, chief: Client) -> None:
    case = stage.case()
    path = f"/portal/cases/{case.code}/"
    add_note(
        case=case, held_on=at("06-01 09:00").date(), channel="電話", text="最初の電話。", actor=stage.chief
    )
    for _ in range(2):
        assert chief.post(path, NOTE)["Location"] == f"{path}#notes"
    assert ConsultationNote.objects.filter(case=case).count() == 2
    shown = page(chief, path)
    assert shown.index("資金繰りの相談") < shown.index("最初の電話")
    refused = chief.post(path, {**NOTE, "held_on": "2021-07-02", "text": "明日の話"}).content.decode()
    assert "今日までの日付" in refused
    assert "明日の話" in refused


def test_a_note_that_was_not_sent_comes_back(stage: Stage, chief: Client) -> None:
    case = stage.case()
    chief.post(
        f"/portal/drafts/case_note/{case.code}/",
        json.dumps({"values": {**NOTE, "text": "書きかけ"}}),
        content_type="application/json",
    )
    shown = page(chief, f"/portal/cases/{case.code}/")
    assert "書きかけ" in shown
    assert 'value="2021-06-30"' in shown
    chief.post(f"/portal/cases/{case.code}/", NOTE)
    assert begun(stage.chief, "case_note", case.code) is None


def test_what_was_typed_is_thrown_away_when_told(stage: Stage, chief: Client) -> None:
    case = stage.case()
    address = f"/portal/drafts/case_note/{case.code}/"
    chief.post(address, json.dumps({"values": NOTE}), content_type="application/json")
    answer = chief.post(f"{address}discard/")
    assert answer["Location"] == f"/portal/cases/{case.code}/#note"
    assert begun(stage.chief, "case_note", case.code) is None


def test_two_people_changing_one_case_see_both_values(stage: Stage, chief: Client) -> None:
    case = stage.case()
    token = edit_token(case)
    stage.travel(at("07-01 10:00"))
    case = change_case(case=case, values=CaseData("創業", "先に直した。", "理由。"), actor=stage.chief)
    path = f"/portal/cases/{case.code}/change/"
    shown = chief.post(path, {**TEXTS, "problem": "後から直した。", "edit_token": token}).content.decode()
    assert "ほかの人が先に変更しました" in shown
    for words in ("販路が足りない。", "先に直した。", "後から直した。"):
        assert words in shown
    case.refresh_from_db()
    assert case.problem == "先に直した。"
    assert chief.post(path, {**TEXTS, "edit_token": edit_token(case)}).status_code == 302


def test_a_case_is_closed_when_nothing_runs_and_reopened(stage: Stage, chief: Client) -> None:
    case = stage.case()
    dispatch = stage.applied(stage.application(case))
    path = f"/portal/cases/{case.code}/"
    refused = chief.post(f"{path}close/", {"reason": "解決した。"}).content.decode()
    assert dispatch.number in refused
    assert "解決した。" in refused
    cancel_dispatch(dispatch=dispatch, reason="先方の都合", actor=stage.chief)
    assert chief.post(f"{path}close/", {"reason": "解決した。"}).status_code == 302
    shown = page(chief, path)
    assert "この支援案件は終了しています" in shown
    assert "相談記録を追加する" not in shown
    assert "再開してから" in chief.post(path, NOTE).content.decode()
    assert not case.notes.exists()
    assert chief.post(path, NOTE).status_code == 200
    assert not case.notes.exists()
    assert chief.post(f"{path}reopen/", {"reason": "再発した。"}).status_code == 302
    assert "相談記録を追加する" in page(chief, path)


def test_cases_are_found_by_state_topic_person_and_what_they_wait_for(
    stage: Stage, own: Company, chief: Client
) -> None:
    agreed = stage.case("C1")
    running = stage.case("C2")
    stage.applied(stage.application(running))
    chief.post(f"/portal/cases/new/?client={own.code}", TEXTS)
    waiting = Case.objects.get(company=own)
    codes = {agreed.code, running.code, waiting.code}
    for asked, expected in (
        ({}, codes),
        ({"state": "open"}, codes),
        ({"state": "closed"}, set()),
        ({"waiting": "consent"}, {waiting.code}),
        ({"waiting": "apply"}, {agreed.code}),
        ({"waiting": "under_way"}, {running.code}),
        ({"topic": "創業"}, codes),
        ({"who": str(stage.chief.pk)}, codes),
        ({"who": "999999"}, set()),
        ({"who": "x", "state": "x", "waiting": "x", "page": "x", "sort": "x"}, codes),
        ({"q": "新規"}, {waiting.code}),
    ):
        shown = page(chief, "/portal/cases/", **asked)
        assert {code for code in codes if f"/portal/cases/{code}/" in shown} == expected, asked


def _queries(browser: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        page(browser, path)
    return len(asked)


def test_list_and_page_ask_the_same_number_of_queries_for_one_and_for_many(
    stage: Stage, chief: Client
) -> None:
    case = stage.case()
    stage.applied(stage.application(case))
    add_note(case=case, held_on=at("06-01 09:00").date(), channel="電話", text="電話。", actor=stage.chief)
    path = f"/portal/cases/{case.code}/"
    for address in ("/portal/cases/", path):
        _queries(chief, address)
    few = _queries(chief, "/portal/cases/"), _queries(chief, path)
    institution = Institution.objects.get(code="K1")
    for number in range(8):
        open_case(
            institution=institution,
            company=case.company,
            topic="創業",
            problem=f"課題{number}",
            why_not_alone="理由",
            actor=stage.chief,
        )
        add_note(
            case=case,
            held_on=at("06-02 09:00").date(),
            channel="電話",
            text=f"電話{number}。",
            actor=stage.chief,
        )
    for hour in (13, 15):
        plan = {"planned_from": at(f"07-13 {hour}:00"), "planned_to": at(f"07-13 {hour + 1}:00")}
        stage.applied(stage.application(case, **plan))
    assert (_queries(chief, "/portal/cases/"), _queries(chief, path)) == few
    assert few[0] <= 15
    assert few[1] <= 20
