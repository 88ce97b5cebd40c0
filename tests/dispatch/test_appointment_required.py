"""Terms may ask that only appointed experts are applied for: by default they don't (core.programme.DispatchTerms)."""

import datetime as dt

import pytest
from stage import Stage, at

from accounts.models import Role, User
from accounts.services import create_user
from core import clock
from core.audit.acting import SYSTEM, acting
from core.programme.services import save_dispatch_terms
from dispatch.services import Obstacle, ObstaclesFound, apply_for_dispatch, check_application
from experts.appointment.models import Appointment
from experts.appointment.services import accept_letter, answer_conditions, issue_one, offer_appointment
from experts.models import Expert

RULE = "専門家の委嘱"


@pytest.fixture
def operator(stage: Stage) -> User:
    return create_user(username="itaku", role=Role.OFFICE_OPERATOR, actor=SYSTEM)


def require() -> None:
    save_dispatch_terms(
        name="承諾が必要",
        first_day=clock.today(),
        end_day=None,
        values={"appointment_required": True},
        actor=SYSTEM,
    )


def obstacle(stage: Stage) -> Obstacle | None:
    return next((each for each in check_application(stage.application()) if each.rule == RULE), None)


def accepted(stage: Stage, operator: User) -> Appointment:
    expert = Expert.objects.get(code="E1")
    if expert.user is None:
        with acting(SYSTEM, "test"):
            expert.user = create_user(username="e1", role=Role.EXPERT, actor=SYSTEM)
            expert.save(update_fields=["user"])
    offered = offer_appointment(expert=expert, actor=operator)
    assert offered is not None
    answer_conditions(appointment=offered, agrees=True, text_version="2021-1", version=1, actor=expert.user)
    issue_one(
        appointment=offered, issued_on=clock.today(), issuer_name="試験", issuer_title="局長", actor=operator
    )
    accept_letter(appointment=offered, actor=expert.user)
    return offered


def test_nobody_is_asked_for_an_appointment_unless_the_terms_say_so(stage: Stage) -> None:
    assert obstacle(stage) is None


def test_an_expert_without_an_appointment_cannot_be_applied_for(stage: Stage) -> None:
    require()
    found = obstacle(stage)
    assert found is not None
    assert (found.kind, found.field, found.actual) == ("block", "expert", "委嘱の案内がまだありません")
    with pytest.raises(ObstaclesFound, match="2021年度の委嘱"):
        apply_for_dispatch(application=stage.application(), actor=stage.chief)


def test_one_who_has_not_accepted_is_named_with_where_it_stands(stage: Stage, operator: User) -> None:
    require()
    offer_appointment(expert=Expert.objects.get(code="E1"), actor=operator)
    found = obstacle(stage)
    assert found is not None
    assert "回答待ち" in found.actual


def test_an_accepted_appointment_lets_the_application_through(stage: Stage, operator: User) -> None:
    require()
    accepted(stage, operator)
    assert obstacle(stage) is None


def test_an_appointment_that_begins_later_names_its_day(stage: Stage, operator: User) -> None:
    require()
    row = accepted(stage, operator)
    with acting(SYSTEM, "test"):
        Appointment.objects.filter(pk=row.pk).update(
            first_day=at("07-12 10:00").date() + dt.timedelta(days=20)
        )
    found = obstacle(stage)
    assert found is not None
    assert "2021年8月1日" in found.next_step
