"""Reminders: every step has one, the office is told of what stays late, and both end when the step is taken."""

import datetime as dt

import pytest
from stage import Stage, at

from core.audit.acting import SYSTEM
from core.errors import DomainError, NotAllowed
from core.notify.models import Task
from core.notify.services import waiting_for
from core.programme.services import save_dispatch_terms
from dispatch.models import Inquiry, Reminder, Status
from dispatch.services import (
    accept_answer,
    accept_dispatch,
    answer_inquiry,
    ask_back,
    attest,
    close_inquiry,
    issue_attestation_link,
    remind_overdue,
    submit_report,
)
from dispatch.services.reminding import deadlines
from dispatch.services.reporting import ReportData


def office_hears(stage: Stage) -> list[str]:
    return sorted(task.code for task in waiting_for(stage.operator) if task.code.startswith("dispatch_esc"))


def test_an_answer_that_does_not_come_reaches_the_office_once_and_goes_when_it_comes(stage: Stage) -> None:
    dispatch = stage.applied()
    stage.travel(at("07-05 09:00"))
    assert remind_overdue() == 1
    (late,) = deadlines(dispatch)
    assert (late.due.step, late.is_late, late.reminded_at is not None) == ("answer", True, True)
    assert (late.escalates_on, late.escalated_at) == (dt.date(2021, 7, 11), None)
    stage.travel(at("07-11 23:00"))
    assert (remind_overdue(), office_hears(stage)) == (0, [])
    stage.travel(at("07-12 09:00"))
    assert (remind_overdue(), remind_overdue()) == (1, 0)
    assert office_hears(stage) == ["dispatch_escalated_answer"]
    assert deadlines(dispatch)[0].escalated_at is not None
    accept_dispatch(dispatch=dispatch, actor=stage.experts["E1"])
    assert office_hears(stage) == []
    assert not Task.objects.open().filter(code__startswith="dispatch_late").exists()


def test_report_attestation_and_approval_are_each_reminded_of_and_escalated(stage: Stage) -> None:
    dispatch = stage.visited()
    stage.travel(at("07-28 09:00"))
    remind_overdue()
    assert remind_overdue() == 2
    assert office_hears(stage) == ["dispatch_escalated_attestation", "dispatch_escalated_report"]
    dispatch = submit_report(
        dispatch=dispatch, report=ReportData("助言した。"), lines=(), actor=stage.experts["E1"]
    )
    assert office_hears(stage) == ["dispatch_escalated_attestation"]
    link = issue_attestation_link(dispatch=dispatch, channel="qr", actor=stage.operator)
    attest(token=link.token, confirmed=True, name="試験 社長")
    assert office_hears(stage) == []
    dispatch.refresh_from_db()
    assert dispatch.status == Status.REPORTED
    stage.travel(at("08-05 09:00"))
    assert remind_overdue() == 1
    stage.travel(at("08-12 09:00"))
    assert remind_overdue() == 1
    assert office_hears(stage) == ["dispatch_escalated_approval"]


def test_dated_data_says_whether_the_office_is_told(stage: Stage) -> None:
    save_dispatch_terms(
        name="知らせない",
        first_day=dt.date(2021, 7, 1),
        end_day=None,
        values={"escalation_days": 0},
        actor=SYSTEM,
    )
    stage.applied()
    stage.travel(at("07-30 09:00"))
    assert (remind_overdue(), remind_overdue()) == (1, 0)
    assert set(Reminder.objects.values_list("step", flat=True)) == {"answer"}


def test_a_change_of_the_application_does_not_put_the_reminder_off(stage: Stage) -> None:
    dispatch = stage.applied()
    stage.travel(at("07-05 08:59"))
    dispatch.save(update_fields=["updated_at"])
    stage.travel(at("07-05 09:00"))
    assert remind_overdue() == 1


def test_the_answer_of_one_side_leaves_the_other_sides_task(stage: Stage) -> None:
    dispatch = stage.confirmed()
    ours = ask_back(dispatch=dispatch, asked_of="institution", question="場所は？", actor=stage.operator)
    ask_back(dispatch=dispatch, asked_of="expert", question="経路は？", actor=stage.operator)
    answer_inquiry(inquiry=ours, answer="本社です。", actor=stage.chief)
    assert not [task for task in waiting_for(stage.chief) if task.code == "dispatch_inquiry"]
    assert [task for task in waiting_for(stage.experts["E1"]) if task.code == "dispatch_inquiry"]


def test_the_office_closes_an_inquiry_that_was_answered_by_telephone(stage: Stage) -> None:
    dispatch = stage.confirmed()
    inquiry = ask_back(dispatch=dispatch, asked_of="expert", question="経路は？", actor=stage.operator)
    stage.travel(at("07-20 09:00"))
    assert remind_overdue() == 1
    with pytest.raises(DomainError, match="理由"):
        close_inquiry(inquiry=inquiry, outcome=" ", actor=stage.operator)
    with pytest.raises(NotAllowed):
        close_inquiry(inquiry=inquiry, outcome="電話", actor=stage.experts["E1"])
    close_inquiry(inquiry=inquiry, outcome="電話で確認: 徒歩", actor=stage.operator)
    inquiry.refresh_from_db()
    assert (inquiry.answer, inquiry.answered_by) == ("電話で確認: 徒歩", stage.operator)
    waiting = {task.code for task in waiting_for(stage.experts["E1"])}
    assert not waiting & {"dispatch_inquiry", "dispatch_late_inquiry_expert"}
    with pytest.raises(DomainError, match="済んでいます"):
        close_inquiry(inquiry=inquiry, outcome="もう一度", actor=stage.operator)


def test_an_answer_waits_until_the_office_has_read_it(stage: Stage) -> None:
    dispatch = stage.confirmed()
    inquiry = ask_back(dispatch=dispatch, asked_of="expert", question="経路は？", actor=stage.operator)
    with pytest.raises(DomainError, match="まだ回答"):
        accept_answer(inquiry=inquiry, actor=stage.operator)
    answer_inquiry(inquiry=inquiry, answer="徒歩です。", actor=stage.experts["E1"])
    assert [task for task in waiting_for(stage.operator) if task.code == "dispatch_inquiry_answered"]
    accept_answer(inquiry=Inquiry.objects.get(), actor=stage.operator)
    assert not [task for task in waiting_for(stage.operator) if task.code == "dispatch_inquiry_answered"]
