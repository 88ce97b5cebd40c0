"""Requests for approval on the screen: the facts of a decision, the next one after it, stale and double decisions."""

from typing import Any

import pytest
from desk import browser, stage, strangers, text_of
from django.db import connection
from django.test.utils import CaptureQueriesContext
from stage import Stage, at

from dispatch.models import ApprovalRequest, Dispatch
from dispatch.services import correct_dispatch, decide_request, edit_token
from office.views.requests import requests_waiting

__all__ = ["stage"]

LISTED = "感染や接触のリスクが高い"


def web(stage: Stage, company: str = "C1", day: str = "07-12") -> ApprovalRequest:
    """An application for WEB support, which the office must allow."""
    stage.applied(
        stage.application(
            stage.case(company),
            method="WEB",
            web_reason=LISTED,
            planned_from=at(f"{day} 10:00"),
            planned_to=at(f"{day} 12:00"),
        )
    )
    return ApprovalRequest.objects.latest("pk")


def path(request: ApprovalRequest) -> str:
    return f"/office/requests/{request.pk}/"


def decision(
    request: ApprovalRequest, approved: str = "yes", reason: str = "一覧の理由による"
) -> dict[str, str]:
    token = edit_token(Dispatch.objects.get(pk=request.dispatch_id))
    return {"approved": approved, "reason": reason, "edit_token": token}


def test_a_decision_has_its_facts_before_it(stage: Stage) -> None:
    stage.applied(stage.application(planned_from=at("07-20 10:00"), planned_to=at("07-20 12:00")))
    request = web(stage)
    client = browser(stage.operator)
    assert LISTED in text_of(client.get("/office/requests/"))
    page = text_of(client.get(path(request)))
    for words in ("一覧にある", "販路が足りない", "2021年度の派遣", "2回（上限 3回）", "D2021-"):
        assert words in page


def test_a_fourth_dispatch_of_the_year_is_shown_as_such(stage: Stage) -> None:
    case = stage.case()
    for day in (12, 13, 14):
        stage.applied(
            stage.application(case, planned_from=at(f"07-{day} 10:00"), planned_to=at(f"07-{day} 12:00"))
        )
    stage.applied(
        stage.application(
            case,
            limit_reason="事業承継の期限",
            planned_from=at("07-15 10:00"),
            planned_to=at("07-15 12:00"),
        )
    )
    page = text_of(browser(stage.operator).get(path(ApprovalRequest.objects.get())))
    assert "この派遣を含めて 4回（上限 3回）" in page
    assert "上限を超える" in page


def test_after_a_decision_the_next_request_comes(stage: Stage) -> None:
    first, second = web(stage), web(stage, "C2", "07-13")
    client = browser(stage.operator)
    assert client.post(path(first), decision(first))["Location"] == path(second)
    assert (
        client.post(path(second), decision(second, "no", "対面でできる"))["Location"] == "/office/requests/"
    )
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.approved, first.decided_by) == (True, stage.operator)
    assert (second.approved, second.decision_reason) == (False, "対面でできる")
    assert list(Dispatch.objects.order_by("pk").values_list("web_approved", flat=True)) == [True, False]
    assert "対面でできる" in text_of(client.get(path(second)))
    assert "申請はありません" in text_of(client.get("/office/requests/"))
    assert "不承認" in text_of(client.get("/office/requests/?state=decided"))


@pytest.mark.parametrize(
    "sent", [{"approved": "yes"}, {"reason": "残る理由"}, {"approved": "maybe", "reason": "残る理由"}]
)
def test_a_decision_needs_an_answer_and_a_reason(stage: Stage, sent: dict[str, str]) -> None:
    request = web(stage)
    page = text_of(browser(stage.operator).post(path(request), sent))
    assert "入力内容を確認してください" in page
    assert sent.get("reason", "") in page
    assert not ApprovalRequest.objects.exclude(decided_at=None).exists()


def test_a_second_press_is_no_second_decision(stage: Stage) -> None:
    request = web(stage)
    client, sent = browser(stage.operator), decision(request)
    first = client.post(path(request), sent)
    second = client.post(path(request), sent)
    assert first["Location"] == second["Location"] == "/office/requests/"
    assert ApprovalRequest.objects.get().approved is True


def test_what_another_has_decided_is_said_and_what_was_typed_stays(stage: Stage) -> None:
    request = web(stage)
    client, sent = browser(stage.operator), decision(request, "no", "わたしの理由")
    decide_request(request=request, approved=True, reason="先に判断", actor=stage.approver)
    page = text_of(client.post(path(request), sent))
    assert "既に判断されています" in page
    assert "わたしの理由" in page
    assert "先に判断" in page
    assert ApprovalRequest.objects.get().approved is True


def test_a_dispatch_that_changed_meanwhile_is_looked_at_again(stage: Stage) -> None:
    request = web(stage)
    client, sent = browser(stage.operator), decision(request)
    stage.travel(at("07-01 10:00"))
    correct_dispatch(
        dispatch=request.dispatch, values={"経営課題": "販路開拓"}, reason="確認", actor=stage.approver
    )
    answer = client.post(path(request), sent)
    assert "ほかの人が変更しました: 経営課題" in text_of(answer)
    assert not ApprovalRequest.objects.exclude(decided_at=None).exists()
    assert client.post(path(request), answer.context["form"].data).status_code == 302
    assert ApprovalRequest.objects.get().approved is True


def test_a_near_visit_stands_out(stage: Stage) -> None:
    web(stage)
    assert "overdue" not in requests_waiting(stage.operator)[0]
    stage.travel(at("07-11 09:00"))
    assert requests_waiting(stage.operator)[0]["overdue"] == 1
    assert "支援日が近い" in text_of(browser(stage.operator).get("/office/requests/"))


def test_only_the_office_decides(stage: Stage) -> None:
    request = web(stage)
    for user in strangers(stage):
        client = browser(user)
        assert client.get("/office/requests/").status_code == 403
        assert client.get(path(request)).status_code == 403
        assert client.post(path(request), decision(request)).status_code == 403
        assert requests_waiting(user) == []
    assert browser(stage.operator).get("/office/requests/0/").status_code == 404
    assert not ApprovalRequest.objects.exclude(decided_at=None).exists()


def test_the_number_of_queries_does_not_grow_with_the_list(
    stage: Stage, django_assert_max_num_queries: Any
) -> None:
    request = web(stage)
    client = browser(stage.operator)
    client.get("/office/requests/")
    with CaptureQueriesContext(connection) as few:
        client.get("/office/requests/")
    for company, day in (("C2", "07-13"), ("C3", "07-14")):
        web(stage, company, day)
    with CaptureQueriesContext(connection) as many:
        page = client.get("/office/requests/")
    assert len(page.context["page"].object_list) == 3
    assert len(many) <= len(few)
    with django_assert_max_num_queries(25):
        client.get(path(request))
