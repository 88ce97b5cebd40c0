"""A dispatch on its way through the people: who may take which step, and what each step leaves behind."""

import datetime as dt

import pytest
from stage import Stage, at

from core.errors import DomainError, NotAllowed
from core.notify.models import Mail, Task
from core.notify.services import waiting_for
from dispatch.models import Dispatch, Status, StatusChange
from dispatch.selectors import allowed_actions, timeline
from dispatch.services import (
    Accompaniment,
    ReportData,
    accept_dispatch,
    approve_dispatch,
    cancel_dispatch,
    confirm_dispatch,
    decline_dispatch,
    reschedule_dispatch,
    return_dispatch,
    submit_report,
    verify_dispatch,
)


def steps(dispatch: Dispatch) -> list[tuple[str, str, str]]:
    return list(
        StatusChange.objects.filter(dispatch=dispatch).values_list("action", "to_status", "actor_name")
    )


def test_a_dispatch_goes_from_application_to_verification(stage: Stage) -> None:
    dispatch = stage.approved()
    dispatch = verify_dispatch(dispatch=dispatch, actor=stage.operator)
    assert dispatch.status == Status.VERIFIED
    assert [step[:2] for step in steps(dispatch)] == [
        ("apply", "applied"),
        ("accept", "accepted"),
        ("confirm", "confirmed"),
        ("finish", "visited"),
        ("report", "reported"),
        ("approve", "approved"),
        ("verify", "verified"),
    ]
    assert [step[2] for step in steps(dispatch)][:3] == [
        user.get_full_name() for user in (stage.chief, stage.experts["E1"], stage.operator)
    ]
    assert not Task.objects.open().exclude(code="dispatch_news").exists()
    assert len(timeline(dispatch, stage.operator)) == 8


def test_numbers_of_new_dispatches_differ(stage: Stage) -> None:
    first = stage.applied()
    second = stage.applied(stage.application(planned_from=at("07-13 10:00"), planned_to=at("07-13 12:00")))
    assert first.number != second.number
    assert first.number.startswith("D2021-")


def test_each_step_waits_for_the_next_person_and_for_nobody_else(stage: Stage) -> None:
    dispatch = stage.applied()
    assert [task.code for task in waiting_for(stage.experts["E1"])] == ["dispatch_answer"]
    assert Mail.objects.filter(to="e1@example.jp").count() == 1
    accept_dispatch(dispatch=dispatch, actor=stage.experts["E1"])
    assert waiting_for(stage.experts["E1"]) == []
    assert [task.code for task in waiting_for(stage.operator)] == ["dispatch_confirm"]


@pytest.mark.parametrize("who", ["chief", "operator", "approver"])
def test_only_the_expert_accepts(stage: Stage, who: str) -> None:
    dispatch = stage.applied()
    with pytest.raises(NotAllowed):
        accept_dispatch(dispatch=dispatch, actor=getattr(stage, who))
    assert Dispatch.objects.get(pk=dispatch.pk).status == Status.APPLIED


def test_another_expert_does_not_even_find_the_dispatch(stage: Stage) -> None:
    dispatch = stage.applied()
    with pytest.raises(Dispatch.DoesNotExist):
        accept_dispatch(dispatch=dispatch, actor=stage.experts["E2"])
    with pytest.raises(Dispatch.DoesNotExist):
        cancel_dispatch(dispatch=dispatch, reason="間違い", actor=stage.other_chief)


def test_a_step_out_of_order_says_when_it_is_possible(stage: Stage) -> None:
    dispatch = stage.applied()
    with pytest.raises(DomainError, match="「承諾済」のとき"):
        confirm_dispatch(dispatch=dispatch, actor=stage.operator)


def test_declining_needs_a_reason_and_tells_the_institution(stage: Stage) -> None:
    dispatch = stage.applied()
    expert = stage.experts["E1"]
    with pytest.raises(DomainError, match="辞退の理由"):
        decline_dispatch(dispatch=dispatch, reason=" ", actor=expert)
    dispatch = decline_dispatch(dispatch=dispatch, reason="予定が合わない", actor=expert)
    assert (dispatch.status, dispatch.end_reason) == (Status.DECLINED, "予定が合わない")
    assert [task.note for task in waiting_for(stage.chief)] == ["予定が合わない"]


def test_a_new_date_asks_the_expert_again(stage: Stage) -> None:
    dispatch = stage.confirmed()
    dispatch = reschedule_dispatch(
        dispatch=dispatch,
        planned_from=at("07-20 13:00"),
        planned_to=at("07-20 15:00"),
        reason="支援先の都合",
        actor=stage.chief,
    )
    assert (dispatch.status, dispatch.planned_from) == (Status.APPLIED, at("07-20 13:00"))
    assert [task.code for task in waiting_for(stage.experts["E1"])][-1] == "dispatch_answer"


def test_a_dispatch_somebody_checked_in_for_is_not_cancelled(stage: Stage) -> None:
    dispatch = stage.confirmed()
    stage.event(dispatch, "開始", at("07-12 10:00"))
    with pytest.raises(DomainError, match="チェックインの記録"):
        cancel_dispatch(dispatch=dispatch, reason="中止", actor=stage.chief)


def test_check_events_end_the_visit_and_ask_the_client(stage: Stage) -> None:
    dispatch = stage.visited()
    assert dispatch.status == Status.VISITED
    assert (dispatch.visited_from, dispatch.visited_to) == (at("07-12 10:00"), at("07-12 12:00"))
    assert Mail.objects.filter(to="c1@example.jp", template="attestation").count() == 1


def test_a_late_event_moves_what_events_proposed_but_not_what_the_expert_stated(stage: Stage) -> None:
    from dispatch.services import finish_visit, propose_visits

    dispatch = stage.visited()
    stage.event(dispatch, "終了", at("07-12 12:30"))
    assert propose_visits(numbers=[dispatch.number]) == [dispatch.number]
    dispatch = Dispatch.objects.get(pk=dispatch.pk)
    assert dispatch.visited_to == at("07-12 12:30")
    finish_visit(
        dispatch=dispatch,
        visited_from=at("07-12 10:00"),
        visited_to=at("07-12 12:10"),
        actor=stage.experts["E1"],
    )
    stage.event(dispatch, "終了", at("07-12 12:45"))
    assert propose_visits(numbers=[dispatch.number]) == []
    assert Dispatch.objects.get(pk=dispatch.pk).visited_to == at("07-12 12:10")


def test_a_report_with_other_times_asks_the_client_anew(stage: Stage) -> None:
    dispatch = stage.attested(stage.visited())
    assert dispatch.attested_at is not None
    dispatch = submit_report(
        dispatch=dispatch,
        report=ReportData("助言した。", visited_to=at("07-12 12:05")),
        lines=[],
        actor=stage.experts["E1"],
    )
    assert (dispatch.status, dispatch.attested_at) == (Status.REPORTED, None)
    assert Mail.objects.filter(to="c1@example.jp", template="attestation").count() == 2


def test_without_attestation_the_institution_cannot_approve(stage: Stage) -> None:
    dispatch = stage.reported()
    with pytest.raises(DomainError, match="従事証明"):
        approve_dispatch(
            dispatch=dispatch, accompaniment=Accompaniment(False, reason="遠方"), actor=stage.chief
        )


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        (Accompaniment(False), "理由"),
        (Accompaniment(True), "時刻"),
        (Accompaniment(True, at("07-12 13:00"), at("07-12 14:00")), "重なって"),
        (Accompaniment(True, at("07-12 11:00"), at("07-12 10:00")), "より後"),
        (Accompaniment(True, at("07-12 10:00"), at("07-12 11:00"), by="　"), "同行した人"),
    ],
)
def test_an_accompaniment_that_would_be_a_finding_is_refused(
    stage: Stage, said: Accompaniment, refusal: str
) -> None:
    dispatch = stage.attested(stage.reported())
    with pytest.raises(DomainError, match=refusal):
        approve_dispatch(dispatch=dispatch, accompaniment=said, actor=stage.chief)


def test_a_returned_dispatch_goes_one_step_back_with_its_reasons(stage: Stage) -> None:
    dispatch = stage.approved()
    with pytest.raises(DomainError, match="「報告済」"):
        return_dispatch(dispatch=dispatch, reasons=["不足"], actor=stage.chief)
    with pytest.raises(DomainError, match="差戻しの理由"):
        return_dispatch(dispatch=dispatch, reasons=[], actor=stage.operator)
    dispatch = return_dispatch(
        dispatch=dispatch,
        reasons=["領収書などの証拠書類が不足している"],
        comment="7/12の分",
        actor=stage.operator,
    )
    assert (dispatch.status, dispatch.approved_at) == (Status.REPORTED, None)
    dispatch = return_dispatch(dispatch=dispatch, reasons=["時刻"], actor=stage.chief)
    assert (dispatch.status, dispatch.reported_at) == (Status.VISITED, None)
    reasons = list(StatusChange.objects.filter(action="return").values_list("reason", flat=True))
    assert reasons == ["領収書などの証拠書類が不足している、7/12の分", "時刻"]


def test_a_refused_preflight_leaves_everything_as_it_was(stage: Stage) -> None:
    dispatch = stage.visited()

    def refuse(row: Dispatch) -> None:
        raise DomainError("支払われない行があります。")

    with pytest.raises(DomainError, match="支払われない"):
        submit_report(
            dispatch=dispatch,
            report=ReportData("助言"),
            lines=[],
            actor=stage.experts["E1"],
            preflight=refuse,
        )
    assert Dispatch.objects.get(pk=dispatch.pk).status == Status.VISITED


def test_buttons_say_what_may_be_done_now_and_when_the_others_may(stage: Stage) -> None:
    dispatch = stage.applied()
    actions = {action.code: action.why_not for action in allowed_actions(dispatch, stage.experts["E1"])}
    assert actions["accept"] == ""
    assert "支援終了" in actions["report"]
    assert "waive" not in actions
    assert "waive" in {action.code for action in allowed_actions(dispatch, stage.approver)}


def test_a_visit_cannot_be_reported_before_it_ended(stage: Stage) -> None:
    from dispatch.services import finish_visit

    dispatch = stage.confirmed()
    with pytest.raises(DomainError, match="先の時刻"):
        finish_visit(
            dispatch=dispatch,
            visited_from=at("07-12 10:00"),
            visited_to=at("07-12 12:00"),
            actor=stage.experts["E1"],
        )
    assert dispatch.planned_to - dispatch.planned_from == dt.timedelta(hours=2)
