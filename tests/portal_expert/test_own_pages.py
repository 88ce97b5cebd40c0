"""The expert's own dispatches, inquiries and first page: what is shown, to whom, and with how many queries."""

import datetime as dt
import io
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Role, User
from core import clock
from core.audit.acting import SYSTEM, acting
from core.audit.models import Access
from core.exchange.services import load_files
from core.notify.models import Mail, Task
from core.notify.services import notify
from core.programme.selectors import dispatch_terms
from dispatch.models import Dispatch, Draft, Inquiry
from dispatch.selectors import timeline
from dispatch.services import answer_inquiry, ask_back, exclude_dispatch, hold_dispatch, return_dispatch
from dispatch.services.telling import NEWS
from payments.services.assessment import check_month
from portal_expert import selectors
from portal_expert.waiting import waiting_of, waits_for_expert, with_waiting

NOON = dt.datetime(2021, 7, 12, 13, tzinfo=clock.JST)
HEAD = (
    "派遣番号,機関コード,専門家コード,企業コード,経営課題,実施方式,緯度,経度,予定開始,予定終了,実施開始,実施終了,"
    "支援内容,報告日時,従事証明日時"
)


def rows(*lines: str) -> None:
    """Loads dispatches of expert E1."""
    text = "\n".join((HEAD, *lines))
    result = load_files({"dispatches.csv": io.BytesIO(text.encode())}, actor=SYSTEM)
    assert result.ok, list(result.problems)


def reported(number: str, day: str = "2021-07-05") -> str:
    start, end = f"{day} 10:00", f"{day} 12:00"
    return f"{number},K1,E1,C1,創業,対面,35.6,139.7,{start},{end},{start},{end},助言した。,{day} 13:00,"


def visited(number: str, day: str = "2021-07-06") -> str:
    start, end = f"{day} 10:00", f"{day} 12:00"
    return f"{number},K1,E1,C1,創業,対面,35.6,139.7,{start},{end},{start},{end},,,"


@pytest.fixture
def people(tell_story: Any, db: None) -> Iterator[Any]:
    """Experts e1 with D1 and e2 with D2, both planned for this morning."""
    with time_machine.travel(NOON, tick=False):
        cast = tell_story(NOON.date())
        with acting(SYSTEM, "story"):
            cast.approver = User.objects.create(username="shonin", role=Role.OFFICE_APPROVER)
        yield cast


@pytest.fixture
def phone(people: Any) -> Client:
    client = Client()
    client.force_login(people.expert)
    return client


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_what_belongs_to_others_is_not_there(people: Any, phone: Client) -> None:
    rows(reported("D5"))
    asked = ask_back(
        dispatch=Dispatch.objects.get(number="D2"), asked_of="expert", question="なぜ", actor=people.operator
    )
    of_institution = ask_back(
        dispatch=Dispatch.objects.get(number="D1"),
        asked_of="institution",
        question="機関へ",
        actor=people.operator,
    )
    for address in (
        "/expert/dispatches/D2/",
        "/expert/dispatches/D9/",
        f"/expert/inquiries/{asked.pk}/",
        f"/expert/inquiries/{of_institution.pk}/",
    ):
        assert phone.get(address).status_code == 404, address
    for pk in (asked.pk, of_institution.pk):
        assert phone.post(f"/expert/inquiries/{pk}/", {"answer": "はい"}).status_code == 404
        assert (
            phone.post(f"/expert/inquiries/{pk}/draft/", "{}", content_type="application/json").status_code
            == 404
        )
        assert phone.post(f"/expert/inquiries/{pk}/draft/discard/").status_code == 404
    assert "/D2/" not in page(phone, "/expert/dispatches/")
    assert "機関へ" not in page(phone, "/expert/dispatches/D1/")
    assert "機関へ" not in page(phone, "/expert/inquiries/")
    other = Client()
    other.force_login(people.operator)
    assert other.get("/expert/dispatches/").status_code == 403


def test_every_own_state_has_a_page_that_says_what_comes_next(people: Any, phone: Client) -> None:
    rows(visited("D5"), reported("D6"))
    assert "訪問の画面を開く" in page(phone, "/expert/dispatches/D1/")
    assert "支援実績報告と旅費請求を書く" in page(phone, "/expert/dispatches/D5/")
    text = page(phone, "/expert/dispatches/D6/")
    assert "いま待っているもの" in text
    assert "従事証明の回答" in text
    assert "提出した報告と旅費請求を見る" in text


def test_a_returned_report_says_why_and_leads_to_the_form(people: Any, phone: Client) -> None:
    rows(reported("D6"))
    return_dispatch(
        dispatch=Dispatch.objects.get(number="D6"),
        reasons=[],
        comment="日付が違います。",
        actor=people.operator,
    )
    for address in ("/expert/", "/expert/dispatches/D6/"):
        text = page(phone, address)
        assert "差戻しの理由：日付が違います。" in text
        assert "差し戻された報告の直し" in text
    assert 'href="/expert/dispatches/D6/report/"' in page(phone, "/expert/dispatches/D6/")


def test_the_list_and_the_first_page_agree_on_whose_turn_it_is(people: Any) -> None:
    rows(visited("D5"), reported("D6"), reported("D7", "2021-07-07"))
    ask_back(
        dispatch=Dispatch.objects.get(number="D7"), asked_of="expert", question="なぜ", actor=people.operator
    )
    terms = dispatch_terms(clock.today())
    own = selectors.own_dispatches(people.expert)
    by_words = {row.number for row in with_waiting(own) if any(each.yours for each in waiting_of(row, terms))}
    assert (
        by_words == set(own.filter(waits_for_expert()).values_list("number", flat=True)) == {"D1", "D5", "D7"}
    )
    assert {one.dispatch.number for one in selectors.to_do(people.expert)} == by_words


def test_the_office_notes_stay_in_the_office(people: Any, phone: Client) -> None:
    rows(reported("D6"), reported("D7", "2021-07-07"))
    hold_dispatch(dispatch=Dispatch.objects.get(number="D6"), reason="内部の疑い", actor=people.operator)
    exclude_dispatch(
        dispatch=Dispatch.objects.get(number="D7"),
        reason="内部の判断",
        told="訪問が確かめられません。",
        actor=people.approver,
    )
    assert not Task.objects.filter(note__contains="内部").exists()
    assert not any("内部" in mail.body for mail in Mail.objects.all())
    check_month()
    assert "理由：訪問が確かめられません。" in page(phone, "/expert/dispatches/D7/")
    assert "事務局が支払を保留しています。" in page(phone, "/expert/dispatches/D6/")
    for number, note in (("D6", "内部の疑い"), ("D7", "内部の判断")):
        for address in (
            f"/expert/dispatches/{number}/",
            f"/expert/dispatches/{number}/report/",
            "/expert/fees/",
        ):
            assert note not in page(phone, address), address
    story = timeline(Dispatch.objects.get(number="D7"), people.expert)
    assert any(entry.what.startswith("対象外") for entry in story)


def test_opening_a_dispatch_is_recorded_and_ends_its_news(people: Any, phone: Client) -> None:
    dispatch = Dispatch.objects.get(number="D1")
    notify(
        code=NEWS, object=dispatch, title="日程が変わりました", path="/expert/dispatches/D1/", actor=SYSTEM,
        persons=[people.expert, people.other],
    )  # fmt: skip
    assert "日程が変わりました" in page(phone, "/expert/")
    page(phone, "/expert/dispatches/D1/")
    assert list(Task.objects.open().filter(code=NEWS).values_list("person__username", flat=True)) == ["e2"]
    assert Access.objects.filter(actor_id=people.expert.pk, what=Access.What.EVIDENCE, label="D1").exists()


def test_the_list_finds_by_words_state_and_month_and_says_what_it_does_not_understand(
    people: Any, phone: Client
) -> None:
    rows(visited("D5"), reported("D6", "2021-06-30"))
    assert "/D6/" in page(phone, "/expert/dispatches/?month=2021-06")
    assert "/D5/" not in page(phone, "/expert/dispatches/?month=2021-06")
    assert "/D5/" in page(phone, "/expert/dispatches/?status=visited")
    assert "/D6/" not in page(phone, "/expert/dispatches/?yours=1")
    assert "条件に合う派遣はありません" in page(phone, "/expert/dispatches/?q=nowhere")
    text = page(phone, "/expert/dispatches/?month=2021-13&status=what&page=99")
    assert "使えない条件を除いて表示しています" in text
    assert "D5" in text


def test_an_answer_is_kept_while_it_is_typed_and_given_once(people: Any, phone: Client) -> None:
    asked = ask_back(
        dispatch=Dispatch.objects.get(number="D1"),
        asked_of="expert",
        question="経路は",
        actor=people.operator,
    )
    address = f"/expert/inquiries/{asked.pk}/"
    kept = phone.post(f"{address}draft/", {"values": {"answer": "途中"}}, content_type="application/json")
    assert kept.json() == {"shown": "13:00"}
    assert "途中" in page(phone, address)
    refused = phone.post(address, {"answer": " "})
    assert "回答を入れてください。" in refused.content.decode()
    assert phone.post(address, {"answer": "電車です。"}).status_code == 302
    assert phone.post(address, {"answer": "電車です。"}).status_code == 302  # the second press
    assert not Draft.objects.filter(form="expert_inquiry").exists()
    asked.refresh_from_db()
    assert (asked.answer, asked.answered_by) == ("電車です。", people.expert)
    late = phone.post(address, {"answer": "バスです。"})
    assert "回答が済んでいます" in late.content.decode()
    assert "バスです。" in late.content.decode()
    assert Inquiry.objects.get(pk=asked.pk).answer == "電車です。"


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"values": 1}', '{"values": {"answer": 1}}', "\ud800"])
def test_a_draft_that_is_no_draft_is_refused(people: Any, phone: Client, body: str) -> None:
    asked = ask_back(
        dispatch=Dispatch.objects.get(number="D1"),
        asked_of="expert",
        question="経路は",
        actor=people.operator,
    )
    answer = phone.post(
        f"/expert/inquiries/{asked.pk}/draft/",
        body.encode("utf-8", "surrogatepass"),
        content_type="application/json",
    )
    assert answer.status_code == 400


def test_an_answer_thrown_away_is_gone(people: Any, phone: Client) -> None:
    asked = ask_back(
        dispatch=Dispatch.objects.get(number="D1"),
        asked_of="expert",
        question="経路は",
        actor=people.operator,
    )
    address = f"/expert/inquiries/{asked.pk}/"
    phone.post(f"{address}draft/", {"values": {"answer": "途中"}}, content_type="application/json")
    phone.post(f"{address}draft/discard/")
    assert "途中" not in page(phone, address)


def test_an_inquiry_answered_in_between_is_not_answered_twice(people: Any, phone: Client) -> None:
    asked = ask_back(
        dispatch=Dispatch.objects.get(number="D1"),
        asked_of="expert",
        question="経路は",
        actor=people.operator,
    )
    answer_inquiry(inquiry=asked, answer="先の回答", actor=people.expert)
    answer = phone.post(f"/expert/inquiries/{asked.pk}/", {"answer": "後の回答"})
    assert "先の回答" in answer.content.decode()
    assert Inquiry.objects.get(pk=asked.pk).answer == "先の回答"


@pytest.mark.parametrize(
    "address", ["/expert/", "/expert/dispatches/", "/expert/inquiries/", "/expert/fees/"]
)
def test_more_dispatches_ask_no_more_queries(people: Any, phone: Client, address: str) -> None:
    def more(first: int, count: int) -> None:
        numbers = [f"D{number}" for number in range(first, first + count)]
        rows(*(visited(number, f"2021-07-0{1 + place % 9}") for place, number in enumerate(numbers)))
        for number in numbers:
            ask_back(
                dispatch=Dispatch.objects.get(number=number),
                asked_of="expert",
                question=f"{number}は",
                actor=people.operator,
            )
        check_month()

    more(10, 2)
    phone.get(address)  # what is cached for the process
    few = queries(phone, address)
    more(20, 9)
    assert queries(phone, address) == few
    assert few <= 24


def test_a_dispatch_answers_within_a_fixed_number_of_queries(people: Any, phone: Client) -> None:
    rows(reported("D6"))
    phone.get("/expert/dispatches/D6/")
    assert queries(phone, "/expert/dispatches/D6/") <= 48
