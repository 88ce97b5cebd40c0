"""When and from where people may be signed in, and for how long."""

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.test import Client, RequestFactory
from door import PASSWORD, is_signed_in, make_person, sign_in

from accounts.limits import within_hours
from accounts.models import Role, SignInEvent, User
from accounts.services import (
    change_role,
    end_sessions,
    set_limits,
    stop_user,
)
from accounts.sign_in_policy import change_networks, change_policy, parse_networks
from core.audit.acting import SYSTEM
from core.client_address import address_of
from core.clock import JST
from core.errors import DomainError

pytestmark = pytest.mark.django_db

# Monday
MONDAY = dt.date(2026, 11, 16)


def at(day: int, hour: int, minute: int = 0) -> dt.datetime:
    """A moment in Japan: `day` days after Monday."""
    return dt.datetime.combine(MONDAY, dt.time(hour, minute), JST) + dt.timedelta(days=day)


NINE, SIX, TEN_PM, MIDNIGHT = dt.time(9), dt.time(18), dt.time(22), dt.time(0)
WORKDAYS = [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("moment", "weekdays", "start", "end", "inside"),
    [
        (at(0, 8, 59), WORKDAYS, NINE, SIX, False),
        (at(0, 9), WORKDAYS, NINE, SIX, True),
        (at(0, 17, 59), WORKDAYS, NINE, SIX, True),
        (at(0, 18), WORKDAYS, NINE, SIX, False),
        (at(5, 12), WORKDAYS, NINE, SIX, False),
        (at(5, 12), [], NINE, SIX, True),
        (at(5, 12), WORKDAYS, None, None, False),
        (at(0, 0), [1], None, None, True),
        (at(6, 23, 59), [1], None, None, False),
        # over midnight: the night belongs to the day it began
        (at(0, 23), [1], TEN_PM, NINE, True),
        (at(1, 8, 59), [1], TEN_PM, NINE, True),
        (at(1, 9), [1], TEN_PM, NINE, False),
        (at(1, 23), [1], TEN_PM, NINE, False),
        (at(0, 3), [1], TEN_PM, NINE, False),
        # until midnight
        (at(0, 23, 59), [1], NINE, MIDNIGHT, True),
        (at(1, 0), [1], NINE, MIDNIGHT, False),
    ],
)
def test_R_004_hours_of_the_week(
    moment: dt.datetime, weekdays: list[int], start: dt.time | None, end: dt.time | None, inside: bool
) -> None:
    assert within_hours(moment, weekdays, start, end) is inside


@pytest.fixture
def admin() -> User:
    return make_person("kanri", Role.OFFICE_ADMIN)


def limit(user: User, admin: User, **given: Any) -> None:
    values: dict[str, Any] = {"weekdays": [], "start": None, "end": None, "networks": []}
    set_limits(user=user, actor=admin, **{**values, **given})


def test_R_004_outside_the_hours_the_right_password_is_refused(client: Client, admin: User) -> None:
    limit(make_person(), admin, weekdays=WORKDAYS, start=NINE, end=SIX)
    with time_machine.travel(at(5, 12), tick=False) as clock:
        answer = sign_in(client)
        assert answer.status_code == 403
        assert "このIDを使える曜日・時刻ではありません" in answer.content.decode()
        clock.move_to(at(7, 12))
        assert sign_in(client).status_code == 302


def test_R_004_a_wrong_password_learns_nothing_of_the_hours(client: Client, admin: User) -> None:
    limit(make_person(), admin, weekdays=[1], start=NINE, end=SIX)
    with time_machine.travel(at(5, 12), tick=False):
        assert "使える曜日" not in sign_in(client, password="wrong").content.decode()


def test_R_004_the_window_closing_ends_the_session(client: Client, admin: User) -> None:
    user = make_person()
    limit(user, admin, weekdays=WORKDAYS, start=NINE, end=SIX)
    with time_machine.travel(at(0, 17, 58), tick=False) as clock:
        sign_in(client)
        assert is_signed_in(client)
        clock.move_to(at(0, 18))
        answer = client.get("/office/?tab=x")
        assert answer.headers["Location"] == "/sign-in/?why=limits&next=%2Foffice%2F%3Ftab%3Dx"
        assert "使える時間または接続元から外れた" in client.get(answer.headers["Location"]).content.decode()
        clock.move_to(at(1, 9))
        assert not is_signed_in(client)
    assert SignInEvent.objects.filter(user=user, kind=SignInEvent.Kind.REFUSED).count() == 1


def test_R_004_addresses_of_a_role_and_of_a_person(client: Client, admin: User) -> None:
    user = make_person()
    change_networks(
        actor=admin,
        role=Role.OFFICE_OPERATOR,
        networks=["192.0.2.0/24"],
        from_address="127.0.0.1",
        own_role=admin.role,
    )
    assert sign_in(client).status_code == 403
    assert sign_in(client, REMOTE_ADDR="192.0.2.9").status_code == 302
    assert client.get("/office/", REMOTE_ADDR="192.0.2.10").status_code == 200
    limit(user, admin, networks=["192.0.2.9/32"])
    assert client.get("/office/", REMOTE_ADDR="192.0.2.10").status_code == 302
    assert sign_in(client, REMOTE_ADDR="192.0.2.9").status_code == 302
    other = make_person("suzuki", Role.OFFICE_APPROVER)
    assert sign_in(Client(), other.username).status_code == 302


def test_an_administrator_cannot_shut_the_own_role_out(admin: User) -> None:
    with pytest.raises(DomainError, match="あなた自身がログインできなくなります"):
        change_networks(
            actor=admin,
            role=Role.OFFICE_ADMIN,
            networks=["192.0.2.0/24"],
            from_address="198.51.100.1",
            own_role=admin.role,
        )


@pytest.mark.parametrize("bad", ["office", "192.0.2.0/33", "300.1.1.1", "1.2.3.4-9"])
def test_what_is_no_network_is_refused_with_its_text(bad: str) -> None:
    with pytest.raises(DomainError, match="アドレスではありません"):
        parse_networks(["192.0.2.1", bad])


def test_networks_are_kept_in_one_form() -> None:
    assert parse_networks([" 192.0.2.1/24 ", "", "192.0.2.0/24", "2001:DB8::/32"]) == [
        "192.0.2.0/24",
        "2001:db8::/32",
    ]


@pytest.mark.parametrize(
    ("remote", "forwarded", "proxies", "seen"),
    [
        ("198.51.100.1", "", [], "198.51.100.1"),
        ("198.51.100.1", "10.0.0.1", [], "198.51.100.1"),
        ("198.51.100.1", "10.0.0.1", ["172.18.0.0/16"], "198.51.100.1"),
        ("172.18.0.5", "198.51.100.1", ["172.18.0.0/16"], "198.51.100.1"),
        ("172.18.0.5", "10.9.9.9, 198.51.100.1", ["172.18.0.0/16"], "198.51.100.1"),
        ("172.18.0.5", "10.9.9.9, 198.51.100.1, 172.18.0.9", ["172.18.0.0/16"], "198.51.100.1"),
        ("172.18.0.5", "", ["172.18.0.0/16"], "172.18.0.5"),
        ("172.18.0.5", "<script>", ["172.18.0.0/16"], "172.18.0.5"),
        ("::ffff:192.0.2.1", "", [], "192.0.2.1"),
        ("", "198.51.100.1", [], ""),
    ],
)
def test_R_004_a_forged_header_is_not_believed(
    settings: Any, remote: str, forwarded: str, proxies: list[str], seen: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR=remote, headers={"x-forwarded-for": forwarded})
    assert address_of(request) == seen


def test_R_004_a_forged_header_opens_no_address_list(client: Client, admin: User) -> None:
    limit(make_person(), admin, networks=["192.0.2.9/32"])
    assert sign_in(client, HTTP_X_FORWARDED_FOR="192.0.2.9").status_code == 403


def test_R_011_an_idle_session_ends(client: Client) -> None:
    user = make_person()
    change_policy(actor=SYSTEM, values={"idle_minutes": 10})
    with time_machine.travel(at(0, 9), tick=False) as clock:
        sign_in(client)
        for _ in range(6):
            clock.shift(dt.timedelta(minutes=9))
            assert is_signed_in(client)
        clock.shift(dt.timedelta(minutes=10, seconds=1))
        assert client.get("/office/").headers["Location"].startswith("/sign-in/?why=idle")
    assert SignInEvent.objects.filter(user=user, kind=SignInEvent.Kind.EXPIRED).count() == 1
    assert not SignInEvent.objects.filter(user=user, kind=SignInEvent.Kind.SIGNED_OUT).exists()


def test_R_011_a_page_that_asks_by_itself_keeps_no_session_alive(client: Client) -> None:
    make_person()
    change_policy(actor=SYSTEM, values={"idle_minutes": 10})
    with time_machine.travel(at(0, 9), tick=False) as clock:
        sign_in(client)
        for _ in range(10):
            clock.shift(dt.timedelta(minutes=1))
            client.get("/office/jobs/1/progress/", headers={"hx-request": "true"})
        clock.shift(dt.timedelta(seconds=1))
        answer = client.get("/office/jobs/1/progress/", headers={"hx-request": "true"})
        assert answer.headers["HX-Redirect"] == "/sign-in/?why=idle"


def test_R_011_no_session_lasts_longer_than_the_absolute_limit(client: Client) -> None:
    make_person()
    change_policy(actor=SYSTEM, values={"absolute_hours": 2, "idle_minutes": 60})
    with time_machine.travel(at(0, 9), tick=False) as clock:
        sign_in(client)
        for _ in range(3):
            clock.shift(dt.timedelta(minutes=40))
            assert is_signed_in(client)
        clock.shift(dt.timedelta(seconds=1))
        assert client.get("/office/").headers["Location"].startswith("/sign-in/?why=absolute")


def test_R_011_a_stopped_persons_open_session_ends_at_the_next_request(client: Client, admin: User) -> None:
    user = make_person()
    sign_in(client)
    stop_user(user=user, actor=admin, reason="退職")
    assert client.get("/office/").headers["Location"].startswith("/sign-in/")
    assert sign_in(client).status_code == 200


def test_R_002_a_changed_role_bites_at_the_next_request(client: Client, admin: User) -> None:
    user = make_person()
    sign_in(client)
    assert client.get("/office/").status_code == 200
    change_role(user=user, role=Role.EXPERT, actor=admin, reason="登録の誤り")
    assert client.get("/office/").headers["Location"].startswith("/sign-in/")
    sign_in(client)
    assert client.get("/office/").status_code == 403


def test_R_011_a_changed_password_ends_the_other_sessions_and_keeps_this_one(client: Client) -> None:
    make_person()
    other = Client()
    sign_in(client)
    sign_in(other)
    new = "betsu-no-aikotoba-3"
    changed = client.post(
        "/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    )
    assert changed.status_code == 302
    assert is_signed_in(client)
    assert not is_signed_in(other)


def test_R_011_signing_out_ends_the_session_in_the_database(client: Client) -> None:
    make_person()
    sign_in(client)
    cookie = client.cookies["sessionid"].value
    client.post("/sign-out/")
    client.cookies["sessionid"] = cookie
    assert not is_signed_in(client)


def test_R_011_own_sessions_are_listed_and_ended(client: Client) -> None:
    make_person()
    other = Client()
    sign_in(client, HTTP_USER_AGENT="Firefox")
    sign_in(other, HTTP_USER_AGENT="Edge", REMOTE_ADDR="192.0.2.44")
    page = client.get("/account/sessions/").content.decode()
    assert "192.0.2.44" in page
    assert "Edge" in page
    assert "この端末" in page
    client.post("/account/sessions/end-others/")
    assert is_signed_in(client)
    assert not is_signed_in(other)


def test_another_persons_session_is_not_found(client: Client) -> None:
    from allauth.usersessions.models import UserSession

    make_person()
    other = make_person("suzuki")
    browser = Client()
    sign_in(browser, "suzuki")
    sign_in(client)
    foreign = UserSession.objects.get(user=other)
    assert client.post(f"/account/sessions/{foreign.pk}/end/").status_code == 404
    assert is_signed_in(browser)


def test_an_administrator_ends_all_sessions_of_a_person(client: Client, admin: User) -> None:
    user = make_person()
    sign_in(client)
    end_sessions(user=user, actor=admin)
    assert not is_signed_in(client)
