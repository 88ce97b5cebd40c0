"""The second factor: compulsory for whoever sees other people's data, used once, never stored readable."""

import datetime as dt
import re
import time
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from authenticator import SECRET, code_at, code_now
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from door import enrol, is_signed_in, make_person, sign_in

from accounts.models import SECOND_FACTOR_ROLES, Role, SignInEvent
from accounts.services import remove_second_factor

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 11, 20, 3, 0, tzinfo=dt.UTC)


@pytest.fixture
def required(settings: Any) -> None:
    settings.MFA_REQUIRED = True


@pytest.mark.usefixtures("required")
@pytest.mark.parametrize("role", sorted(SECOND_FACTOR_ROLES))
def test_R_008_without_a_factor_only_the_enrolment_page_is_reached(client: Client, role: str) -> None:
    make_person(role=role)
    sign_in(client)
    for path in ("/", "/office/", "/admin/", "/office/runs/", "/password/", "/account/sessions/"):
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert answer.headers["Location"] == "/account/second-factor/enrol/", path
    assert client.get("/account/second-factor/enrol/").status_code == 200


@pytest.mark.usefixtures("required")
def test_who_still_owes_the_factor_reads_how_to_add_it_and_no_manual_of_the_role(client: Client) -> None:
    make_person(role=Role.OFFICE_OPERATOR)
    sign_in(client)
    assert "/help/sign-in/" in client.get("/account/second-factor/enrol/").content.decode()
    page = client.get("/help/sign-in/")
    assert page.status_code == 200
    assert 'href="/account/second-factor/enrol/"' in page.content.decode()
    assert 'href="/office/' not in page.content.decode()
    assert "/help/office/" not in client.get("/help/").content.decode()
    answer = client.get("/help/office/")
    assert answer.headers["Location"] == "/account/second-factor/enrol/"


@pytest.mark.usefixtures("required")
def test_R_008_an_expert_may_go_without(client: Client) -> None:
    make_person(role=Role.EXPERT)
    sign_in(client)
    assert is_signed_in(client)
    assert client.get("/account/second-factor/enrol/").status_code == 200


def secret_on(page: str) -> str:
    found = re.search(r'class="enrol-key">([A-Z2-7]+)<', page)
    assert found
    return found.group(1)


@pytest.mark.usefixtures("required")
def test_R_008_enrolling_opens_the_door_and_shows_recovery_codes_once(
    client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    user = make_person()
    sign_in(client)
    page = client.get("/account/second-factor/enrol/").content.decode()
    secret = secret_on(page)
    wrong = client.post("/account/second-factor/enrol/", {"code": "123"})
    assert secret_on(wrong.content.decode()) == secret
    with django_capture_on_commit_callbacks(execute=True):
        done = client.post("/account/second-factor/enrol/", {"code": code_now(secret)}, follow=True)
    codes = re.findall(r"<li><code>(\d{8})</code>", done.content.decode())
    assert len(codes) == 10
    assert "<code>" not in client.get("/account/second-factor/codes/").content.decode()
    assert client.get("/office/").status_code == 200
    assert SignInEvent.objects.filter(user=user, kind=SignInEvent.Kind.FACTOR_ADDED).exists()

    other = Client()
    sign_in(other)
    assert not is_signed_in(other)
    assert other.post("/sign-in/code/", {"code": codes[3]}).status_code == 302
    assert is_signed_in(other)
    again = Client()
    sign_in(again)
    assert again.post("/sign-in/code/", {"code": codes[3]}).status_code == 200
    assert not is_signed_in(again)


def test_R_008_no_session_before_the_code(client: Client) -> None:
    enrol(make_person())
    answer = sign_in(client)
    assert answer.headers["Location"] == "/sign-in/code/"
    assert client.get("/office/").headers["Location"].startswith("/sign-in/")
    before = client.session.session_key
    assert client.post("/sign-in/code/", {"code": code_now()}).status_code == 302
    assert is_signed_in(client)
    assert client.session.session_key != before


def test_R_008_a_code_works_once_and_no_older_one_after_it(client: Client) -> None:
    enrol(make_person())
    with time_machine.travel(NOON, tick=False) as clock:
        moment = time.time()
        sign_in(client)
        assert client.post("/sign-in/code/", {"code": code_at(moment)}).status_code == 302
        clock.shift(25)
        for old in (code_at(moment), code_at(moment - 30)):
            thief = Client()
            sign_in(thief)
            assert thief.post("/sign-in/code/", {"code": old}).status_code == 200
            assert not is_signed_in(thief)
        other = Client()
        sign_in(other)
        assert other.post("/sign-in/code/", {"code": code_at(moment + 30)}).status_code == 302


@pytest.mark.parametrize(("drift", "status"), [(-30, 302), (30, 302), (-90, 200), (90, 200)])
def test_a_clock_may_be_half_a_minute_off(client: Client, drift: int, status: int) -> None:
    enrol(make_person())
    with time_machine.travel(NOON, tick=False):
        sign_in(client)
        assert client.post("/sign-in/code/", {"code": code_at(time.time() + drift)}).status_code == status


def test_codes_may_be_typed_with_blanks_and_in_full_width(client: Client) -> None:
    enrol(make_person())
    sign_in(client)
    code = code_now()
    wide = code[:3].translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789"}) + " " + code[3:]
    assert client.post("/sign-in/code/", {"code": wide}).status_code == 302


def test_R_008_the_secret_is_cipher_text_wherever_it_is_kept(client: Client) -> None:
    make_person()
    sign_in(client)
    secret = secret_on(client.get("/account/second-factor/enrol/").content.decode())
    assert not any(secret in str(row.get_decoded()) for row in Session.objects.all())
    client.post("/account/second-factor/enrol/", {"code": code_now(secret)})
    with connection.cursor() as cursor:
        cursor.execute("SELECT type, data::text FROM mfa_authenticator")
        rows = dict(cursor.fetchall())
    assert secret not in rows["totp"]
    assert '"secret": "gAAAA' in rows["totp"]
    assert '"seed": "gAAAA' in rows["recovery_codes"]


@pytest.mark.usefixtures("required")
def test_who_must_have_a_factor_cannot_take_it_off(client: Client) -> None:
    user = make_person()
    enrol(user)
    sign_in(client)
    client.post("/sign-in/code/", {"code": code_now()})
    assert "やめられません" in client.get("/account/second-factor/remove/").content.decode()
    client.post("/account/second-factor/remove/", {})
    assert Authenticator.objects.filter(user=user, type="totp").exists()


def test_an_expert_may_take_it_off_again(client: Client) -> None:
    user = make_person(role=Role.EXPERT)
    enrol(user)
    sign_in(client)
    client.post("/sign-in/code/", {"code": code_now()})
    client.post("/account/second-factor/remove/", {})
    assert not Authenticator.objects.filter(user=user).exists()


def test_an_administrator_takes_a_lost_factor_off_and_the_person_is_signed_out(client: Client) -> None:
    user, admin = make_person(), make_person("kanri", Role.OFFICE_ADMIN)
    enrol(user)
    sign_in(client)
    client.post("/sign-in/code/", {"code": code_now()})
    assert is_signed_in(client)
    remove_second_factor(user=user, actor=admin, reason="機種変更")
    assert not is_signed_in(client)
    assert sign_in(client).headers["Location"] == "/"


def test_the_app_shows_product_and_name(client: Client, settings: Any) -> None:
    from allauth.mfa.adapter import get_adapter

    url = get_adapter().build_totp_url(make_person(), SECRET)
    assert url.startswith("otpauth://totp/tanaka?")
    assert SECRET in url
