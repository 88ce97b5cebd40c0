"""Accounts: one role each, made on purpose, refused with a reason."""

import io

import pytest
from django.core.management import call_command
from django.test import Client
from door import PASSWORD, is_signed_in, sign_in

from accounts.models import Role, User
from accounts.rights import may, require
from accounts.services import create_user, one_time_link
from core.audit.acting import SYSTEM
from core.audit.models import Change
from core.errors import DomainError, NotAllowed

pytestmark = pytest.mark.django_db


def add_user(*arguments: str, stdin: str = "") -> str:
    out = io.StringIO()
    import sys
    from unittest.mock import patch

    with patch.object(sys, "stdin", io.StringIO(stdin)):
        call_command("add_user", *arguments, stdout=out)
    return out.getvalue()


def test_add_user_with_a_password_can_sign_in(client: Client) -> None:
    add_user("tanaka", "--role", "office_operator", "--password-stdin", stdin=PASSWORD + "\n")
    assert sign_in(client, "tanaka").headers["Location"] == "/"
    assert is_signed_in(client)
    assert User.objects.get().is_office


def test_add_user_without_a_password_prints_a_link_that_works_once(client: Client) -> None:
    printed = add_user("sato", "--role", "office_approver")
    link = printed.rsplit(" ", 1)[1].strip()
    form_page = client.get(link, follow=True)
    path = form_page.redirect_chain[-1][0]
    answer = client.post(path, {"new_password1": PASSWORD, "new_password2": PASSWORD})
    assert answer.status_code == 302
    assert sign_in(client, "sato").headers["Location"] == "/"
    assert is_signed_in(client)
    assert "新しいパスワード" not in Client().get(link, follow=True).content.decode()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "--role", "boss"], "役割「boss」はありません"),
        (["a", "--role", "institution_chief"], "--institution"),
        (["a", "--role", "office_admin", "--institution", "K1"], "--institution"),
        (["a", "--role", "expert"], "--expert"),
        (["a", "--role", "expert", "--expert", "E9"], "専門家コード「E9」は登録されていません"),
        (["a", "--role", "institution_staff", "--institution", "K9"], "機関コード「K9」は登録されていません"),
        (["あ い", "--role", "office_admin"], "ユーザー名"),
    ],
)
def test_add_user_refuses_with_the_reason_and_changes_nothing(arguments: list[str], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        add_user(*arguments)
    assert not User.objects.exists()


def test_a_weak_password_is_refused() -> None:
    with pytest.raises(DomainError, match="短すぎます"):
        create_user(username="a", role=Role.OFFICE_ADMIN, actor=SYSTEM, password="short")


def test_a_name_is_taken_once() -> None:
    create_user(username="a", role=Role.OFFICE_ADMIN, actor=SYSTEM)
    with pytest.raises(DomainError, match="既に登録されています"):
        create_user(username="a", role=Role.EXPERT, actor=SYSTEM)


def test_the_history_never_holds_a_password() -> None:
    create_user(username="a", role=Role.OFFICE_ADMIN, actor=SYSTEM, password=PASSWORD)
    (change,) = Change.objects.filter(table="accounts_user")
    assert "password" not in change.new
    assert change.new["username"] == "a"


@pytest.mark.parametrize("act", ["make_run", "approve_run", "load_data", "see_business"])
def test_an_administrator_does_no_business(act: str) -> None:
    admin = create_user(username="a", role=Role.OFFICE_ADMIN, actor=SYSTEM)
    assert not may(admin, act).allowed
    with pytest.raises(NotAllowed, match="事務局"):
        require(admin, act)


def test_only_an_approver_approves() -> None:
    allowed = {role for role in Role if may(User(username=role, role=role), "approve_run").allowed}
    assert allowed == {Role.OFFICE_APPROVER}


def test_a_stopped_account_may_nothing() -> None:
    assert not may(User(role=Role.OFFICE_APPROVER, is_active=False), "approve_run").allowed


def test_the_one_time_link_dies_with_the_password() -> None:
    user = create_user(username="a", role=Role.OFFICE_ADMIN, actor=SYSTEM)
    link = one_time_link(user)
    user.set_password(PASSWORD)
    user.save()
    page = Client().get(link, follow=True)
    assert "new_password1" not in page.content.decode()
