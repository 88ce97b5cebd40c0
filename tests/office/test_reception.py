"""The reception on the screen: warnings, several at once with a result each, corrections, another time, calling off."""

from typing import Any

import pytest
from desk import browser, stage, strangers, text_of
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from stage import Stage, at

from core.audit.acting import SYSTEM
from core.exchange.registry import table_of
from core.programme.services import save_dispatch_terms
from dispatch.models import Correction, Dispatch, Inquiry, Status
from dispatch.services import accept_dispatch, correct_dispatch, edit_token, remind_overdue
from dispatch.services.corrections import stored_texts
from office.reception_forms import CORRECTED
from office.views.own_tasks import tasks_waiting
from office.views.reception import applications_waiting

__all__ = ["stage"]

LIST = "/office/reception/"


def accepted(
    stage: Stage, company: str = "C1", day: str = "07-12", expert: str = "E1", **values: Any
) -> Dispatch:
    """An application that its expert accepted."""
    dispatch = stage.applied(
        stage.application(
            stage.case(company),
            expert=expert,
            planned_from=at(f"{day} 10:00"),
            planned_to=at(f"{day} 12:00"),
            **values,
        )
    )
    return accept_dispatch(dispatch=dispatch, actor=stage.experts[expert])


def path(dispatch: Dispatch, act: str = "") -> str:
    return f"{LIST}{dispatch.number}/{act}"


def correction(dispatch: Dispatch, reason: str = "聞き取り", **typed: str) -> dict[str, str]:
    """What the form of corrections sends when only `typed` was edited."""
    stored = stored_texts(table_of(Dispatch), dispatch.pk)
    sent = {f"c{place}": typed.get(name, stored[name]) for place, name in enumerate(CORRECTED)}
    return sent | {"reason": reason, "edit_token": edit_token(dispatch)}


def confirm(client: Client, *dispatches: Dispatch, **more: str) -> str:
    """Ticks and sends; what the list says then."""
    sent: dict[str, Any] = {"number": [each.number for each in dispatches]}
    sent |= {f"token-{each.number}": edit_token(each) for each in dispatches} | more
    return text_of(client.post(f"{LIST}confirm/", sent, follow=True))


def test_what_waits_is_shown_with_what_to_look_at(stage: Stage) -> None:
    plain = accepted(stage)
    stage.case("C2")
    web = accepted(stage, "C2", "07-13", method="WEB", web_reason="感染や接触のリスクが高い")
    asked = accepted(stage, "C3", "07-14", requested_by_expert=True)
    page = text_of(browser(stage.operator).get(LIST))
    for words in (plain.number, web.number, asked.number, "X04 専門家からの要請", "WEB支援の事前承認"):
        assert words in page
    assert f'value="{plain.number}"' in page
    assert f'value="{web.number}"' not in page
    assert "判断を待っています" in text_of(browser(stage.operator).get(path(web)))
    (line,) = applications_waiting(stage.operator)
    assert (line["count"], line.get("overdue")) == (3, None)
    stage.travel(at("07-11 09:00"))
    assert applications_waiting(stage.operator)[0]["overdue"] == 1
    assert "支援日が近い" in text_of(browser(stage.operator).get(LIST))


def test_overlaps_and_answers_about_the_expert_are_warned_of(stage: Stage) -> None:
    first = accepted(stage, "C1", "07-12", "E1")
    second = accepted(stage, "C1", "07-12", "E3")
    page = text_of(browser(stage.operator).get(path(second)))
    for words in ("支援先の予定の重なり", "X01 人件費補助"):
        assert words in page
    assert "専門家の予定の重なり" not in page
    assert "支援先の予定の重なり" in text_of(browser(stage.operator).get(path(first)))


def test_several_are_confirmed_at_once_and_each_says_what_became_of_it(stage: Stage) -> None:
    good = accepted(stage)
    moved = accepted(stage, "C2", "07-13")
    web = accepted(stage, "C3", "07-14", method="WEB", web_reason="感染や接触のリスクが高い")
    stale = edit_token(moved)
    stage.travel(at("07-01 10:00"))
    correct_dispatch(dispatch=moved, values={"支援場所": "別の場所"}, reason="確認", actor=stage.approver)
    client = browser(stage.operator)
    page = confirm(client, good, moved, web, **{f"token-{moved.number}": stale})
    assert "受け付けました。" in page
    assert "ほかの人が変更しました: 支援場所" in page
    assert "まだ判断されていません" in page
    assert list(Dispatch.objects.order_by("number").values_list("status", flat=True)) == [
        Status.CONFIRMED,
        Status.ACCEPTED,
        Status.ACCEPTED,
    ]
    # the result is shown once, and a second press does nothing twice
    assert "受付の結果" not in text_of(client.get(LIST))
    assert "既に受け付けられています" in confirm(client, good)
    assert "受け付ける派遣を選んでください" in text_of(client.post(f"{LIST}confirm/", {}, follow=True))
    assert "見つかりません" in text_of(client.post(f"{LIST}confirm/", {"number": "D9999"}, follow=True))


def test_one_is_confirmed_on_its_page_and_the_next_comes(stage: Stage) -> None:
    first, second = accepted(stage), accepted(stage, "C2", "07-13")
    client = browser(stage.operator)
    sent = {"edit_token": edit_token(first)}
    assert client.post(path(first, "confirm/"), sent)["Location"] == path(second)
    assert Dispatch.objects.get(pk=first.pk).status == Status.CONFIRMED
    assert client.post(path(first, "confirm/"), sent)["Location"] == LIST
    assert client.post(path(second, "confirm/"), {"edit_token": "nonsense"})["Location"] == path(second)
    assert Dispatch.objects.get(pk=second.pk).status == Status.ACCEPTED


def test_a_small_error_is_corrected_and_both_values_stay(stage: Stage) -> None:
    dispatch = accepted(stage)
    client = browser(stage.operator)
    answer = client.post(path(dispatch, "correct/"), correction(dispatch, 支援場所="見本町 9"), follow=True)
    assert "1項目を訂正しました" in text_of(answer)
    assert "受付時 見本町1" in text_of(answer)
    assert Correction.objects.get().reason == "聞き取り"


@pytest.mark.parametrize(("typed", "why"), [({"緯度": "九十"}, "数字で"), ({"同行": "無"}, "同行")])
def test_a_wrong_correction_keeps_what_was_typed(stage: Stage, typed: dict[str, str], why: str) -> None:
    dispatch = accepted(stage)
    client = browser(stage.operator)
    sent = correction(dispatch, "", **typed)
    page = text_of(client.post(path(dispatch, "correct/"), sent))
    assert 'href="#id_reason"' in page
    sent["reason"] = "残る理由"
    if "緯度" in typed:
        page = text_of(client.post(path(dispatch, "correct/"), sent))
        assert why in page
        assert "残る理由" in page
        assert 'value="九十"' in page
    assert not Correction.objects.exists()


def test_a_correction_of_what_another_changed_is_refused_once_and_says_what(stage: Stage) -> None:
    dispatch = accepted(stage)
    client, sent = browser(stage.operator), correction(dispatch, 支援場所="わたしの場所")
    stage.travel(at("07-01 10:00"))
    correct_dispatch(dispatch=dispatch, values={"経営課題": "販路開拓"}, reason="確認", actor=stage.approver)
    answer = client.post(path(dispatch, "correct/"), sent)
    assert "ほかの人が変更しました: 経営課題" in text_of(answer)
    assert "わたしの場所" in text_of(answer)
    assert Dispatch.objects.get().place == "見本町1"


def test_the_institution_is_asked_once_by_two_presses(stage: Stage) -> None:
    dispatch = accepted(stage)
    client = browser(stage.operator)
    assert "field--invalid" in text_of(client.post(path(dispatch, "ask/"), {"asked_of": "institution"}))
    for _ in range(2):
        client.post(path(dispatch, "ask/"), {"asked_of": "institution", "question": "場所は？"})
    assert Inquiry.objects.get().question == "場所は？"


def test_another_time_asks_the_expert_again_and_a_refused_one_keeps_what_was_typed(stage: Stage) -> None:
    dispatch = accepted(stage)
    client = browser(stage.operator)
    sent = {"planned_from": "2021-07-15T13:00", "planned_to": "2021-07-15T12:00", "reason": "支援先の都合"}
    sent["edit_token"] = edit_token(dispatch)
    assert "予定開始より後" in text_of(client.post(path(dispatch, "reschedule/"), sent))
    # outside the dispatch period
    far = sent | {"planned_from": "2022-03-15T13:00", "planned_to": "2022-03-15T14:00"}
    page = text_of(client.post(path(dispatch, "reschedule/"), far))
    assert "支援先の都合" in page
    assert "2022-03-15T13:00" in page
    assert Dispatch.objects.get().status == Status.ACCEPTED
    client.post(path(dispatch, "reschedule/"), sent | {"planned_to": "2021-07-15T15:00"})
    dispatch = Dispatch.objects.get()
    assert (dispatch.status, dispatch.planned_from) == (Status.APPLIED, at("07-15 13:00"))


def test_calling_off_needs_a_reason(stage: Stage) -> None:
    dispatch = accepted(stage)
    client = browser(stage.operator)
    assert "field--invalid" in text_of(client.post(path(dispatch, "cancel/"), {"reason": "　"}))
    assert Dispatch.objects.get().status == Status.ACCEPTED
    client.post(path(dispatch, "cancel/"), {"reason": "支援先の廃業"})
    dispatch = Dispatch.objects.get()
    assert (dispatch.status, dispatch.end_reason) == (Status.CANCELLED, "支援先の廃業")
    assert "「取消」です" in text_of(client.get(path(dispatch)))


def test_what_another_changed_meanwhile_is_not_called_off_unseen(stage: Stage) -> None:
    dispatch = accepted(stage)
    client, sent = browser(stage.operator), {"reason": "重複のため", "edit_token": edit_token(dispatch)}
    assert sent["edit_token"] in text_of(client.get(path(dispatch)))
    stage.travel(at("07-01 10:00"))
    correct_dispatch(dispatch=dispatch, values={"経営課題": "販路開拓"}, reason="確認", actor=stage.approver)
    page = text_of(client.post(path(dispatch, "cancel/"), sent))
    assert "ほかの人が変更しました: 経営課題" in page and "重複のため" in page
    assert Dispatch.objects.get().status == Status.ACCEPTED


def test_what_stays_late_stands_out_among_what_waits(stage: Stage) -> None:
    save_dispatch_terms(
        name="早く",
        first_day=at("07-01 00:00").date(),
        end_day=None,
        values={"escalation_days": 1},
        actor=SYSTEM,
    )
    stage.applied()
    stage.travel(at("07-07 09:00"))
    remind_overdue()
    remind_overdue()
    (line,) = tasks_waiting(stage.operator)
    assert (line["title"], line["overdue"]) == ("督促の後も済まない手続き", 1)
    client = browser(stage.operator)
    assert "期限超過" in text_of(client.get("/office/"))
    assert "督促の後も済んでいません" in text_of(client.get("/office/tasks/?kind=late"))


def test_only_the_office_sees_and_acts(stage: Stage) -> None:
    dispatch = accepted(stage)
    for user in strangers(stage):
        client = browser(user)
        for address in (LIST, path(dispatch), "/office/tasks/"):
            assert client.get(address).status_code == 403
        for act in ("confirm", "correct", "ask", "reschedule", "cancel"):
            assert client.post(path(dispatch, f"{act}/"), {"reason": "x"}).status_code == 403
        assert client.post(f"{LIST}confirm/", {"number": dispatch.number}).status_code == 403
        assert applications_waiting(user) == []
        assert tasks_waiting(user) == []
    assert Dispatch.objects.get().status == Status.ACCEPTED


def test_the_number_of_queries_does_not_grow_with_the_list(stage: Stage) -> None:
    accepted(stage)
    client = browser(stage.operator)
    client.get(LIST)
    with CaptureQueriesContext(connection) as few:
        client.get(LIST)
    for company, day in (("C2", "07-13"), ("C3", "07-14"), ("C4", "07-15")):
        accepted(stage, company, day)
    with CaptureQueriesContext(connection) as many:
        page = client.get(LIST)
    assert len(page.context["page"].object_list) == 4
    assert len(many) <= len(few)
