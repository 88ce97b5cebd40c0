"""The administrators' screens: people, policy, records, alarms; and what they confirm before."""

import datetime as dt
from typing import Any

import pytest
import time_machine
from authenticator import code_now
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils.html import escape
from door import PASSWORD, enrol, is_signed_in, make_person, sign_in

from accounts.models import BOUNDS, Alarm, Role, SignInEvent, SignInPolicy, User
from accounts.services import set_emergency
from accounts.sign_in_policy import change_policy, current_policy
from accounts.tasks import queue_sign_in_mails
from core.audit.acting import SYSTEM
from core.audit.models import Change
from core.errors import DomainError
from core.notify.models import Mail

pytestmark = pytest.mark.django_db
POLICY = {name: bound.default for name, bound in BOUNDS.items()}


@pytest.fixture
def admin(client: Client) -> User:
    """A signed-in administrator."""
    user = make_person("kanri", Role.OFFICE_ADMIN, "kanri@example.jp")
    sign_in(client, "kanri")
    return user


PAGES = [
    "/office/administration/",
    "/office/people/",
    "/office/people/?q=kanri&role=office_admin&state=active&sort=-last",
    "/office/people/?state=no_factor",
    "/office/people/new/",
    "/office/sign-ins/",
    "/office/sign-ins/?q=kanri&kind=signed_in&from=2020-01-01&until=2199-12-31&address=127.0.0.1",
    "/office/sign-ins/?from=x&until=0000-99-99&address=nowhere",
    "/office/sign-in-policy/",
    "/office/sign-in-policy/change/",
    "/office/sign-in-policy/networks/",
]


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize("path", PAGES)
def test_an_administrator_sees_the_page(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("role", [role for role in Role if role != Role.OFFICE_ADMIN])
def test_nobody_else_does(client: Client, role: str) -> None:
    user = make_person(role=role)
    sign_in(client)
    for path in (*PAGES, f"/office/people/{user.pk}/", f"/office/people/{user.pk}/role/"):
        assert client.get(path).status_code == 403, path


def test_the_front_door_leads_an_administrator_to_the_administrators_home(
    client: Client, admin: User
) -> None:
    assert client.get("/").headers["Location"] == "/office/administration/"


@pytest.mark.usefixtures("admin")
def test_R_012_a_new_account_gets_a_link_and_no_password(
    client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    new = {
        "username": "sato",
        "display_name": "佐藤 花",
        "email": "sato@example.jp",
        "role": Role.OFFICE_APPROVER,
    }
    page = client.post("/office/people/new/", new).content.decode()
    user = User.objects.get(username="sato")
    assert not user.has_usable_password()
    assert "http://127.0.0.1:8000/set-password/" in page
    queue_sign_in_mails("sign_in_invitation", [user.pk])
    assert Mail.objects.get(to="sato@example.jp").subject.endswith("ご利用の準備")
    change = Change.objects.get(table="accounts_user", row_id=user.pk, operation="I")
    assert change.actor_name == "kanri"


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"role": "boss"}, "正しく選択してください"),
        ({"role": Role.EXPERT}, "この役割では入力してください"),
        ({"expert": "E1"}, "この役割では入力しないでください"),
        ({"role": Role.INSTITUTION_STAFF, "institution": "K9"}, "機関コード「K9」は登録されていません"),
        ({"username": "KANRI"}, "既に登録されています"),
        ({"username": "a b"}, "ユーザー名"),
    ],
)
def test_a_bad_account_is_refused_with_the_reason(
    client: Client, given: dict[str, str], message: str
) -> None:
    base = {"username": "sato", "display_name": "佐藤", "role": Role.OFFICE_OPERATOR}
    answer = client.post("/office/people/new/", {**base, **given})
    assert message in answer.content.decode()
    assert User.objects.count() == 1


def test_R_002_a_role_is_changed_on_the_screen_and_bites_at_the_next_request(
    client: Client, admin: User
) -> None:
    user = make_person()
    browser = Client()
    sign_in(browser)
    answer = client.post(f"/office/people/{user.pk}/role/", {"role": Role.EXPERT, "reason": "登録の誤り"})
    assert answer.status_code == 302
    assert not is_signed_in(browser)
    change = Change.objects.get(table="accounts_user", row_id=user.pk, action="change_role")
    assert (change.old["role"], change.new["role"]) == (Role.OFFICE_OPERATOR, Role.EXPERT)
    assert (change.actor_id, change.reason) == (admin.pk, "登録の誤り")
    assert "役割の変更" in client.get(f"/office/people/{user.pk}/").content.decode()


@pytest.mark.parametrize("act", ["role", "stop", "limits", "remove-factor"])
def test_nobody_changes_the_own_rights(client: Client, admin: User, act: str) -> None:
    given = {"role": Role.EXPERT, "reason": "x"}
    assert "自分自身" in client.post(f"/office/people/{admin.pk}/{act}/", given).content.decode()
    admin.refresh_from_db()
    assert (admin.role, admin.is_active) == (Role.OFFICE_ADMIN, True)


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize("act", ["stop", "unlock", "end-sessions", "link", "emergency", "contact", "limits"])
def test_every_act_asks_first_and_then_does_it(client: Client, act: str) -> None:
    user = make_person()
    path = f"/office/people/{user.pk}/{act}/"
    before = SignInEvent.objects.count(), Change.objects.count()
    assert client.get(path).status_code == 200
    assert (SignInEvent.objects.count(), Change.objects.count()) == before
    given = {
        "reason": "x",
        "display_name": "田中",
        "email": "",
        "weekdays": ["1", "2"],
        "start": "09:00",
        "end": "18:00",
    }
    assert client.post(path, given).status_code == (200 if act == "link" else 302)
    assert (SignInEvent.objects.count(), Change.objects.count()) != before
    assert client.get(f"/office/people/{user.pk}/").status_code == 200


@pytest.mark.usefixtures("admin")
def test_an_unknown_act_or_person_is_not_found(client: Client) -> None:
    assert client.get("/office/people/999999/").status_code == 404
    assert client.get("/office/people/999999/stop/").status_code == 404
    assert client.get(f"/office/people/{make_person().pk}/promote/").status_code == 404


@pytest.mark.parametrize("name", BOUNDS)
def test_R_003_below_the_bound_is_refused_at_the_bound_accepted_and_recorded(
    client: Client, admin: User, name: str
) -> None:
    bound = BOUNDS[name]
    for value in (bound.least - 1, bound.greatest + 1):
        answer = client.post("/office/sign-in-policy/change/", {**POLICY, name: value})
        assert answer.status_code == 200
        with pytest.raises(DomainError, match="の間で指定してください"):
            change_policy(actor=SYSTEM, values={name: value})
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            columns = ", ".join(POLICY)
            values = ", ".join(str({**POLICY, name: value}[one]) for one in POLICY)
            cursor.execute(f"INSERT INTO accounts_signinpolicy (id, {columns}) VALUES (1, {values})")
    for value in (bound.least, bound.greatest):
        assert client.post("/office/sign-in-policy/change/", {**POLICY, name: value}).status_code == 302
        assert getattr(current_policy(), name) == value
        sign_in(client, "kanri")
    changes = Change.objects.filter(table="accounts_signinpolicy").order_by("pk")
    assert changes.last().new[name] == bound.greatest  # type: ignore[union-attr]
    assert {change.actor_id for change in changes} == {admin.pk}
    assert (
        str(SignInPolicy._meta.get_field(name).verbose_name)
        in client.get("/office/sign-in-policy/").content.decode()
    )


@pytest.mark.parametrize(
    ("values", "password", "fits"),
    [
        ({"password_min_length": 16}, "abcdefgh-ijklm1", False),
        ({"password_min_length": 16}, "abcdefgh-ijklmn1", True),
        ({"password_classes": 4}, "abcdefgh-ijklmn1", False),
        ({"password_classes": 4}, "Abcdefgh-ijklmn1", True),
        ({}, "123456789012345", False),
        ({}, "passwordpassword", False),
        ({}, "tanaka-tanaka-1", False),
    ],
)
def test_R_003_passwords_obey_the_policy(
    client: Client, values: dict[str, int], password: str, fits: bool
) -> None:
    make_person("tanaka-tanaka")
    change_policy(actor=SYSTEM, values=values)
    sign_in(client, "tanaka-tanaka")
    given = {"old_password": PASSWORD, "new_password1": password, "new_password2": password}
    assert (client.post("/password/", given).status_code == 302) is fits


def test_R_003_the_last_passwords_are_not_used_again(client: Client) -> None:
    make_person()
    change_policy(actor=SYSTEM, values={"password_reuse": 2})
    sign_in(client)

    def change(old: str, new: str) -> bool:
        given = {"old_password": old, "new_password1": new, "new_password2": new}
        return client.post("/password/", given).status_code == 302

    first, second, third = PASSWORD, "ni-banme-no-kotoba-2", "san-banme-no-kotoba-3"
    assert not change(first, first)
    assert change(first, second)
    assert not change(second, first)
    assert change(second, third)
    assert change(third, first)


def test_R_003_an_old_password_must_be_changed_before_anything_else(client: Client) -> None:
    make_person()
    change_policy(actor=SYSTEM, values={"password_max_age_days": 30})
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=31)):
        sign_in(client)
        assert client.get("/office/").headers["Location"] == "/password/?why=age"
        assert "有効期限が過ぎています" in client.get("/password/?why=age").content.decode()
        new = "atarashii-kotoba-31"
        client.post("/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
        assert client.get("/office/").status_code == 200


def test_changing_the_password_guesses_the_old_one_no_more_often_than_signing_in(client: Client) -> None:
    make_person()
    sign_in(client)
    given = {"old_password": "x", "new_password1": "aaaa-bbbb-cccc-1", "new_password2": "aaaa-bbbb-cccc-1"}
    assert [client.post("/password/", given).status_code for _ in range(5)] == [200, 200, 200, 200, 429]


# -- confirming before dangerous acts


def stale(client: Client) -> None:
    session = client.session
    session["confirmed_at"] -= 3600
    session.save()


def test_R_010_a_stale_session_confirms_first_and_keeps_what_was_typed(client: Client, admin: User) -> None:
    user = make_person()
    path = f"/office/people/{user.pk}/role/"
    stale(client)
    asked = client.get(path)
    assert asked.headers["Location"] == f"/sign-in/confirm/?next={path.replace('/', '%2F')}"
    typed = {"role": Role.EXPERT, "reason": '名前に <b>&"改行\r\nあり'}
    to_confirm = client.post(path, typed)
    assert to_confirm.status_code == 302
    assert "名前に" not in str(client.session.items())
    wrong = client.post("/sign-in/confirm/", {"password": "wrong", "next": path})
    assert "パスワードが正しくありません" in wrong.content.decode()
    user.refresh_from_db()
    assert user.role == Role.OFFICE_OPERATOR
    page = client.post("/sign-in/confirm/", {"password": PASSWORD, "next": path}).content.decode()
    assert f'name="reason" value="{escape(typed["reason"])}"' in page
    assert f'action="{path}"' in page
    client.post(path, typed)
    user.refresh_from_db()
    assert user.role == Role.EXPERT


def test_R_010_who_has_an_app_confirms_with_a_code(client: Client) -> None:
    admin = make_person("kanri", Role.OFFICE_ADMIN)
    enrol(admin)
    sign_in(client, "kanri")
    client.post("/sign-in/code/", {"code": code_now()})
    stale(client)
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60)):
        page = client.get("/sign-in/confirm/?next=/office/people/new/").content.decode()
        assert "確認コード" in page
        assert client.post("/sign-in/confirm/", {"password": PASSWORD, "next": "/"}).status_code == 200
        answer = client.post("/sign-in/confirm/", {"code": code_now(), "next": "/office/people/new/"})
    assert answer.headers["Location"] == "/office/people/new/"


def test_guessing_at_an_open_session_ends_it(client: Client, admin: User) -> None:
    stale(client)
    answers = [client.post("/sign-in/confirm/", {"password": "x", "next": "/"}).status_code for _ in range(5)]
    assert answers == [200, 200, 200, 200, 429]
    assert not is_signed_in(client)


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize("target", ["//evil.test/", "https://evil.test", "/\\evil.test"])
def test_confirming_never_leads_out_of_the_house(client: Client, target: str) -> None:
    assert client.post("/sign-in/confirm/", {"password": PASSWORD, "next": target}).headers["Location"] == "/"


def test_R_010_the_dangerous_acts_are_marked() -> None:
    from office.views import bank_accounts, payouts, people, runs, sign_in_policy

    for view in (
        bank_accounts.bank_account,
        runs.run_approve,
        runs.run_export,
        payouts.run_file,
        payouts.run_archive,
        people.person_new,
        people.person_act,
        sign_in_policy.sign_in_policy_change,
        sign_in_policy.sign_in_networks_change,
    ):
        assert view.needs_reauthentication  # type: ignore[attr-defined]


# -- the emergency account


def test_R_010_the_emergency_account_raises_an_alarm_and_a_mail(
    client: Client, admin: User, django_capture_on_commit_callbacks: Any
) -> None:
    user = make_person("kinkyu", Role.OFFICE_ADMIN)
    set_emergency(user=user, actor=admin, is_emergency=True)
    sign_in(Client(), "kinkyu", REMOTE_ADDR="192.0.2.66")
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.user, alarm.address) == ("emergency_sign_in", user, "192.0.2.66")
    page = client.get("/office/administration/").content.decode()
    assert "緊急用の利用者「kinkyu」がログインしました" in page
    queue_sign_in_mails("sign_in_alarm", [admin.pk])
    assert Mail.objects.get(to="kanri@example.jp").subject.endswith("警報があります")
    client.post(f"/office/administration/alarms/{alarm.pk}/seen/", {"note": "訓練"})
    alarm.refresh_from_db()
    assert (alarm.seen_by, alarm.note) == (admin, "訓練")
    assert "kinkyu" not in client.get("/office/administration/").content.decode().split("ロック中")[0]
    assert client.post(f"/office/administration/alarms/{alarm.pk}/seen/").status_code == 404


def test_an_ordinary_sign_in_raises_none(client: Client, admin: User) -> None:
    assert not Alarm.objects.exists()


def test_the_record_of_sign_ins_cannot_be_changed_or_emptied(admin: User) -> None:
    from django.db import ProgrammingError

    for statement in (
        "UPDATE accounts_signinevent SET detail = 'x'",
        "DELETE FROM accounts_signinevent",
        "TRUNCATE accounts_signinevent",
        "UPDATE accounts_passwordrecord SET password = ''",
        "DELETE FROM accounts_alarm",
    ):
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
