"""The acts of the office through the page of a dispatch: each one, the wrong person, a stale page, a double click."""

import datetime as dt
import json
import re
from typing import Any

import pytest
from desk import browser, stage, strangers, text_of
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from stage import Stage, at

from core import clock
from core.audit.models import Access, Change
from core.notify.models import Task
from dispatch.models import (
    CheckEvent,
    Correction,
    Declaration,
    Dispatch,
    Draft,
    Finding,
    FindingReview,
    Inquiry,
    StatusChange,
    Waiver,
)
from dispatch.services import (
    answer_inquiry,
    ask_back,
    correct_dispatch,
    declare,
    return_dispatch,
    waive_finding,
)
from payments.services.assessment import check_month

__all__ = ["stage"]


def page_of(dispatch: Dispatch, query: str = "") -> str:
    return f"/office/dispatches/{dispatch.number}/{query}"


def fields_of(page: str, act: str) -> dict[str, str]:
    """What the first form of an act on the page carries without being seen."""
    form = re.search(rf'<form[^>]*action="[^"]*/acts/{act}/[^"]*".*?</form>', page, re.S)
    assert form, f"no form for {act}"
    hidden = re.findall(r'<input type="hidden" name="(\w+)"(?: value="([^"]*)")?', form.group(0))
    return {name: value for name, value in hidden if name != "csrfmiddlewaretoken"}


def take(
    client: Client, dispatch: Dispatch, act: str, *, query: str = "", opened: str = "", **typed: Any
) -> Any:
    """Opens the page, fills the act's form and sends it."""
    shown = opened or text_of(client.get(page_of(dispatch, query)))
    return client.post(
        f"/office/dispatches/{dispatch.number}/acts/{act}/{query}", {**fields_of(shown, act), **typed}
    )


def held(stage: Stage, code: str = "E05", kind: str = "保留") -> Dispatch:
    """An approved dispatch with one finding."""
    dispatch = stage.approved()
    stage.travel(clock.now() + dt.timedelta(minutes=1))
    check_month()
    Finding.objects.create(
        dispatch=dispatch, code=code, kind=kind, reason="時刻が異なります", expected="10:00", actual="10:40"
    )
    return dispatch


def test_the_page_shows_rule_expected_actual_turn_and_remedy_of_a_finding(stage: Stage) -> None:
    dispatch = held(stage)
    page = text_of(browser(stage.approver).get(page_of(dispatch)))
    for words in ("E05 時刻の不一致", "10:00", "10:40", "事務局の番", "申告書「時刻訂正」", "保留を解除する"):
        assert words in page
    assert "<svg viewBox=" in page and "支援場所の北 0m" in page
    access = Access.objects.latest("id")
    assert (access.what, access.row_ids) == ("evidence", [dispatch.pk])


def test_a_question_about_a_finding_reaches_the_expert_and_stands_on_the_page(stage: Stage) -> None:
    dispatch, client = held(stage), browser(stage.operator)
    answer = take(
        client,
        dispatch,
        "ask",
        asked_of="expert",
        reasons=["実際の実施時刻を教えてください"],
        comment="10時？",
    )
    assert answer.status_code == 302 and answer.url == page_of(dispatch)
    asked = Inquiry.objects.get()
    assert (asked.asked_of, asked.finding_code, asked.asked_by) == ("expert", "E05", stage.operator)
    assert asked.question == "実際の実施時刻を教えてください、10時？"
    page = text_of(client.get(page_of(dispatch)))
    assert "専門家の番" in page and "専門家への照会" in page
    answer_inquiry(inquiry=asked, answer="10時30分でした", actor=stage.experts["E1"])
    page = text_of(client.get(page_of(dispatch)))
    assert "10時30分でした" in page and "事務局の番" in page


def test_a_form_without_a_reason_comes_back_with_what_was_typed(stage: Stage) -> None:
    dispatch, client = held(stage), browser(stage.operator)
    answer = take(client, dispatch, "ask", asked_of="institution")
    page = text_of(answer)
    assert answer.status_code == 200 and "照会の内容を選ぶか、入力してください。" in page
    assert re.search(r'value="institution"[^>]*checked', page)
    assert not Inquiry.objects.exists()
    answer = take(client, dispatch, "return", comment="  ")
    assert "差戻しの理由を選ぶか、入力してください。" in text_of(answer)
    answer = take(client, dispatch, "exclude", comment="虚偽の報告")
    page = text_of(answer)
    assert "内容を確かめて、チェックしてください。" in page and "虚偽の報告" in page
    dispatch.refresh_from_db()
    assert dispatch.status == "approved"


def test_a_dispatch_is_returned_with_reasons_and_the_institution_is_told(stage: Stage) -> None:
    dispatch, client = held(stage), browser(stage.operator)
    reason = "実施時刻が実際と異なる"
    assert take(client, dispatch, "return", reasons=[reason], comment="確認して").status_code == 302
    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.approved_at) == ("reported", None)
    assert StatusChange.objects.filter(action="return").get().reason == f"{reason}、確認して"
    assert Task.objects.filter(person=stage.chief, closed_at=None).exists()
    assert f"{reason}（過去1回）" in text_of(client.get(page_of(dispatch)))


def test_two_presses_return_a_dispatch_by_one_step(stage: Stage) -> None:
    dispatch, client = held(stage), browser(stage.operator)
    opened = text_of(client.get(page_of(dispatch)))
    for _ in range(2):
        answer = take(client, dispatch, "return", opened=opened, comment="記載の不足")
        assert answer.status_code == 302
    dispatch.refresh_from_db()
    assert dispatch.status == "reported"
    assert StatusChange.objects.filter(action="return").count() == 1


def test_two_tabs_ask_the_same_open_question_once(stage: Stage) -> None:
    dispatch, client = held(stage), browser(stage.operator)
    for _ in range(2):
        take(client, dispatch, "ask", asked_of="expert", comment="時刻を教えてください")
    assert Inquiry.objects.count() == 1


def test_a_value_is_corrected_and_both_values_stay_on_the_page(stage: Stage) -> None:
    dispatch, client = held(stage), browser(stage.operator)
    answer = take(
        client, dispatch, "correct", column="支援場所", value="見本町 別館", reasons=["支援場所の登録の誤り"]
    )
    assert answer.status_code == 302
    dispatch.refresh_from_db()
    assert dispatch.place == "見本町 別館"
    made = Correction.objects.get()
    assert (made.received, made.corrected, made.reason) == ("見本町1", "見本町 別館", "支援場所の登録の誤り")
    page = text_of(client.get(page_of(dispatch)))
    assert "見本町1" in page and "受け取った値と訂正した値" in page


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("実施開始", "あした", "実施開始"),
        ("支援場所", "見本町1", "いまの値と同じです"),
        ("実施終了", "2021-07-12 09:00", "実施終了"),
        ("状態", "取消", "選択してください"),
        ("", "x", "必須"),
    ],
)
def test_what_cannot_be_taken_is_refused_beside_the_value(
    stage: Stage, column: str, value: str, why: str
) -> None:
    dispatch, client = held(stage), browser(stage.operator)
    answer = take(client, dispatch, "correct", column=column, value=value, comment="確かめた誤記")
    page = text_of(answer)
    assert answer.status_code == 200 and "確かめた誤記" in page and value in page
    assert why in page
    assert not Correction.objects.exists()


def test_a_stale_page_says_who_changed_what_and_the_next_press_counts(stage: Stage) -> None:
    dispatch, client = held(stage), browser(stage.operator)
    opened = text_of(client.get(page_of(dispatch)))
    correct_dispatch(
        dispatch=dispatch, values={"支援場所": "よその人の訂正"}, reason="電話", actor=stage.approver
    )
    for act, typed in (
        ("correct", {"column": "支援場所", "value": "わたしの訂正", "comment": "誤記"}),
        ("return", {"comment": "誤記"}),
        ("hold", {"comment": "誤記"}),
        ("verify", {}),
    ):
        page = text_of(take(client, dispatch, act, opened=opened, **typed))
        assert "開いた後にほかの人が変更しました" in page, act
        assert "見本町1 → よその人の訂正" in page, act
    dispatch.refresh_from_db()
    assert (dispatch.place, dispatch.status, dispatch.office_decision) == ("よその人の訂正", "approved", "")
    page = text_of(
        take(
            client,
            dispatch,
            "correct",
            opened=opened,
            column="支援場所",
            value="わたしの訂正",
            comment="誤記",
        )
    )
    assert "わたしの訂正" in page
    assert (
        take(
            client, dispatch, "correct", opened=page, column="支援場所", value="わたしの訂正", comment="誤記"
        ).status_code
        == 302
    )
    dispatch.refresh_from_db()
    assert dispatch.place == "わたしの訂正"


def test_the_approver_waives_a_hold_with_a_reason_and_takes_it_back(stage: Stage) -> None:
    dispatch, client = held(stage), browser(stage.approver)
    assert take(client, dispatch, "waive", reasons=["機関が同行して実施を確かめた"]).status_code == 302
    waiver = Waiver.objects.get()
    assert (waiver.code, waiver.waived_by, waiver.reason) == (
        "E05",
        stage.approver,
        "機関が同行して実施を確かめた",
    )
    page = text_of(client.get(page_of(dispatch)))
    assert "保留を解除しています" in page and fields_of(page, "revoke")["waiver"] == str(waiver.pk)
    assert take(client, dispatch, "revoke", comment="誤って解除した").status_code == 302
    waiver.refresh_from_db()
    assert waiver.revoked_by == stage.approver and waiver.revoke_reason == "誤って解除した"
    page = text_of(client.get(page_of(dispatch)))
    assert "保留 E05 の解除" in page and "E05 の解除の取消" in page


def test_an_operator_is_told_who_waives_and_a_forged_press_is_refused(stage: Stage) -> None:
    dispatch, client = held(stage), browser(stage.operator)
    page = text_of(client.get(page_of(dispatch)))
    assert "/acts/waive/" not in page and "保留を解除できるのは、事務局の承認者です。" in page
    answer = client.post(
        f"/office/dispatches/{dispatch.number}/acts/waive/", {"code": "E05", "comment": "よい"}
    )
    assert answer.status_code == 403 and "保留を解除できるのは、事務局の承認者です。" in text_of(answer)
    waiver = waive_finding(dispatch=dispatch, code="E05", reason="確かめた", actor=stage.approver)
    answer = client.post(
        f"/office/dispatches/{dispatch.number}/acts/revoke/", {"waiver": waiver.pk, "comment": "よい"}
    )
    assert answer.status_code == 403
    waiver.refresh_from_db()
    assert waiver.revoked_at is None


def test_a_waiver_of_another_dispatch_is_not_taken_back_here(stage: Stage) -> None:
    dispatch = held(stage)
    other = stage.approved(
        stage.application(stage.case("C2"), planned_from=at("07-20 10:00"), planned_to=at("07-20 12:00"))
    )
    Finding.objects.create(dispatch=other, code="L01", kind="保留", reason="上限")
    waiver = waive_finding(dispatch=other, code="L01", reason="確かめた", actor=stage.approver)
    answer = browser(stage.approver).post(
        f"/office/dispatches/{dispatch.number}/acts/revoke/", {"waiver": waiver.pk, "comment": "誤り"}
    )
    assert answer.status_code == 200 and "この解除は見つかりません" in text_of(answer)
    waiver.refresh_from_db()
    assert waiver.revoked_at is None


def test_a_dispatch_is_held_and_released_and_the_story_tells_both(stage: Stage) -> None:
    dispatch, client = held(stage), browser(stage.operator)
    take(client, dispatch, "hold", reasons=["報告の内容に疑いがある"])
    dispatch.refresh_from_db()
    assert (dispatch.office_decision, dispatch.office_decision_reason) == ("保留", "報告の内容に疑いがある")
    take(client, dispatch, "release", comment="調査を終えた")
    dispatch.refresh_from_db()
    assert dispatch.office_decision == ""
    page = text_of(client.get(page_of(dispatch)))
    assert "事務局判断: 保留" in page and "事務局判断（保留）の取消" in page


def test_a_dispatch_is_excluded_knowingly_and_released(stage: Stage) -> None:
    dispatch, client = held(stage), browser(stage.operator)
    told = "支援先から、訪問がなかったとの連絡がありました。"
    page = text_of(take(client, dispatch, "exclude", comment="虚偽の報告", sure="on"))
    assert "伝える理由を入力してください" in page
    assert take(client, dispatch, "exclude", comment="虚偽の報告", told=told, sure="on").status_code == 302
    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.office_decision) == ("ineligible", "対象外")
    assert take(client, dispatch, "release", comment="申立てを認めた").status_code == 302
    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.office_decision) == ("approved", "")


def test_a_clean_dispatch_is_verified_and_one_with_a_finding_is_not(stage: Stage) -> None:
    dispatch, client = held(stage), browser(stage.operator)
    page = text_of(take(client, dispatch, "verify"))
    assert "確認事項（E05）が残っているため、確認済にできません" in page
    Finding.objects.all().delete()
    assert take(client, dispatch, "verify").status_code == 302
    dispatch.refresh_from_db()
    assert dispatch.status == "verified"


def test_an_accepted_dispatch_is_confirmed(stage: Stage) -> None:
    from dispatch.services import accept_dispatch

    dispatch = accept_dispatch(dispatch=stage.applied(), actor=stage.experts["E1"])
    assert take(browser(stage.operator), dispatch, "confirm").status_code == 302
    dispatch.refresh_from_db()
    assert dispatch.status == "confirmed"


def test_a_declaration_is_corrected_and_its_received_text_stays(stage: Stage) -> None:
    dispatch, client = held(stage), browser(stage.operator)
    declare(dispatch=dispatch, cause="時刻訂正", reason="電車が遅れた", actor=stage.experts["E1"])
    page = text_of(client.get(page_of(dispatch)))
    assert "電車が遅れた" in page and "時刻訂正 1回" in page
    answer = take(
        client, dispatch, "correct_declaration", column="理由", value="バスが遅れた", comment="電話で確認"
    )
    assert answer.status_code == 302
    assert Declaration.objects.get().reason == "バスが遅れた"
    assert Correction.objects.get().received == "電車が遅れた"
    gone = client.post(
        f"/office/dispatches/{dispatch.number}/acts/correct_declaration/",
        {"cause": "署名不備", "column": "理由"},
    )
    assert gone.status_code == 404


def test_an_advice_is_looked_into_with_a_result(stage: Stage) -> None:
    dispatch, client = held(stage, "C01", "要確認"), browser(stage.operator)
    assert take(client, dispatch, "review", comment="時計は直っている").status_code == 302
    assert FindingReview.objects.get().reason == "時計は直っている"


def test_everything_an_expert_and_a_client_left_is_on_the_page(stage: Stage) -> None:
    dispatch = stage.attested(stage.reported(), confirmed=False, comment="開始は10時半でした")
    page = text_of(browser(stage.operator).get(page_of(dispatch)))
    for words in (
        "販路の助言をした。",
        "開始は10時半でした",
        "相違あり",
        "試験 社長",
        "従事証明（相違あり）",
        "報告",
    ):
        assert words in page
    event = CheckEvent.objects.filter(dispatch=dispatch).first()
    assert event is not None and event.event_id in page


def test_the_same_point_asked_of_the_same_expert_before_is_counted(stage: Stage) -> None:
    first = held(stage)
    ask_back(dispatch=first, asked_of="expert", question="時刻は", finding_code="E05", actor=stage.operator)
    second = stage.approved(
        stage.application(stage.case("C2"), planned_from=at("07-20 10:00"), planned_to=at("07-20 12:00"))
    )
    Finding.objects.create(dispatch=second, code="E05", kind="保留", reason="時刻")
    page = text_of(browser(stage.operator).get(page_of(second)))
    assert "同じ確認事項をほかの派遣で1回照会しています" in page
    assert "回照会しています" not in text_of(browser(stage.operator).get(page_of(first)))


def walkable(stage: Stage) -> list[Dispatch]:
    """Three dispatches of the queue, oldest first."""
    rows = []
    for place, company in enumerate(("C1", "C2", "C4")):
        day = 20 + 2 * place
        application = stage.application(
            stage.case(company), planned_from=at(f"07-{day} 10:00"), planned_to=at(f"07-{day} 12:00")
        )
        rows.append(stage.confirmed(application))
    Finding.objects.all().delete()
    stage.travel(at("07-25 10:00"))
    for place, row in enumerate(rows):
        stage.checked(row)
        Finding.objects.create(
            dispatch=row, code="L01", kind="保留", reason="上限", first_seen_at=at(f"07-0{place + 1} 10:00")
        )
    return rows


def test_the_queue_is_walked_and_an_act_leads_on_to_the_next(stage: Stage) -> None:
    first, second, third = walkable(stage)
    client, query = browser(stage.operator), "?queue=1&turn=office"
    page = text_of(client.get(page_of(second, query)))
    assert "2 / 3件目" in page
    assert f'href="{page_of(first, "?queue=1&amp;turn=office")}" rel="prev"' in page
    assert f'href="{page_of(third, "?queue=1&amp;turn=office")}" rel="next"' in page
    answer = take(client, second, "ask", query=query, asked_of="expert", comment="時刻は")
    assert answer.url == page_of(third, query)
    assert "2 / 3件目" not in text_of(client.get(page_of(second, query)))
    stays = take(client, third, "ask", query=query, asked_of="expert", comment="時刻は", stay="1")
    assert stays.url == page_of(third, query)
    last = take(client, third, "hold", query=query, comment="疑い")
    assert last.url == "/office/queue/?turn=office"


def keep(client: Client, dispatch: Dispatch, act: str, target: str, body: str) -> Any:
    return client.post(
        f"/office/dispatches/{dispatch.number}/acts/{act}/draft/{target}/",
        body,
        content_type="application/json",
    )


def test_what_is_typed_is_kept_until_it_is_sent_and_shown_to_nobody_else(stage: Stage) -> None:
    dispatch, client = held(stage), browser(stage.operator)
    typed = {
        "values": {
            "asked_of": "institution",
            "reasons": ["領収書などの証拠書類を提出してください"],
            "comment": "途中",
        }
    }
    answer = keep(client, dispatch, "ask", "E05", json.dumps(typed))
    assert answer.status_code == 200 and re.fullmatch(r"\d\d:\d\d", answer.json()["shown"])
    assert keep(client, dispatch, "hold", "-", json.dumps({"values": {"comment": "疑い"}})).status_code == 200
    page = text_of(client.get(page_of(dispatch)))
    assert "途中</textarea>" in page and "疑い</textarea>" in page
    assert "送信前に保存した内容を表示しています。" in page
    assert fields_of(page, "ask")["code"] == "E05"
    assert "途中</textarea>" not in text_of(browser(stage.approver).get(page_of(dispatch)))
    take(client, dispatch, "ask", asked_of="institution", comment="途中")
    assert [draft.object for draft in Draft.objects.all()] == [f"{dispatch.number}:hold:"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"values": 1}',
        '{"values": {"comment": 1}}',
        '{"values": {"comment": {}}}',
        "[" * 9999,
    ],
)
def test_a_draft_that_is_no_form_is_refused(stage: Stage, body: str) -> None:
    dispatch, client = held(stage), browser(stage.operator)
    assert keep(client, dispatch, "ask", "E05", body).status_code == 400
    assert not Draft.objects.exists()


def test_a_draft_is_for_those_who_may_take_the_act_and_has_its_bounds(stage: Stage) -> None:
    dispatch, client = held(stage), browser(stage.operator)
    fine = json.dumps({"values": {"comment": "x"}})
    assert keep(client, dispatch, "waive", "E05", fine).status_code == 403
    assert keep(client, dispatch, "other", "E05", fine).status_code == 404
    assert keep(client, dispatch, "ask", "E" * 31, fine).status_code == 404
    large = json.dumps({"values": {"comment": "長" * 300_000}})
    assert keep(client, dispatch, "ask", "E05", large).status_code == 413
    odd = keep(client, dispatch, "ask", "E05", '{"values": {"comment": "a\\u0000\\ud800b"}}')
    assert odd.status_code == 200 and Draft.objects.get().values == {"comment": "a?b"}
    for person in strangers(stage):
        assert keep(browser(person), dispatch, "ask", "E05", fine).status_code in (403, 404)


def test_an_unknown_act_or_dispatch_is_not_found(stage: Stage) -> None:
    dispatch, client = held(stage), browser(stage.operator)
    assert client.post(f"/office/dispatches/{dispatch.number}/acts/pay/").status_code == 404
    assert client.post("/office/dispatches/D-none/acts/ask/").status_code == 404
    # whoever signs in again after a press comes back by a GET
    assert client.get(f"/office/dispatches/{dispatch.number}/acts/ask/").url == page_of(dispatch)


@pytest.mark.parametrize("act", ["ask", "return", "correct", "waive", "hold", "exclude", "release", "verify"])
def test_nobody_else_takes_an_act(stage: Stage, act: str) -> None:
    dispatch = held(stage)
    changes = Change.objects.filter(table__startswith="dispatch_").count()
    for person in strangers(stage):
        answer = browser(person).post(
            f"/office/dispatches/{dispatch.number}/acts/{act}/",
            {"comment": "x", "asked_of": "expert", "code": "E05", "sure": "on"},
        )
        assert answer.status_code in (403, 404)
    assert Change.objects.filter(table__startswith="dispatch_").count() == changes


def test_odd_input_is_refused_and_not_an_error(stage: Stage) -> None:
    dispatch, client = held(stage), browser(stage.approver)
    for act in ("ask", "return", "correct", "waive", "revoke", "hold", "exclude", "release", "review"):
        answer = client.post(
            f"/office/dispatches/{dispatch.number}/acts/{act}/",
            {
                "comment": "長" * 5000,
                "code": "E99999",
                "waiver": "x",
                "asked_of": "boss",
                "column": "状態",
                "value": "x" * 5000,
                "edit_token": "yesterday",
                "reasons": ["よその理由"],
            },
        )
        assert answer.status_code == 200, act
    token = client.post(
        f"/office/dispatches/{dispatch.number}/acts/hold/", {"comment": "疑い", "edit_token": "yesterday"}
    )
    assert "画面の情報が古くなっています" in text_of(token)


def test_the_page_asks_the_same_number_of_questions_with_one_finding_and_with_many(stage: Stage) -> None:
    dispatch, client = held(stage), browser(stage.approver)
    declare(dispatch=dispatch, cause="時刻訂正", reason="遅れた", actor=stage.experts["E1"])
    return_dispatch(dispatch=dispatch, reasons=["記載の不足"], actor=stage.operator)
    client.get(page_of(dispatch))
    with CaptureQueriesContext(connection) as one:
        client.get(page_of(dispatch))
    for code in ("E01", "E02", "L01", "P04", "T02"):
        Finding.objects.create(dispatch=dispatch, code=code, kind="保留", reason="理由")
        ask_back(dispatch=dispatch, asked_of="expert", question=code, finding_code=code, actor=stage.operator)
    with CaptureQueriesContext(connection) as many:
        client.get(page_of(dispatch))
    assert len(many) == len(one)
