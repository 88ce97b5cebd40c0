"""Inquiries on the screen: open, overdue, answered; read, closed, asked again."""

from typing import Any

from desk import browser, stage, strangers, text_of
from django.db import connection
from django.test.utils import CaptureQueriesContext
from stage import Stage, at

from core.ui.templatetags.ui import shortdate
from dispatch.models import Dispatch, Inquiry, Reminder
from dispatch.services import answer_inquiry, ask_back, cancel_dispatch, remind_overdue
from office.views.inquiries import inquiries_waiting

__all__ = ["stage"]

LIST = "/office/inquiries/"


def asked(
    stage: Stage, question: str = "経路は？", dispatch: Dispatch | None = None, of: str = "expert"
) -> Inquiry:
    dispatch = dispatch or stage.confirmed()
    return ask_back(
        dispatch=dispatch, asked_of=of, question=question, finding_code="T02", actor=stage.operator
    )


def path(inquiry: Inquiry, act: str = "") -> str:
    return f"{LIST}{inquiry.pk}/{act}"


def test_an_inquiry_goes_through_the_lists(stage: Stage) -> None:
    inquiry = asked(stage)
    client = browser(stage.operator)
    assert "経路は？" in text_of(client.get(LIST))
    assert "該当する照会はありません" in text_of(client.get(f"{LIST}?state=late"))
    stage.travel(at("07-09 09:00"))
    remind_overdue()
    client = browser(stage.operator)
    late = text_of(client.get(f"{LIST}?state=late"))
    assert "期限超過" in late
    # the database's own clock says when a reminder was sent
    sent = shortdate(Reminder.objects.get().sent_at)
    assert sent in late
    assert f"督促 {sent[:10]}" in text_of(client.get(path(inquiry)))
    (line,) = inquiries_waiting(stage.operator)
    assert (line["title"], line["overdue"]) == ("回答のない照会", 1)
    answer_inquiry(inquiry=inquiry, answer="駅から徒歩です。", actor=stage.experts["E1"])
    (line,) = inquiries_waiting(stage.operator)
    assert (line["title"], line["count"]) == ("照会の回答の確認", 1)
    assert "駅から徒歩です。" in text_of(client.get(f"{LIST}?state=answered"))
    answer = client.post(path(inquiry, "accept/"))
    assert answer["Location"] == f"{LIST}?state=answered"
    assert inquiries_waiting(stage.operator) == []
    assert "駅から徒歩です。" in text_of(client.get(f"{LIST}?state=done"))
    assert "該当する照会はありません" in text_of(client.get(f"{LIST}?state=answered"))


def test_after_reading_an_answer_the_next_one_comes(stage: Stage) -> None:
    first = asked(stage)
    second_dispatch = stage.confirmed(
        stage.application(stage.case("C2"), planned_from=at("07-13 10:00"), planned_to=at("07-13 12:00"))
    )
    second = asked(stage, "場所は？", second_dispatch)
    for inquiry in (first, second):
        answer_inquiry(inquiry=inquiry, answer="はい。", actor=stage.experts["E1"])
    assert browser(stage.operator).post(path(first, "accept/"))["Location"] == path(second)


def test_an_inquiry_answered_by_telephone_is_closed_once(stage: Stage) -> None:
    inquiry = asked(stage)
    client = browser(stage.operator)
    assert "field--invalid" in text_of(client.post(path(inquiry, "close/"), {"outcome": " "}))
    sent = {"outcome": "電話で確認: 徒歩"}
    assert client.post(path(inquiry, "close/"), sent).status_code == 302
    again = text_of(client.post(path(inquiry, "close/"), {"outcome": "別の内容"}))
    assert "電話で確認: 徒歩" in again
    assert Inquiry.objects.get().answer == "電話で確認: 徒歩"


def test_asking_again_keeps_the_finding_and_reads_the_answer(stage: Stage) -> None:
    inquiry = asked(stage)
    answer_inquiry(inquiry=inquiry, answer="たぶん。", actor=stage.experts["E1"])
    client = browser(stage.operator)
    sent = {"asked_of": "expert", "question": "確かですか？"}
    first = client.post(path(inquiry, "again/"), sent)
    second = client.post(path(inquiry, "again/"), sent)
    again = Inquiry.objects.exclude(pk=inquiry.pk).get()
    assert first["Location"] == second["Location"] == path(again)
    assert (again.finding_code, again.asked_by) == ("T02", stage.operator)
    assert inquiries_waiting(stage.operator) == []
    page = text_of(client.post(path(inquiry, "again/"), {"asked_of": "client", "question": "残る質問"}))
    assert "残る質問" in page
    assert Inquiry.objects.count() == 2


def test_a_dispatch_that_is_over_is_not_asked_about(stage: Stage) -> None:
    inquiry = asked(stage)
    cancel_dispatch(dispatch=inquiry.dispatch, reason="中止", actor=stage.operator)
    page = text_of(
        browser(stage.operator).post(path(inquiry, "again/"), {"asked_of": "expert", "question": "残る質問"})
    )
    assert "「取消」のため、照会できません" in page
    assert "残る質問" in page


def test_only_the_office_sees_and_acts(stage: Stage) -> None:
    inquiry = asked(stage)
    for user in strangers(stage):
        client = browser(user)
        assert client.get(LIST).status_code == 403
        assert client.get(path(inquiry)).status_code == 403
        for act in ("accept", "close", "again"):
            assert client.post(path(inquiry, f"{act}/"), {"outcome": "x", "question": "x"}).status_code == 403
        assert inquiries_waiting(user) == []
    assert browser(stage.operator).get(f"{LIST}0/").status_code == 404
    assert Inquiry.objects.get().answered_at is None


def test_the_number_of_queries_does_not_grow_with_the_list(
    stage: Stage, django_assert_max_num_queries: Any
) -> None:
    inquiry = asked(stage)
    client = browser(stage.operator)
    client.get(LIST)
    with CaptureQueriesContext(connection) as few:
        client.get(LIST)
    for question in ("二つ目", "三つ目"):
        asked(stage, question, inquiry.dispatch, "institution")
    with CaptureQueriesContext(connection) as many:
        page = client.get(LIST)
    assert len(page.context["page"].object_list) == 3
    assert len(many) <= len(few)
    with django_assert_max_num_queries(20):
        client.get(path(inquiry))
