"""Applying, planning anew and calling off through the institution's pages."""

import html
import json
import re
from typing import Any

import pytest
from django.test import Client
from stage import Stage, at

from core.audit.acting import SYSTEM, acting
from dispatch.models import ApprovalRequest, Case, Company, Dispatch, DispatchApplication, Draft
from dispatch.services import close_case, edit_token, reschedule_dispatch
from experts.models import Expert

NO = dict.fromkeys(
    ("subsidised_labour", "paid_by_institution", "member_of_institution", "requested_by_expert"), "no"
)


def typed(**values: str) -> dict[str, str]:
    """An application that no rule stands against, as the browser sends it."""
    return {
        "key": "key-of-this-form", "expert": "E1", "topic": "創業", "day": "2021-07-12", "start": "10:00", "end": "12:00",
        "method": "対面", "web_reason": "", "place": "見本町1", "position": "35.681236, 139.767125", "accompanied": "yes",
        "absence": "", "absence_detail": "", "limit_reason": "", "lead_reason": "", **NO, **values,
    }  # fmt: skip


def path(case: Case, rest: str = "") -> str:
    return f"/portal/cases/{case.code}/apply/{rest}"


def page(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.status_code
    return html.unescape(answer.content.decode())


def check(client: Client, case: Case, **values: str) -> str:
    return page(client.post(path(case, "check/"), typed(**values)))


def send(client: Client, case: Case, **values: str) -> Any:
    return client.post(path(case), typed(step="send", **values))


def test_an_application_is_seen_as_a_whole_and_then_sent(chief: Client, stage: Stage) -> None:
    case = stage.case()
    confirmation = page(chief.post(path(case), typed(step="confirm")))
    for said in (
        "吉田 太郎",
        "2021年7月12日（月） 10:00～12:00",
        "見本町1",
        "同行する",
        "いいえ",
        "この内容で申請する",
    ):
        assert said in confirmation
    assert not Dispatch.objects.exists()
    answer = send(chief, case)
    dispatch = Dispatch.objects.get()
    assert answer.headers["Location"] == f"/portal/dispatches/{dispatch.number}/applied/"
    assert (dispatch.expert.code, dispatch.planned_from, dispatch.place) == (
        "E1",
        at("07-12 10:00"),
        "見本町1",
    )
    after = page(chief.get(answer.headers["Location"]))
    assert "専門家</span>が、承諾するか辞退するかを回答します" in after
    assert "2021年7月4日（日）までに回答がないとき" in after


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"end": "09:00"}, ("予定の時刻", "予定終了は予定開始より後", "10:00～09:00", "終了の時刻を直してください。")),
        ({"day": "2022-03-10"}, ("派遣期間", "派遣期間の中の日を選んでください。")),
        ({"day": "2021-07-02"}, ("申請の期限", "支援日の3日前まで", "急ぐ理由を入れて")),
        ({"day": "2021-06-01"}, ("今日より後の支援日",)),
        ({"day": "2031-07-12"}, ("支出基準のある日",)),
        ({"method": "WEB"}, ("WEB支援の事前承認", "理由を選ぶか、実施方式を対面に")),
        ({"topic": "無い課題"}, ("経営課題：",)),
    ],
)  # fmt: skip
def test_a_rule_that_blocks_says_so_while_typing_and_on_sending(
    chief: Client, stage: Stage, values: dict[str, str], words: tuple[str, ...]
) -> None:
    case = stage.case()
    live = check(chief, case, **values)
    assert "このままでは申請できません" in live
    refused = page(send(chief, case, **values))
    assert "まだ申請していません" in refused
    for word in words:
        assert word in live, word
        assert word in refused, word
    # everything typed is still there
    assert 'value="35.681236, 139.767125"' in refused
    assert 'value="key-of-this-form"' in refused
    assert not Dispatch.objects.exists()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"method": "WEB", "web_reason": "感染や接触のリスクが高い"}, "WEB支援の事前承認"),
        ({"day": "2021-07-02", "lead_reason": "急な相談"}, "申請の期限"),
    ],
)
def test_what_the_office_must_allow_can_be_sent_and_says_so(
    chief: Client, stage: Stage, values: dict[str, str], words: str
) -> None:
    case = stage.case()
    live = check(chief, case, **values)
    assert "申請できます（事務局の承認が必要な項目 1件）" in live
    assert "obstacle--approval" in live
    assert words in live
    assert "事務局の承認が必要です" in page(chief.post(path(case), typed(step="confirm", **values)))
    assert send(chief, case, **values).status_code == 302
    request = ApprovalRequest.objects.get()
    assert request.get_kind_display() in page(
        chief.get(f"/portal/dispatches/{Dispatch.objects.get().number}/applied/")
    )


@pytest.mark.parametrize(
    ("name", "code"),
    [("subsidised_labour", "X01"), ("paid_by_institution", "X02"), ("requested_by_expert", "X04")],
)
def test_an_answer_that_makes_it_unpayable_warns_and_can_be_sent(
    chief: Client, stage: Stage, name: str, code: str
) -> None:
    case = stage.case()
    live = check(chief, case, **{name: "yes"})
    assert "obstacle--warning" in live
    assert code in live
    assert "謝金と旅費は支払われません" in live
    assert "申請できます" in live
    send(chief, case, **{name: "yes"})
    assert getattr(DispatchApplication.objects.get(), name) is True


def test_belonging_counts_only_where_the_kind_is_not_exempt(
    chief: Client, other_chief: Client, stage: Stage
) -> None:
    assert "X03" not in check(chief, stage.case(), member_of_institution="yes")
    assert "X03" in check(other_chief, stage.case("C2", "K2"), member_of_institution="yes")


def test_the_register_answers_what_it_knows(other_chief: Client, stage: Stage) -> None:
    case = stage.case("C2", "K2")
    first = page(other_chief.get(path(case), {"expert": "E2"}))
    assert re.search(r'name="member_of_institution" value="yes"[^>]*checked', first)
    assert not re.search(r'name="paid_by_institution"[^>]*checked', first)
    assert "X03" in first


def test_which_dispatches_used_the_limit_is_shown_and_a_reason_asks_for_more(
    chief: Client, stage: Stage
) -> None:
    case = stage.case()
    for day in ("12", "13", "14"):
        stage.applied(
            stage.application(case, planned_from=at(f"07-{day} 10:00"), planned_to=at(f"07-{day} 12:00"))
        )
    live = check(chief, case, day="2021-07-15")
    assert "2021年度の派遣：3回のうち 3回を使用" in live
    assert all(number in live for number in Dispatch.objects.values_list("number", flat=True))
    assert "4回目" in live
    assert 'data-needs="limit_reason"' in live
    assert "申請できます（事務局の承認が必要な項目 1件）" in check(
        chief, case, day="2021-07-15", limit_reason="効果が見えてきたため"
    )


def test_dispatches_of_others_count_without_being_told(chief: Client, stage: Stage) -> None:
    stage.applied(stage.application(stage.case("C1", "K2"), "E3", planned_from=at("07-12 10:00")))
    live = check(chief, stage.case(), day="2021-07-15")
    assert "3回のうち 1回を使用" in live
    assert "ほかの機関の派遣" in live
    assert Dispatch.objects.get().number not in live


def test_an_expert_is_at_one_place_at_a_time(chief: Client, stage: Stage) -> None:
    stage.applied(stage.application(stage.case("C2")))
    live = check(chief, stage.case())
    assert "専門家の予定の重なり" in live
    assert "07/12 10:00～12:00 に別の派遣" in live
    assert "別件商店" not in live


def test_what_is_not_filled_in_is_named_without_scolding(chief: Client, stage: Stage) -> None:
    live = page(chief.post(path(stage.case(), "check/"), {"method": "対面"}))
    assert "項目の入力で申請できます" in live
    assert "obstacle--block" not in live
    for label in ("専門家", "支援日", "開始時刻", "支援場所の位置", "貴機関の同行"):
        assert label in live


def test_without_accompaniment_there_is_a_reason(chief: Client, stage: Stage) -> None:
    case = stage.case()
    assert "同行しない理由" in page(send(chief, case, accompanied="no"))
    assert "「その他」の内容を入れてください。" in page(send(chief, case, accompanied="no", absence="その他"))
    send(chief, case, accompanied="no", absence="その他", absence_detail="研修のため")
    assert Dispatch.objects.get().no_accompaniment_reason == "その他：研修のため"


def test_a_case_without_consent_or_closed_takes_no_application(chief: Client, stage: Stage) -> None:
    case = stage.case()
    close_case(case=case, reason="解決", actor=stage.chief)
    assert "支援案件を再開してください。" in page(send(chief, case))
    with acting(SYSTEM, "story"):
        Case.objects.filter(pk=case.pk).update(
            consent_at=None, consent_by="", consent_version="", state="open"
        )
    assert "支援先から同意を得た" in page(send(chief, case))
    assert not Dispatch.objects.exists()


def test_the_same_form_twice_applies_once(chief: Client, stage: Stage) -> None:
    case = stage.case()
    first, second = send(chief, case), send(chief, case)
    assert first.headers["Location"] == second.headers["Location"]
    assert Dispatch.objects.count() == 1


def test_another_content_under_a_sent_form_is_not_taken_for_it(chief: Client, stage: Stage) -> None:
    case = stage.case()
    send(chief, case)
    answer = chief.post(path(case), typed(step="send", day="2021-07-20"), follow=True)
    assert "内容が異なるため、今回は送信していません" in page(answer)
    assert Dispatch.objects.count() == 1


def test_who_was_faster_is_told_and_nothing_typed_is_lost(chief: Client, stage: Stage) -> None:
    case = stage.case()
    page(chief.post(path(case), typed(step="confirm")))
    stage.applied(stage.application(stage.case("C2")))
    refused = page(send(chief, case))
    assert "専門家の予定の重なり" in refused
    assert 'value="10:00"' in refused


def test_a_draft_comes_back_until_it_is_sent(chief: Client, stage: Stage) -> None:
    case = stage.case()
    saved = {**typed(place="見本町9 会議室"), "key": "kept-key"}
    body = json.dumps({"values": saved})
    assert chief.post(f"/portal/drafts/application/{case.code}/", body, "application/json").status_code == 200
    again = page(chief.get(path(case)))
    assert "見本町9 会議室" in again
    assert 'name="key" value="kept-key"' in again
    send(chief, case, key="kept-key")
    assert not Draft.objects.exists()
    # another tab saves once more what was sent: the next application begins anew
    chief.post(f"/portal/drafts/application/{case.code}/", body, "application/json")
    fresh = page(chief.get(path(case)))
    assert "kept-key" not in fresh
    assert "見本町9" not in fresh


def test_choosing_another_expert_keeps_the_rest_and_asks_about_them_anew(chief: Client, stage: Stage) -> None:
    case = stage.case()
    body = json.dumps({"values": typed(place="見本町9", paid_by_institution="yes")})
    chief.post(f"/portal/drafts/application/{case.code}/", body, "application/json")
    changed = page(chief.get(path(case), {"expert": "E2"}))
    assert "別田 花子" in changed
    assert "見本町9" in changed
    assert not re.search(r'name="paid_by_institution"[^>]*checked', changed)


def test_the_clients_place_and_the_chosen_day_are_filled_in(chief: Client, stage: Stage) -> None:
    with acting(SYSTEM, "story"):
        Company.objects.filter(code="C1").update(latitude="35.5", longitude="139.5")
    first = page(chief.get(path(stage.case()), {"expert": "E1", "day": "2021-07-20"}))
    for value in ("見本町1", "35.5, 139.5", "2021-07-20"):
        assert f'value="{value}"' in first


def test_the_contact_of_an_expert_is_not_shown_before_a_dispatch(chief: Client, stage: Stage) -> None:
    with acting(SYSTEM, "story"):
        Expert.objects.filter(code="E1").update(phone="090-9999-8888")
    case = stage.case()
    for shown in (
        page(chief.get(path(case), {"expert": "E1"})),
        page(chief.post(path(case), typed(step="confirm"))),
    ):
        assert "吉田 太郎" in shown
        for kept_back in ("090-9999-8888", "e1@example.jp", "1112345"):
            assert kept_back not in shown


def test_of_others_nothing_is_there(chief: Client, other_chief: Client, stage: Stage) -> None:
    case = stage.case()
    dispatch = stage.applied(stage.application(case))
    assert other_chief.get(path(case)).status_code == 404
    assert send(other_chief, case).status_code == 404
    assert other_chief.post(path(case, "check/"), typed()).status_code == 404
    for act in ("applied/", "reschedule/", "cancel/"):
        assert other_chief.get(f"/portal/dispatches/{dispatch.number}/{act}").status_code == 404
    assert (
        other_chief.post(f"/portal/dispatches/{dispatch.number}/reschedule/check/", when()).status_code == 404
    )
    assert (
        other_chief.post(f"/portal/dispatches/{dispatch.number}/cancel/", {"reason": "その他"}).status_code
        == 404
    )


@pytest.mark.parametrize(
    "values",
    [
        {"expert": "無い"}, {"day": "0001-01-01"}, {"day": "9999-12-31"}, {"day": "昨日"},
        {"start": "25:00"}, {"position": "139.7, 35.6"}, {"position": "51.5, 0.1"}, {"method": "電話"},
        {"place": "場" * 600}, {"subsidised_labour": "maybe"} ,
    ],
)  # fmt: skip
def test_bad_input_is_refused_and_the_rest_stays(chief: Client, stage: Stage, values: dict[str, str]) -> None:
    case = stage.case()
    assert "申請できます" not in check(chief, case, **values).split("summary__state")[1][:200]
    refused = page(send(chief, case, **values))
    assert "まだ申請していません" in refused
    assert "key-of-this-form" in refused
    assert not Dispatch.objects.exists()


# --- another date, calling off ---


def when(**values: str) -> dict[str, str]:
    return {
        "day": "2021-07-20", "start": "13:00", "end": "15:00", "reason": "支援先の都合", "detail": "", "lead_reason": "",
        **values,
    }  # fmt: skip


def test_another_date_asks_the_expert_again(chief: Client, stage: Stage) -> None:
    dispatch = stage.confirmed()
    form = page(chief.get(f"/portal/dispatches/{dispatch.number}/reschedule/"))
    assert 'value="2021-07-12"' in form
    answer = chief.post(
        f"/portal/dispatches/{dispatch.number}/reschedule/",
        when(detail="社長の出張", edit_token=edit_token(dispatch)),
        follow=True,
    )
    assert "もう一度承諾を求めています" in page(answer)
    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.planned_from) == ("applied", at("07-20 13:00"))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"end": "12:00"}, "予定終了は予定開始より後"),
        ({"day": "2021-07-02"}, "急ぐ理由を入れて"),
        ({"day": "2022-03-10"}, "派遣期間の中の日"),
        ({"day": "2021-07-12", "start": "10:00", "end": "12:00"}, "いまの予定と同じ日時です"),
        ({"reason": "勝手な理由"}, "理由"),
        ({"reason": "その他"}, "「その他」の内容を入れてください。"),
    ],
)
def test_a_date_that_cannot_be_is_refused_with_the_rest_kept(
    chief: Client, stage: Stage, values: dict[str, str], words: str
) -> None:
    dispatch = stage.applied()
    if "同じ日時" not in words:
        live = page(chief.post(f"/portal/dispatches/{dispatch.number}/reschedule/check/", when(**values)))
        assert "このままでは変更できません" in live or "項目の入力で変更できます" in live
    refused = page(chief.post(f"/portal/dispatches/{dispatch.number}/reschedule/", when(**values)))
    assert "まだ変更していません" in refused
    assert words in refused
    assert f'value="{values.get("start", "13:00")}"' in refused
    dispatch.refresh_from_db()
    assert dispatch.planned_from == at("07-12 10:00")


def test_the_expert_is_not_double_booked_by_another_date(chief: Client, stage: Stage) -> None:
    stage.applied(
        stage.application(stage.case("C2"), planned_from=at("07-20 14:00"), planned_to=at("07-20 16:00"))
    )
    dispatch = stage.applied()
    live = page(chief.post(f"/portal/dispatches/{dispatch.number}/reschedule/check/", when()))
    assert "専門家の予定の重なり" in live


def test_a_stale_page_shows_what_changed_and_keeps_what_was_typed(chief: Client, stage: Stage) -> None:
    dispatch = stage.applied()
    seen = edit_token(dispatch)
    stage.travel(at("07-01 10:00"))
    reschedule_dispatch(
        dispatch=dispatch,
        planned_from=at("07-21 10:00"),
        planned_to=at("07-21 12:00"),
        reason="都合",
        actor=stage.operator,
    )
    url = f"/portal/dispatches/{dispatch.number}/reschedule/"
    stale = page(chief.post(url, when(edit_token=seen, detail="社長の出張")))
    assert "ほかの人が先に変更しました" in stale
    assert "予定開始" in stale
    assert "社長の出張" in stale
    token = re.search(r'name="edit_token" value="([^"]+)"', stale)
    assert token
    assert chief.post(url, when(edit_token=token[1])).status_code == 302
    cancelled = page(
        chief.post(
            f"/portal/dispatches/{dispatch.number}/cancel/",
            {"reason": "支援先の希望", "detail": "", "edit_token": seen},
        )
    )
    assert "ほかの人が先に変更しました" in cancelled
    dispatch.refresh_from_db()
    assert dispatch.status == "applied"


def test_calling_off_needs_a_reason_and_is_done_once(chief: Client, stage: Stage) -> None:
    dispatch = stage.applied()
    url = f"/portal/dispatches/{dispatch.number}/cancel/"
    assert "元には戻せません" in page(chief.get(url))
    assert "理由を選んでください。" in page(chief.post(url, {"reason": ""}))
    values = {"reason": "その他", "detail": "廃業のため", "edit_token": edit_token(dispatch)}
    assert "取り消しました" in page(chief.post(url, values, follow=True))
    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.end_reason) == ("cancelled", "その他：廃業のため")
    assert "訪問の前だけできます" in page(chief.post(url, values, follow=True))


def test_a_visit_that_began_is_not_called_off(chief: Client, stage: Stage) -> None:
    dispatch = stage.confirmed()
    stage.event(dispatch, "開始", dispatch.planned_from)
    answer = chief.post(
        f"/portal/dispatches/{dispatch.number}/cancel/", {"reason": "支援先の希望", "detail": ""}
    )
    assert "チェックインの記録があるため取消できません" in page(answer)
