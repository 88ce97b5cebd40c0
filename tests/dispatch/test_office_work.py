"""What the office does: ask back, correct, check travel, hold, exclude, release; edits that meet; reminders."""

import datetime as dt
from decimal import Decimal

import pytest
from stage import Stage, at

from core.errors import DomainError, NotAllowed
from core.notify.models import Mail
from core.notify.services import waiting_for
from dispatch.models import Correction, Dispatch, Draft, Inquiry, Reminder, Status
from dispatch.selectors import received_values
from dispatch.services import (
    ClaimLine,
    FieldErrors,
    LineErrors,
    StaleEdit,
    answer_inquiry,
    ask_back,
    check_travel_line,
    correct_dispatch,
    correct_travel_line,
    draft_of,
    edit_token,
    exclude_dispatch,
    finish_visit,
    hold_dispatch,
    release_dispatch,
    remind_overdue,
    save_claim,
    save_draft,
)

CAR = ClaimLine(day=dt.date(2021, 7, 12), kind="私有車", km=Decimal("30.5"), claimed=1200)
TAXI = ClaimLine(
    day=dt.date(2021, 7, 12), kind="タクシー", claimed=3000, receipt=True, no_public_transport=True
)


def test_an_inquiry_waits_for_whom_it_was_asked_of(stage: Stage) -> None:
    dispatch = stage.approved()
    inquiry = ask_back(dispatch=dispatch, asked_of="expert", question="経路は？", actor=stage.operator)
    assert inquiry.due_on == dt.date(2021, 7, 19)
    with pytest.raises(Inquiry.DoesNotExist):
        answer_inquiry(inquiry=inquiry, answer="分かりません", actor=stage.chief)
    answer_inquiry(inquiry=inquiry, answer="駅から徒歩です。", actor=stage.experts["E1"])
    assert waiting_for(stage.operator)[-1].note == "駅から徒歩です。"
    with pytest.raises(DomainError, match="済んでいます"):
        answer_inquiry(inquiry=inquiry, answer="訂正", actor=stage.experts["E1"])


def test_received_and_corrected_values_both_stay(stage: Stage) -> None:
    dispatch = stage.approved()
    for end in ("2021-07-12 12:05", "2021/7/12 12:10"):
        correct_dispatch(
            dispatch=dispatch, values={"実施終了": end}, reason="支援先に確認", actor=stage.operator
        )
    assert Dispatch.objects.get().visited_to == at("07-12 12:10")
    assert list(Correction.objects.values_list("received", "corrected")) == [
        ("2021-07-12 12:00", "2021-07-12 12:05"),
        ("2021-07-12 12:05", "2021-07-12 12:10"),
    ]
    assert received_values(dispatch) == {("dispatches", "", "実施終了"): "2021-07-12 12:00"}


def test_every_kind_of_column_can_be_corrected(stage: Stage) -> None:
    dispatch = stage.approved()
    values = {
        "経営課題": "販路開拓", "支援場所": "別の場所", "緯度": "35.7", "休憩分": "１５", "同行": "無",
        "同行無の理由": "遠方", "専門家からの要請": "有", "企業コード": "C2", "支援内容": "助言", "行程番号": "R-1",
    }  # fmt: skip
    made = correct_dispatch(dispatch=dispatch, values=values, reason="聞き取り", actor=stage.operator)
    assert {each.column for each in made} == set(values)
    dispatch = Dispatch.objects.select_related("company").get()
    assert (dispatch.topic, dispatch.latitude, dispatch.break_minutes) == ("販路開拓", Decimal("35.7"), 15)
    assert (dispatch.accompanied, dispatch.requested_by_expert, dispatch.company.code) == (False, True, "C2")
    again = correct_dispatch(dispatch=dispatch, values=values, reason="聞き取り", actor=stage.operator)
    assert again == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"実施終了": "2021-07-12 09:00"}, "実施終了"),
        ({"実施終了": "昨日"}, "実施終了"),
        ({"休憩分": "120"}, "休憩分"),
        ({"緯度": ""}, "緯度"),
        ({"経営課題": "宇宙"}, "経営課題"),
        ({"企業コード": "C99"}, "企業コード"),
        ({"機関承認日時": "2021-07-01 00:00"}, "機関承認日時"),
        ({"状態": "取消"}, "状態"),
    ],
)
def test_a_correction_keeps_the_rules_of_the_file(stage: Stage, values: dict[str, str], field: str) -> None:
    dispatch = stage.approved()
    with pytest.raises(FieldErrors) as refused:
        correct_dispatch(dispatch=dispatch, values=values, reason="確認", actor=stage.operator)
    assert list(refused.value.by_field) == [field]
    assert not Correction.objects.exists()


def test_travel_lines_are_checked_and_corrected(stage: Stage) -> None:
    dispatch = stage.approved(stage.application(), CAR, TAXI)
    car, taxi = dispatch.travel_lines.all()
    check_travel_line(line=car, accepted_km=Decimal("28.4"), actor=stage.operator)
    with pytest.raises(FieldErrors, match="理由"):
        check_travel_line(line=taxi, accepted_yen=2000, actor=stage.operator)
    with pytest.raises(FieldErrors, match="請求額"):
        check_travel_line(line=taxi, accepted_yen=3001, reason="誤り", actor=stage.operator)
    with pytest.raises(FieldErrors, match="認定距離km"):
        check_travel_line(line=car, accepted_yen=100, reason="誤り", actor=stage.operator)
    check_travel_line(line=taxi, accepted_yen=2000, reason="経路の一部", actor=stage.operator)
    correct_travel_line(line=taxi, values={"領収書": "無"}, reason="写真なし", actor=stage.operator)
    taxi.refresh_from_db()
    assert (taxi.accepted_yen, taxi.receipt) == (2000, False)
    assert Correction.objects.count() == 3
    with pytest.raises(NotAllowed):
        check_travel_line(line=taxi, accepted_yen=1, reason="x", actor=stage.chief)


def test_a_held_and_an_excluded_dispatch_can_be_released(stage: Stage) -> None:
    dispatch = stage.approved()
    hold_dispatch(dispatch=dispatch, reason="通報", actor=stage.operator)
    with pytest.raises(DomainError, match="理由"):
        exclude_dispatch(dispatch=dispatch, reason="", actor=stage.operator)
    dispatch = exclude_dispatch(dispatch=dispatch, reason="虚偽", actor=stage.operator)
    assert (dispatch.status, dispatch.office_decision) == (Status.INELIGIBLE, "対象外")
    dispatch = release_dispatch(dispatch=dispatch, reason="誤解と判明", actor=stage.operator)
    assert (dispatch.status, dispatch.office_decision) == (Status.APPROVED, "")
    with pytest.raises(DomainError, match="取り消す事務局判断がありません"):
        release_dispatch(dispatch=dispatch, reason="もう一度", actor=stage.operator)


def test_two_who_edit_the_same_dispatch_see_what_the_other_changed(stage: Stage) -> None:
    dispatch = stage.approved()
    token = edit_token(dispatch)
    stage.travel(at("07-13 09:00"))
    correct_dispatch(
        dispatch=dispatch,
        values={"支援場所": "別の場所"},
        reason="確認",
        actor=stage.approver,
        edit_token=token,
    )
    with pytest.raises(StaleEdit) as refused:
        correct_dispatch(
            dispatch=dispatch,
            values={"支援場所": "他の場所"},
            reason="確認",
            actor=stage.operator,
            edit_token=token,
        )
    (change,) = refused.value.changes
    assert (change.field, change.before, change.after) == ("支援場所", "見本町1", "別の場所")
    assert change.by == stage.approver.get_full_name()
    assert Dispatch.objects.get().place == "別の場所"


def test_a_stale_claim_is_refused_and_bad_lines_are_named(stage: Stage) -> None:
    dispatch = stage.visited()
    token = edit_token(dispatch)
    expert = stage.experts["E1"]
    with pytest.raises(LineErrors) as refused:
        save_claim(
            dispatch=dispatch,
            lines=[TAXI, ClaimLine(day=dt.date(2021, 7, 12), kind="馬", claimed=-1)],
            actor=expert,
        )
    assert {place: set(columns) for place, columns in refused.value.by_line.items()} == {
        1: {"種別", "請求額"}
    }
    stage.travel(at("07-12 14:00"))
    save_claim(dispatch=dispatch, lines=[TAXI, CAR], actor=expert, edit_token=token)
    with pytest.raises(StaleEdit):
        save_claim(dispatch=dispatch, lines=[CAR], actor=expert, edit_token=token)
    assert [line.kind for line in dispatch.travel_lines.all()] == ["タクシー", "私有車"]


def test_what_is_late_is_reminded_of_once_per_step(stage: Stage) -> None:
    dispatch = stage.visited()
    stage.travel(at("07-19 09:00"))
    assert remind_overdue() == 0
    stage.travel(at("07-20 09:00"))
    assert remind_overdue() == 2
    assert remind_overdue() == 0
    assert set(Reminder.objects.values_list("step", flat=True)) == {"report", "attestation"}
    assert Mail.objects.filter(to="e1@example.jp", subject__contains="報告").exists()
    finish_visit(
        dispatch=dispatch,
        visited_from=at("07-12 10:00"),
        visited_to=at("07-12 12:30"),
        actor=stage.experts["E1"],
    )
    assert remind_overdue() == 1  # the client is to attest other times


def test_an_unanswered_application_and_an_unanswered_inquiry_are_reminded_of(stage: Stage) -> None:
    dispatch = stage.applied()
    ask_back(dispatch=dispatch, asked_of="institution", question="場所は？", actor=stage.operator)
    stage.travel(at("07-05 09:00"))
    assert remind_overdue() == 1
    stage.travel(at("07-09 09:00"))
    assert remind_overdue() == 1
    assert sorted(Reminder.objects.values_list("step", flat=True)) == ["answer", "inquiry_institution"]


def test_drafts_are_ones_own_and_the_latest_words_count(stage: Stage) -> None:
    chief = stage.chief
    save_draft(person=chief, form="application", object="K1", values={"place": "駅"})
    save_draft(person=chief, form="application", object="K1", values={"place": "駅前"})
    draft = draft_of(person=chief, form="application", object="K1")
    assert draft is not None
    assert draft.values == {"place": "駅前"}
    assert not Draft.objects.visible_to(stage.other_chief).exists()
