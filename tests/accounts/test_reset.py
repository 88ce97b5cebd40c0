"""A forgotten password: the same answer to everybody, a link that works once and not for long."""

import datetime as dt
import re
from typing import Any

import pytest
import time_machine
from django.contrib.auth.hashers import identify_hasher
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from door import PASSWORD, enrol, is_signed_in, make_person, sign_in

from accounts.links import one_time_link
from accounts.models import PasswordRecord, Role, SignInEvent, User
from accounts.services import change_contact, change_role, stop_user
from accounts.tasks import queue_sign_in_mails
from core.audit.models import Change
from core.notify.models import Mail
from core.secrets import decrypt

pytestmark = pytest.mark.django_db
NEW = "atarashii-aikotoba-77"
NOON = dt.datetime(2026, 11, 20, 3, 0, tzinfo=dt.UTC)


def ask(client: Client, address: str) -> Any:
    return client.post("/password/reset/", {"email": address})


def open_link(client: Client, link: str) -> str:
    """The page a link leads to."""
    return client.get(link, follow=True).content.decode()


def use_link(client: Client, link: str, password: str = NEW) -> int:
    target = client.get(link, follow=True).redirect_chain
    if not target:
        return 0
    return client.post(target[-1][0], {"new_password1": password, "new_password2": password}).status_code


def mailed_link(user: User) -> str:
    queue_sign_in_mails("sign_in_reset", [user.pk])
    mail = Mail.objects.get(to=user.email)
    found = re.search(r"http://127\.0\.0\.1:8000(/set-password/\S+)", decrypt(mail.body_cipher))
    assert found
    return found.group(1)


def test_R_006_known_and_unknown_addresses_get_the_same(client: Client) -> None:
    make_person(email="tanaka@example.jp")
    known, unknown = ask(client, "tanaka@example.jp"), ask(client, "nobody@example.jp")
    assert (known.status_code, known.headers["Location"]) == (302, "/password/reset/sent/")
    assert (unknown.status_code, unknown.headers["Location"]) == (302, "/password/reset/sent/")
    assert known.content == unknown.content
    assert client.get("/password/reset/sent/").status_code == 200


def test_R_006_the_page_does_the_same_work_for_both(
    client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    make_person(email="tanaka@example.jp")
    work = []
    for address in ("tanaka@example.jp", "nobody@example.jp"):
        with django_capture_on_commit_callbacks() as callbacks, CaptureQueriesContext(connection) as queries:
            ask(client, address)
        work.append(([query["sql"].split(" ")[0] for query in queries], len(callbacks)))
    assert work[0] == work[1]
    assert work[0][1] == 1


def test_R_006_an_unknown_address_gets_no_mail() -> None:
    queue_sign_in_mails("sign_in_reset", [])
    assert not Mail.objects.exists()


def test_R_006_the_mailed_link_works_once(client: Client) -> None:
    user = make_person(email="tanaka@example.jp")
    link = mailed_link(user)
    assert use_link(client, link) == 302
    assert "このリンクは使えません" in open_link(Client(), link)
    sign_in(client, password=PASSWORD)
    assert not is_signed_in(client)
    sign_in(client, password=NEW)
    assert is_signed_in(client)


def test_opening_the_link_changes_nothing() -> None:
    user = make_person(email="tanaka@example.jp")
    link = mailed_link(user)
    for _ in range(3):
        assert "new_password1" in open_link(Client(), link)


def test_R_006_a_link_for_a_forgotten_password_lasts_an_hour() -> None:
    user = make_person()
    with time_machine.travel(NOON, tick=False) as clock:
        link = one_time_link(user)
        clock.shift(dt.timedelta(minutes=59))
        assert "new_password1" in open_link(Client(), link)
        clock.shift(dt.timedelta(minutes=2))
        assert "このリンクは使えません" in open_link(Client(), link)


def test_a_link_for_a_first_password_lasts_three_days() -> None:
    user = make_person()
    user.set_unusable_password()
    user.save()
    with time_machine.travel(NOON, tick=False) as clock:
        link = one_time_link(user)
        clock.shift(dt.timedelta(days=3))
        assert "new_password1" in open_link(Client(), link)
        clock.shift(dt.timedelta(minutes=2))
        assert "このリンクは使えません" in open_link(Client(), link)


@pytest.mark.parametrize("what", ["password", "address", "role", "stop", "sign-in"])
def test_R_006_the_link_dies_when_something_changes(what: str) -> None:
    user, admin = make_person(email="tanaka@example.jp"), make_person("kanri", Role.OFFICE_ADMIN)
    link = one_time_link(user)
    if what == "password":
        user.set_password(NEW)
        user.save()
    elif what == "address":
        change_contact(user=user, display_name="", email="other@example.jp", actor=admin)
    elif what == "role":
        change_role(user=user, role=Role.OFFICE_APPROVER, actor=admin, reason="異動")
    elif what == "stop":
        stop_user(user=user, actor=admin, reason="退職")
    else:
        sign_in(Client())
    assert "このリンクは使えません" in open_link(Client(), link)


@pytest.mark.parametrize("link", ["/set-password/MQ/abc-def/", "/set-password/x/y/"])
def test_guessed_links_get_the_plain_answer(link: str) -> None:
    assert "このリンクは使えません" in open_link(Client(), link)


def test_a_new_password_is_no_second_factor() -> None:
    user = make_person()
    enrol(user)
    browser = Client()
    use_link(browser, one_time_link(user))
    assert sign_in(browser, password=NEW).headers["Location"] == "/sign-in/code/"
    assert not is_signed_in(browser)


def test_one_mail_in_five_minutes_however_often_it_is_asked_for() -> None:
    user = make_person(email="tanaka@example.jp")
    for _ in range(3):
        queue_sign_in_mails("sign_in_reset", [user.pk])
    assert Mail.objects.count() == 1


def test_the_reset_is_recorded_and_told_to_the_person(
    client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    user = make_person(email="tanaka@example.jp")
    ask(client, "TANAKA@example.jp")
    link = mailed_link(user)
    use_link(client, link)
    kinds = SignInEvent.objects.filter(user=user).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["reset_asked", "link_made", "password_set"]
    change = Change.objects.filter(table="accounts_user", action="set_password").last()
    assert change is not None
    assert change.actor_id == user.pk


def test_R_005_passwords_are_argon2id_everywhere(client: Client, settings: Any) -> None:
    from config.settings import base

    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS
    user = make_person()
    use_link(client, one_time_link(user))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT password FROM accounts_user UNION ALL SELECT password FROM accounts_passwordrecord"
        )
        stored = [row[0] for row in cursor.fetchall()]
    assert len(stored) == 3
    assert all(one.startswith("argon2$argon2id$") for one in stored)
    assert identify_hasher(stored[0]).algorithm == "argon2"
    assert PasswordRecord.objects.count() == 2


def test_R_005_no_table_holds_a_password_or_shows_a_hash(client: Client) -> None:
    user = make_person(email="tanaka@example.jp")
    link = mailed_link(user)
    use_link(client, link)
    sign_in(client, password="wrong-but-typed-99")
    sign_in(client, password=NEW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [row[0] for row in cursor.fetchall()]
        for table in tables:
            cursor.execute(
                f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE ANY(%s)',
                [[f"%{NEW}%", "%wrong-but-typed-99%"]],
            )
            assert cursor.fetchone()[0] == 0, table
            if table not in ("accounts_user", "accounts_passwordrecord"):
                cursor.execute(
                    f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{user.password}%"]
                )
                assert cursor.fetchone()[0] == 0, table
