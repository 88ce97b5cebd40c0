"""One limiter on every way in: names are locked per address, the same whether they exist or not."""

import datetime as dt
import re

import pytest
import time_machine
from authenticator import code_now
from axes.models import AccessAttempt
from django.http import HttpResponse
from django.test import Client
from door import PASSWORD, enrol, is_signed_in, make_person, sign_in

from accounts import limiter
from accounts.models import Role, SignInEvent
from accounts.sign_in_policy import change_policy
from core.audit.acting import SYSTEM

pytestmark = pytest.mark.django_db
Kind = SignInEvent.Kind


def fail(client: Client, times: int, username: str = "tanaka", **headers: str) -> list[int]:
    return [sign_in(client, username, "wrong password", **headers).status_code for _ in range(times)]


def plain(answer: HttpResponse) -> str:
    """A page without its form tokens, which differ each time."""
    return re.sub(r'(name="csrfmiddlewaretoken" value="|X-CSRFToken": ")[^"]+', "", answer.content.decode())


def test_R_009_after_five_failures_the_right_password_is_refused(client: Client) -> None:
    make_person()
    assert fail(client, 5) == [200, 200, 200, 200, 429]
    refused = sign_in(client)
    assert refused.status_code == 429
    assert "ロックしました" in refused.content.decode()
    assert not is_signed_in(client)


def test_R_009_the_threshold_is_the_policys(client: Client) -> None:
    make_person()
    change_policy(actor=SYSTEM, values={"lock_threshold": 3})
    assert fail(client, 3) == [200, 200, 429]


def test_R_009_the_lock_ends_with_its_time_however_often_the_door_is_tried(client: Client) -> None:
    make_person()
    with time_machine.travel(dt.datetime(2026, 11, 20, 1, 0, tzinfo=dt.UTC), tick=False) as clock:
        fail(client, 5)
        clock.shift(dt.timedelta(minutes=29))
        assert sign_in(client).status_code == 429
        clock.shift(dt.timedelta(minutes=2))
        assert sign_in(client).status_code == 302
        assert is_signed_in(client)


def test_R_009_another_address_is_not_locked(client: Client) -> None:
    make_person()
    fail(client, 5)
    assert sign_in(client, REMOTE_ADDR="192.0.2.7").status_code == 302


def test_a_name_in_another_case_or_width_has_no_tries_of_its_own(client: Client) -> None:
    make_person()
    for name in ("tanaka", "TANAKA", "Tanaka ", "ｔａｎａｋａ"):
        sign_in(client, name, "wrong password")
    assert sign_in(client, "tAnAkA", "wrong password").status_code == 429


def test_a_name_that_does_not_exist_is_locked_the_same(client: Client) -> None:
    make_person()
    known = [sign_in(Client(), "tanaka", "x") for _ in range(6)]
    unknown = [sign_in(Client(), "nobody", "x") for _ in range(6)]
    assert [a.status_code for a in known] == [a.status_code for a in unknown]
    assert plain(known[5]) == plain(unknown[5])
    assert len(known[0].content) - len("tanaka") == len(unknown[0].content) - len("nobody")


def test_the_admins_sign_in_is_the_same_page(client: Client) -> None:
    make_person(role=Role.OFFICE_ADMIN)
    page = client.get("/admin/login/?next=/admin/")
    assert page.headers["Location"] == "/sign-in/?next=%2Fadmin%2F"
    posted = client.post("/admin/login/", {"username": "tanaka", "password": PASSWORD})
    assert posted.status_code == 302
    assert not is_signed_in(client)
    fail(client, 5)
    assert sign_in(client, next="/admin/").status_code == 429


def test_the_api_takes_no_password(client: Client) -> None:
    make_person()
    from base64 import b64encode

    header = "Basic " + b64encode(f"tanaka:{PASSWORD}".encode()).decode()
    assert client.get("/office/", headers={"authorization": header}).status_code == 302


def test_R_009_wrong_codes_count_as_wrong_passwords(client: Client) -> None:
    user = make_person()
    enrol(user)
    sign_in(client)
    answers = [client.post("/sign-in/code/", {"code": "000000"}).status_code for _ in range(5)]
    assert answers == [200, 200, 200, 200, 429]
    assert client.post("/sign-in/code/", {"code": code_now()}).status_code == 429
    assert not is_signed_in(client)
    kinds = list(SignInEvent.objects.filter(user=user).values_list("kind", flat=True))
    assert kinds.count(Kind.LOCKED) == 1
    assert kinds.count(Kind.CODE_FAILED) == 5


def test_R_009_an_administrator_unlocks_and_it_is_recorded(client: Client) -> None:
    user, admin = make_person(), make_person("kanri", Role.OFFICE_ADMIN)
    fail(client, 5)
    (lock,) = limiter.locks()
    assert (lock.user, lock.address, lock.failures) == (user, "127.0.0.1", 5)
    limiter.unlock(user=user, actor=admin)
    assert limiter.locks() == []
    assert sign_in(client).status_code == 302
    event = SignInEvent.objects.get(kind=Kind.UNLOCKED)
    assert (event.user, event.actor) == (user, admin)


def test_R_007_failures_locks_and_sign_ins_are_recorded_with_their_address(client: Client) -> None:
    user = make_person()
    fail(client, 5, REMOTE_ADDR="198.51.100.4")
    sign_in(client, REMOTE_ADDR="198.51.100.5", HTTP_USER_AGENT="Firefox")
    events = SignInEvent.objects.filter(user=user).order_by("pk")
    assert sorted(e.kind for e in events) == [*[Kind.FAILED] * 5, Kind.LOCKED, Kind.SIGNED_IN]
    assert not any(e.detail for e in events)
    assert {e.address for e in events if e.kind != Kind.SIGNED_IN} == {"198.51.100.4"}
    last = events.last()
    assert last is not None
    assert (last.address, last.user_agent) == ("198.51.100.5", "Firefox")
    assert len(last.request_id) == 16


def test_what_was_typed_instead_of_a_name_is_kept_nowhere(client: Client) -> None:
    typed = "himitsu-no-password-9"
    sign_in(client, typed, "also-secret-word-7")
    rows = [str(vars(row)) for model in (AccessAttempt, SignInEvent) for row in model.objects.all()]
    assert len(rows) == 2
    assert not any(typed in row or "also-secret-word-7" in row for row in rows)


@pytest.mark.parametrize("name", ["a\0b", "a" * 10_000, "' OR 1=1 --", "\ud83d", "名前", ""])
def test_odd_names_get_the_plain_answer(client: Client, name: str) -> None:
    answer = client.post("/sign-in/", {"username": name.encode("utf-8", "replace").decode(), "password": "x"})
    assert answer.status_code == (400 if "\0" in name else 200)  # no view is asked about a NUL
    assert client.post("/sign-in/", {}).status_code == 200


def test_a_stopped_person_gets_the_answer_of_a_wrong_password(client: Client) -> None:
    user = make_person()
    user.is_active = False
    user.save()
    assert "ユーザー名またはパスワードが正しくありません" in sign_in(client).content.decode()


@pytest.mark.parametrize(
    "target", ["//evil.test", "https://evil.test/", "/\\evil.test", "javascript:alert(1)"]
)
def test_the_way_on_never_leaves_the_house(client: Client, target: str) -> None:
    make_person()
    assert sign_in(client, next=target).headers["Location"] == "/"


def test_sign_up_does_not_exist(client: Client) -> None:
    for path in ("/accounts/signup/", "/signup/", "/sign-up/", "/account/signup/"):
        assert client.get(path, follow=True).redirect_chain or client.get(path).status_code == 404
    from allauth.account.adapter import get_adapter
    from django.urls import NoReverseMatch, reverse

    with pytest.raises(NoReverseMatch):
        reverse("account_signup")
    assert not get_adapter().is_open_for_signup(None)
