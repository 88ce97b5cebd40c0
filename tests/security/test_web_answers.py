"""What every answer carries (reference rows I-04, I-05c, I-07, I-09, I-11a, K-03, K-12): each address, each kind of person."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.http import HttpResponse, HttpResponseBase
from django.test import Client
from rights_story import Story
from url_walk import sign_in
from web_addresses import addresses

from accounts.models import Role
from accounts.services import create_user
from core.audit.acting import SYSTEM
from core.audit.models import Change

PROJECT = Path(__file__).resolve().parent.parent.parent
# how one signs in, and how one becomes an expert
EVERYBODYS_MANUALS = ("/help/sign-in/", "/help/registration/")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.fixture(scope="module")
def clients(story: Story) -> dict[str, Client]:
    """One client of an operator, one of an administrator, one of nobody."""
    made = {"nobody": Client(raise_request_exception=False)}
    for role in (Role.OFFICE_OPERATOR, Role.OFFICE_ADMIN):
        made[role] = Client(raise_request_exception=False)
        sign_in(made[role], story.people[role])
    return made


def ask(client: Client, method: str, path: str, **given: Any) -> HttpResponseBase:
    """One request, taken back."""
    with transaction.atomic():
        response = client.generic(method, path, **given)
        if response.streaming:
            response.getvalue()
        transaction.set_rollback(True)
    return response


def check_headers(response: HttpResponseBase) -> None:
    for name, value in HEADERS.items():
        assert response.headers[name] == value, (name, response)
    policy = response.headers["Content-Security-Policy"]
    # a page may use what is ours; a file somebody sent may use nothing, in a sandbox
    if policy != "default-src 'none'; frame-ancestors 'none'; sandbox":
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "object-src 'none'" in policy
        assert "base-uri 'none'" in policy
        assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?:|\*", policy)
    assert "camera=()" in response.headers["Permissions-Policy"]
    assert response.headers["Referrer-Policy"] in ("same-origin", "strict-origin")


def test_i05c_i09_k12_every_answer_of_every_address_has_the_headers_and_may_be_kept_by_nobody(
    story: Story, clients: dict[str, Client]
) -> None:
    for address in addresses(story):
        response = ask(clients[Role.OFFICE_OPERATOR], "GET", address.path)
        check_headers(response)
        assert response.headers["Cache-Control"] == "no-store, private", address
        # the page for those who want to become experts is there to be found
        found = "all" if address.route == "join:join" else "noindex, nofollow"
        assert response.headers["X-Robots-Tag"] == found, address
        check_headers(ask(clients[Role.OFFICE_ADMIN], "POST", address.path))
        check_headers(ask(clients["nobody"], "GET", address.path))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "given", "status"),
    [
        ("/sign-in/nothing-here/", {}, 404),
        ("/office/%00/", {}, 400),
        ("/healthz", {"headers": {"host": "evil.test"}}, 400),
        ("/sign-in/?" + "&".join(f"a{n}=1" for n in range(2000)), {}, 400),
    ],
)
def test_i05c_errors_have_the_headers_and_a_plain_page(
    client: Client, path: str, given: dict[str, Any], status: int
) -> None:
    client.raise_request_exception = False
    response = client.get(path, **given)
    assert response.status_code in (status, 302)
    check_headers(response)
    text = response.content.decode()
    assert "Traceback" not in text
    assert "Exception" not in text


@pytest.mark.django_db
def test_a_defect_gives_the_plain_page_with_the_headers_and_no_word_of_the_cause(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any, **words: Any) -> HttpResponse:
        raise RuntimeError("canary-of-the-cause")

    monkeypatch.setattr("accounts.views.sign_in.SignInView.get", broken)
    client.raise_request_exception = False
    response = client.get("/sign-in/")
    assert response.status_code == 500
    check_headers(response)
    assert "処理中に障害が起きました" in response.content.decode()
    assert "canary" not in response.content.decode()


def test_i05c_static_files_have_the_headers(client: Client) -> None:
    response = client.get("/static/css/base.css")
    assert response.status_code == 200
    check_headers(response)


@pytest.mark.django_db
def test_a_redirect_to_https_has_the_headers(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    response = client.get("/sign-in/")
    assert response.status_code == 301
    check_headers(response)


@pytest.mark.django_db
def test_over_tls_browsers_are_told_to_stay_there(client: Client, settings: Any) -> None:
    settings.SECURE_HSTS_SECONDS = 31536000
    assert "max-age=31536000" in client.get("/sign-in/", secure=True).headers["Strict-Transport-Security"]


@pytest.mark.parametrize("path", ["/set-password/MQ/abc/", "/set-password/MQ/set-password/"])
@pytest.mark.django_db
def test_k03_a_page_behind_a_token_tells_nobody_where_it_was(client: Client, path: str) -> None:
    # the host and never the path; with "no-referrer" browsers would send no origin with the form behind the link
    assert client.get(path).headers["Referrer-Policy"] == "strict-origin"


@pytest.mark.django_db
def test_i04a_the_session_cookie_is_for_the_server_alone(client: Client, settings: Any) -> None:
    assert settings.SESSION_COOKIE_HTTPONLY
    assert settings.SESSION_COOKIE_SAMESITE == "Lax"
    password = "tsukinami-shiharai-2021"
    create_user(username="tanaka", role=Role.OFFICE_OPERATOR, actor=SYSTEM, password=password)
    client.post("/sign-in/", {"username": "tanaka", "password": password})
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert len(cookie.value) >= 32
    assert "sessionid" not in client.get("/office/", follow=True).content.decode()


def test_i04a_in_production_every_cookie_is_secure_and_the_referrer_stays() -> None:
    text = (PROJECT / "config" / "settings" / "production.py").read_text()
    for name in ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT"):
        assert f"{name} = True" in text


def test_i06_no_get_changes_anything(story: Story, clients: dict[str, Client]) -> None:
    before = _contents()
    for address in addresses(story):
        with transaction.atomic():
            response = clients[Role.OFFICE_OPERATOR].get(address.path)
            if response.streaming:
                response.getvalue()
            # records of having looked are meant; everything else stays as it was
            assert _contents() == before, address
            transaction.set_rollback(True)


def _contents() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), coalesce(max(id), 0) FROM audit_change")
        return {"history": cursor.fetchone()[1], "changes": Change.objects.count()}


def test_i06_every_post_without_its_token_is_refused(story: Story, clients: dict[str, Client]) -> None:
    strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
    sign_in(strict, story.people[Role.OFFICE_OPERATOR])
    for address in addresses(story):
        response = ask(strict, "POST", address.path)
        assert response.status_code in (403, 404, 405), (address, response.status_code)


def test_i11a_whatever_is_not_public_asks_who_is_there(story: Story, clients: dict[str, Client]) -> None:
    public = {
        "healthz",
        "healthz_ready",
        # readings of the machine, for private networks only (test_k14…); nothing personal in it
        "metrics",
        "login",
        "account_login",
        "account_inactive",
        "account_reset_password",
        "account_reset_password_done",
        "set_password",
        # what browsers fetch by themselves for the phone: nothing personal in it
        "expert:worker",
        "expert:manifest",
        # what people see after they have answered by their link
        "client:done",
        "renewal:done",
        "operator:done",
        # what manuals there are for everybody
        "manual_list",
        # how one becomes an expert, and which bodies to ask
        "join:join",
    }
    for address in addresses(story):
        response = ask(clients["nobody"], "GET", address.path)
        everybodys = address.route in public or address.path in EVERYBODYS_MANUALS
        if not everybodys and not address.path.startswith("/admin/jsi18n"):
            # 405 tells nobody more than the address they typed
            assert response.status_code in (302, 401, 403, 404, 405), (address, response.status_code)
            if response.status_code == 302:
                assert response.headers["Location"].startswith(("/sign-in/", "/admin/login/")), address


def test_methods_nobody_uses_are_refused_or_harmless(story: Story, clients: dict[str, Client]) -> None:
    # what a view says to a method doesn't hang on the record or the filter
    for address in {address.route: address for address in addresses(story)}.values():
        for method in ("PUT", "DELETE", "TRACE", "FOO"):
            response = ask(clients[Role.OFFICE_OPERATOR], method, address.path)
            assert response.status_code < 500, (method, address)
    assert Session.objects.exists()


def test_k09_tasks_travel_as_json_only() -> None:
    assert django_settings.CELERY_ACCEPT_CONTENT == ["json"]
    assert django_settings.CELERY_TASK_SERIALIZER == "json"
    assert django_settings.CELERY_TASK_IGNORE_RESULT
