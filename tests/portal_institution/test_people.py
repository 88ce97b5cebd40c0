"""A chief manages the people of the own institution, and nobody else's."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from stage import Stage

from accounts.models import Role, SignInEvent, User
from core.audit.acting import SYSTEM, acting
from core.errors import DomainError, NotAllowed
from institutions import services
from institutions.models import Institution, Member

NEW = {
    "display_name": "新人 一郎",
    "username": "shinjin",
    "email": "shinjin@example.jp",
    "role": Role.INSTITUTION_STAFF.value,
}


@pytest.fixture
def staff(stage: Stage) -> User:
    """Somebody of K1 who isn't its chief."""
    return _person("k1-staff", "K1")


def _person(name: str, institution: str, role: str = Role.INSTITUTION_STAFF) -> User:
    with acting(SYSTEM, "story"):
        user = User.objects.create(
            username=name, role=role, email=f"{name}@example.jp", last_name=f"{name}さん"
        )
        Member.objects.create(user=user, institution=Institution.objects.get(code=institution))
    return user


def page(browser: Client, path: str, **asked: Any) -> str:
    answer = browser.get(path, asked)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_chief_adds_a_person_whose_link_goes_by_mail_alone(stage: Stage, chief: Client) -> None:
    answer = chief.post("/portal/people/new/", NEW, follow=True)
    made = User.objects.get(username="shinjin")
    assert made.role == Role.INSTITUTION_STAFF
    assert not made.is_staff
    assert not made.has_usable_password()
    assert made.institution_member.institution.code == "K1"  # type: ignore[attr-defined]
    assert [event.kind for event in made.sign_in_events.all()] == [SignInEvent.Kind.LINK_MADE]
    assert "shinjin@example.jp へ送りました" in answer.content.decode()
    assert "/set-password/" not in answer.content.decode()


@pytest.mark.parametrize(
    "changed",
    [
        {"role": Role.OFFICE_ADMIN.value},
        {"role": Role.OFFICE_OPERATOR.value},
        {"role": Role.EXPERT.value},
        {"email": ""},
        {"username": "other-chief"},
        {"username": "空 白"},
        {"display_name": ""},
    ],
)
def test_a_refused_person_is_not_made_and_what_was_typed_stays(
    stage: Stage, chief: Client, changed: dict[str, str]
) -> None:
    before = User.objects.count()
    answer = chief.post("/portal/people/new/", {**NEW, **changed, "institution": "K2", "is_staff": "on"})
    assert answer.status_code == 200
    assert "error-summary" in answer.content.decode()
    assert User.objects.count() == before


def test_the_service_itself_refuses_other_roles(stage: Stage, staff: User) -> None:
    for role in (Role.OFFICE_ADMIN, Role.OFFICE_APPROVER, Role.EXPERT, Role.AGENCY_VIEWER):
        with pytest.raises(DomainError):
            services.add_member(**{**NEW, "role": role}, actor=stage.chief)
        with pytest.raises(DomainError):
            services.change_member_role(user=staff, role=role, actor=stage.chief, reason="x")
    assert not User.objects.filter(username="shinjin").exists()


ACTS = ("contact", "role", "stop", "resume", "link", "remove-factor")
FORM = {
    "display_name": "別名",
    "email": "x@example.jp",
    "role": Role.INSTITUTION_CHIEF.value,
    "reason": "試験",
}


def test_people_of_others_are_not_there(stage: Stage, chief: Client, staff: User) -> None:
    foreign = [_person("k2-staff", "K2"), stage.other_chief, stage.operator, stage.experts["E1"]]
    with acting(SYSTEM, "story"):
        # of the institution by its record, but of the office by the role
        moved = _person("moved", "K1", Role.OFFICE_ADMIN)
    for user in (*foreign, moved):
        assert chief.get(f"/portal/people/{user.pk}/").status_code == 404
        for act in ACTS:
            assert chief.get(f"/portal/people/{user.pk}/{act}/").status_code == 404
            assert chief.post(f"/portal/people/{user.pk}/{act}/", FORM).status_code == 404
        for service, given in (
            (services.stop_member, {"reason": "x"}),
            (services.change_member, {"display_name": "x", "email": "x@example.jp"}),
            (services.change_member_role, {"role": Role.INSTITUTION_STAFF, "reason": "x"}),
            (services.invite_member, {}),
            (services.remove_member_factor, {"reason": "x"}),
        ):
            with pytest.raises(Member.DoesNotExist):
                service(user=user, actor=stage.chief, **given)
    shown = page(chief, "/portal/people/")
    assert "k1-staff" in shown
    assert "k2-staff" not in shown
    assert "moved" not in shown


def test_staff_and_others_manage_nobody(stage: Stage, staff: User) -> None:
    for user in (staff, stage.operator, stage.experts["E1"]):
        browser = Client()
        browser.force_login(user)
        for path in ("", "new/", f"{staff.pk}/", f"{staff.pk}/stop/"):
            assert browser.get(f"/portal/people/{path}").status_code == 403
        with pytest.raises(NotAllowed):
            services.stop_member(user=staff, actor=user, reason="x")


def test_stopping_and_resuming(stage: Stage, chief: Client, staff: User) -> None:
    path = f"/portal/people/{staff.pk}/"
    assert "必須" in chief.post(f"{path}stop/", {"reason": ""}).content.decode()
    assert chief.post(f"{path}stop/", {"reason": "退職"}).status_code == 302
    staff.refresh_from_db()
    assert not staff.is_active
    shown = page(chief, path)
    assert "停止中" in shown
    assert "退職" in shown
    assert chief.post(f"{path}resume/", {"reason": "復職"}).status_code == 302
    staff.refresh_from_db()
    assert staff.is_active


def test_a_chief_cannot_stop_or_demote_themselves(stage: Stage, chief: Client) -> None:
    path = f"/portal/people/{stage.chief.pk}/"
    shown = chief.post(f"{path}stop/", {"reason": "退職"}).content.decode()
    assert "自分自身は停止できません" in shown
    assert "自分自身" in chief.post(f"{path}role/", {**FORM, "role": NEW["role"]}).content.decode()
    assert "自分自身" in chief.post(f"{path}remove-factor/", FORM).content.decode()
    stage.chief.refresh_from_db()
    assert stage.chief.is_active
    assert stage.chief.role == Role.INSTITUTION_CHIEF


def test_a_chief_who_was_stopped_a_moment_ago_stops_nobody(stage: Stage, staff: User) -> None:
    second = _person("second-chief", "K1", Role.INSTITUTION_CHIEF)
    services.stop_member(user=stage.chief, actor=second, reason="交代")
    # the object still says what was true before
    assert stage.chief.is_active
    with pytest.raises(NotAllowed):
        services.stop_member(user=second, actor=stage.chief, reason="交代")
    second.refresh_from_db()
    assert second.is_active


def test_role_contact_link_and_second_factor(stage: Stage, chief: Client, staff: User) -> None:
    path = f"/portal/people/{staff.pk}/"
    assert chief.post(f"{path}contact/", FORM).status_code == 302
    assert chief.post(f"{path}role/", FORM).status_code == 302
    staff.refresh_from_db()
    assert (staff.get_full_name(), staff.email, staff.role) == (
        "別名",
        "x@example.jp",
        Role.INSTITUTION_CHIEF,
    )
    Authenticator.objects.create(user=staff, type=Authenticator.Type.TOTP, data={})
    assert "二段階認証を解除" in page(chief, path)
    assert chief.post(f"{path}remove-factor/", FORM).status_code == 302
    assert not Authenticator.objects.filter(user=staff).exists()
    assert chief.post(f"{path}link/").status_code == 302
    kinds = {event.kind for event in staff.sign_in_events.all()}
    assert {SignInEvent.Kind.FACTOR_REMOVED, SignInEvent.Kind.LINK_MADE} <= kinds


def test_acts_ask_who_one_is_when_that_was_long_ago(stage: Stage, chief: Client, staff: User) -> None:
    session = chief.session
    session["confirmed_at"] -= 3600
    session.save()
    answer = chief.post(f"/portal/people/{staff.pk}/stop/", {"reason": "退職"})
    assert answer.status_code == 302
    assert "/sign-in/confirm/" in answer["Location"]
    staff.refresh_from_db()
    assert staff.is_active


def test_the_list_asks_the_same_number_of_queries_for_one_and_for_many(
    stage: Stage, chief: Client, staff: User
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            page(chief, "/portal/people/")
        return len(asked)

    queries()
    few = queries()
    for number in range(8):
        _person(f"more-{number}", "K1")
    assert queries() == few
    assert few <= 10
