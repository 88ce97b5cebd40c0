"""Whether an expert is registered on a day: at year ends, in applications, in searches; ending and restoring."""

import datetime as dt
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Role, User
from core.audit.acting import SYSTEM, acting
from core.audit.models import Change
from core.errors import DomainError, NotAllowed
from dispatch.applications import check_application
from dispatch.models import Dispatch, Status
from dispatch.obstacles import ObstacleKind, ObstaclesFound
from dispatch.services import (
    Accompaniment,
    ReportData,
    accept_dispatch,
    apply_for_dispatch,
    approve_dispatch,
    check_reschedule,
    confirm_dispatch,
    reschedule_dispatch,
    submit_report,
    verify_dispatch,
)
from experts import search
from experts.models import Expert
from experts.standing import active_on, end_registration, is_active_on, restore_registration

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "dispatch"))

import stage as stages
from stage import Stage, at

YEAR_END = dt.date(2022, 3, 31)


@pytest.fixture
def stage(db: None) -> Iterator[Stage]:
    """Institution, experts, clients and people on 2021-07-01, 09:00; the clock moves when told."""
    with time_machine.travel(stages.at("07-01 09:00"), tick=False) as traveller:
        yield stages.build(traveller)


def expert(code: str = "E1") -> Expert:
    return Expert.objects.get(code=code)


def ended(last_day: dt.date, stage: Stage, code: str = "E1", reason: str = "本人の申し出") -> Expert:
    return end_registration(expert=expert(code), last_day=last_day, reason=reason, actor=stage.approver)


@pytest.mark.parametrize(
    ("last_day", "day", "registered"),
    [
        (None, dt.date(2099, 1, 1), True),
        (YEAR_END, dt.date(2022, 3, 30), True),
        (YEAR_END, YEAR_END, True),
        (YEAR_END, dt.date(2022, 4, 1), False),
    ],
)
def test_the_last_day_still_counts(
    stage: Stage, last_day: dt.date | None, day: dt.date, registered: bool
) -> None:
    with acting(SYSTEM, "test"):
        Expert.objects.filter(code="E1").update(valid_until=last_day)
    assert is_active_on(expert(), day) is registered
    assert active_on(Expert.objects.filter(code="E1"), day).exists() is registered


def test_ending_keeps_the_reason_and_the_history_names_who_and_why(stage: Stage) -> None:
    person = ended(YEAR_END, stage, reason="転居のため\n")
    assert (person.valid_until, person.ended_reason) == (YEAR_END, "転居のため")
    change = Change.objects.filter(table="experts_expert", row_id=person.pk).latest("pk")
    assert (change.action, change.reason, change.actor_id) == (
        "end_registration",
        "転居のため",
        stage.approver.pk,
    )


def test_a_second_window_is_told_that_it_has_ended_already(stage: Stage) -> None:
    ended(YEAR_END, stage)
    with pytest.raises(DomainError, match="2022年3月31日 と決まっています"):
        ended(dt.date(2021, 12, 31), stage)
    assert expert().valid_until == YEAR_END


@pytest.mark.parametrize("reason", ["", "  \n", "あ" * 201])
def test_without_a_reason_or_with_too_long_a_one_nothing_ends(stage: Stage, reason: str) -> None:
    with pytest.raises(DomainError, match="理由"):
        ended(YEAR_END, stage, reason=reason)
    assert expert().valid_until is None


def test_a_day_of_another_century_is_a_slip(stage: Stage) -> None:
    with pytest.raises(DomainError, match="前後1年以内"):
        ended(dt.date(2202, 3, 31), stage)


def test_only_the_approver_ends_and_restores(stage: Stage) -> None:
    admin = User(username="kanri", role=Role.OFFICE_ADMIN)
    for person in (stage.operator, stage.chief, stage.experts["E1"], admin):
        with pytest.raises(NotAllowed, match="承認者"):
            end_registration(expert=expert(), last_day=YEAR_END, reason="理由", actor=person)
        with pytest.raises(NotAllowed, match="承認者"):
            restore_registration(expert=expert(), reason="理由", actor=person)
    assert expert().valid_until is None


def test_restored_the_registration_goes_on(stage: Stage) -> None:
    ended(YEAR_END, stage)
    person = restore_registration(expert=expert(), reason="本人から継続の申し出", actor=stage.approver)
    assert (person.valid_until, person.ended_reason) == (None, "")
    with pytest.raises(DomainError, match="登録は続いています"):
        restore_registration(expert=expert(), reason="もう一度", actor=stage.approver)


def test_an_application_for_a_day_after_the_end_says_rule_expected_actual_and_next(stage: Stage) -> None:
    ended(dt.date(2021, 7, 11), stage)
    with pytest.raises(ObstaclesFound) as refused:
        apply_for_dispatch(application=stage.application(), actor=stage.chief)
    [obstacle] = refused.value.obstacles
    assert obstacle.kind is ObstacleKind.BLOCK
    assert (obstacle.rule, obstacle.field) == ("専門家の登録", "expert")
    assert "2021年7月12日" in obstacle.expected
    assert "2021年7月11日" in obstacle.actual
    assert "終わります" in obstacle.actual
    assert "別の専門家" in obstacle.next_step


def test_on_the_last_day_itself_one_may_still_be_applied_for(stage: Stage) -> None:
    ended(dt.date(2021, 7, 12), stage)
    assert stage.applied().status == Status.APPLIED


def test_before_a_day_is_chosen_today_counts(stage: Stage) -> None:
    ended(dt.date(2021, 6, 30), stage)
    found = check_application(stage.application(planned_from=None, planned_to=None))
    assert [each.actual for each in found if each.rule == "専門家の登録"] == [
        "2021年6月30日 で登録が終わっています"
    ]


def test_a_dispatch_agreed_before_can_be_moved_only_to_a_day_of_the_registration(stage: Stage) -> None:
    number = stage.confirmed().number
    ended(dt.date(2021, 7, 20), stage)
    dispatch = Dispatch.objects.get(number=number)
    assert check_reschedule(dispatch, at("07-20 10:00"), at("07-20 12:00")) == []
    [late] = check_reschedule(dispatch, at("07-21 10:00"), at("07-21 12:00"))
    assert late.rule == "専門家の登録"


def test_what_was_agreed_before_goes_on_to_the_end_and_stays_payable(stage: Stage) -> None:
    waiting = stage.applied()
    ended(dt.date(2021, 7, 12), stage)
    accepted = accept_dispatch(dispatch=waiting, actor=stage.experts["E1"])
    confirm_dispatch(dispatch=accepted, actor=stage.operator)
    stage.travel(at("07-12 13:00"))
    stage.checked(waiting)
    # everything else comes after the last day
    stage.travel(at("07-14 09:00"))
    row = Dispatch.objects.get(pk=waiting.pk)
    row = submit_report(
        dispatch=row, report=ReportData("販路の助言をした。"), lines=(), actor=stage.experts["E1"]
    )
    row = stage.attested(row)
    row = approve_dispatch(
        dispatch=row,
        accompaniment=Accompaniment(True, row.visited_from, row.visited_to, by="試験 同行"),
        actor=stage.chief,
    )
    assert verify_dispatch(dispatch=row, actor=stage.operator).status == Status.VERIFIED


def test_a_search_among_the_registered_leaves_the_ended_out_and_says_who_ends_soon(stage: Stage) -> None:
    ended(dt.date(2021, 7, 20), stage)
    for day, found in ((dt.date(2021, 7, 20), {"E1", "E2", "E3"}), (dt.date(2021, 7, 21), {"E2", "E3"})):
        hits = search.search(active_on(Expert.objects.all(), day), search.Criteria()).hits
        assert {hit.expert.code for hit in hits} == found
    [hit] = search.search(Expert.objects.filter(code="E1"), search.Criteria()).hits
    assert "登録は2021年7月20日まで" in [reason.text for reason in hit.reasons]


def test_an_expert_who_ends_while_a_form_is_open_is_refused_when_it_is_sent(stage: Stage) -> None:
    application = stage.application()
    dispatch = stage.applied(stage.application(stage.case("C2"), "E2"))
    ended(dt.date(2021, 7, 11), stage)
    ended(dt.date(2021, 7, 15), stage, "E2")
    with pytest.raises(ObstaclesFound, match="専門家の登録"):
        apply_for_dispatch(application=application, actor=stage.chief)
    with pytest.raises(ObstaclesFound, match="専門家の登録"):
        reschedule_dispatch(
            dispatch=dispatch,
            planned_from=at("07-16 10:00"),
            planned_to=at("07-16 12:00"),
            reason="先方の都合",
            actor=stage.chief,
        )


def test_institutions_find_the_registered_alone_in_as_many_queries_and_see_the_end_of_an_own_dispatch(
    stage: Stage, settings: Any
) -> None:
    settings.MFA_REQUIRED = False
    number = stage.applied().number
    client = Client()
    client.force_login(stage.chief, backend="allauth.account.auth_backends.AuthenticationBackend")
    client.get("/portal/experts/")
    with CaptureQueriesContext(connection) as before:
        assert "吉田 太郎" in client.get("/portal/experts/").content.decode()
    ended(dt.date(2021, 7, 5), stage)
    with CaptureQueriesContext(connection) as after:
        assert "吉田 太郎" in client.get("/portal/experts/").content.decode()
        later = client.get("/portal/experts/?day=2021-07-06").content.decode()
    assert "吉田 太郎" not in later
    assert "別田 花子" in later
    assert len(after) == 2 * len(before)
    assert "登録 2021/07/05（月） まで" in client.get(f"/portal/dispatches/{number}/").content.decode()
    stage.travel(at("07-06 09:00"))
    client.force_login(stage.chief, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert "吉田 太郎" not in client.get("/portal/experts/").content.decode()
