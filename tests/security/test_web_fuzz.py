"""No address, method, parameter or field, however odd, makes the program fail: never a 500 (bounded by count)."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.http import urlencode
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rights_story import Story
from url_walk import sign_in
from web_addresses import addresses

from accounts.models import Role

# What programs stumble over: numbers too large, months that are none, text no database takes, other people's syntax.
HOSTILE = (
    "", " ", "0", "-1", "1.5", "1e999", "NaN", "9" * 30, "99999999999999999999", "true", "null", "[]", "{}",
    "0000-00", "9999-12", "10000-01", "2026-13", "2026-02-30", "2026-1", "0001-01-01", "9999-12-31T23:59",
    "2026-11-20T25:61", "'", '"', "\\", "%", "%s", "{0}", "{{x}}", "../../x", "//", ";", "' OR 1=1 --", "<script>",
    "\ud7ff", "\ue000", "𠮷", "👨‍👩‍👧", "a\u0301", "\u202e", "﷽" * 50, "\r\n", "\t", "\x7f", "a" * 5000, "あ" * 3000,
    "\x00", "__all__", "-", "--", "pk", "password", "user__password__startswith", "?", "id__in=1,2", "1 AND 1",
)  # fmt: skip
NAMES = (
    "q", "page", "sort", "status", "state", "kind", "code", "month", "institution", "next", "why", "decision",
    "o", "p", "e", "all", "_popup", "_to_field", "_changelist_filters", "action", "select_across", "_selected_action",
    "index", "from", "to", "person", "table", "role", "is_active__exact", "date__gte", "id__exact", "format", "reason",
)  # fmt: skip
METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS")
FUZZ = settings(
    deadline=None,
    database=None,
    derandomize=True,
    # a failing request is short enough as it is; making it shorter would ask hundreds more
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
values = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20))
parameters = st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=8)), values, max_size=4)


@pytest.fixture(scope="module")
def clients(story: Story) -> list[Client]:
    """An operator, an approver, an administrator, an expert, nobody."""
    made = []
    for role in (Role.OFFICE_OPERATOR, Role.OFFICE_APPROVER, Role.OFFICE_ADMIN, Role.EXPERT):
        client = Client(raise_request_exception=False)
        sign_in(client, story.people[role])
        made.append(client)
    return [*made, Client(raise_request_exception=False)]


def ask(client: Client, method: str, path: str, **given: Any) -> HttpResponseBase:
    """One request, taken back whatever it did."""
    cookies = client.cookies.copy()
    try:
        with transaction.atomic():
            response = client.generic(method, path, **given)
            if response.streaming:
                response.getvalue()
            transaction.set_rollback(True)
    finally:
        client.cookies = cookies
    return response


def broken(client: Client, method: str, path: str, **given: Any) -> str:
    """What was asked, when the program failed over it; else nothing. (503 is how readiness says no.)"""
    response = ask(client, method, path, **given)
    if response.status_code < 500 or (response.status_code == 503 and path.startswith("/healthz/ready")):
        return ""
    return f"{method} {path[:200]} {str(given)[:300]}: {response.status_code}"


def _form(data: dict[str, str]) -> dict[str, Any]:
    return {"data": urlencode(data), "content_type": "application/x-www-form-urlencoded"}


def _patterns(resolver: URLResolver, prefix: str = "/") -> Iterator[str]:
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern).lstrip("^").rstrip("$")
        if isinstance(entry, URLPattern):
            yield path
        else:
            yield from _patterns(entry, path)


def test_every_address_with_a_part_that_is_nothing(story: Story, clients: list[Client]) -> None:
    odd = ("0", "9" * 30, "9999-12", "%F0%A0%AE%B7", "..%2f..%2f", "a" * 600, "%FF%FE%27")
    found = []
    for pattern in sorted(set(_patterns(get_resolver()))):
        if "<" in pattern:
            for part in odd:
                path = re.sub(r"\(\?P<\w+>[^)]*\)|<[^>]+>", part, pattern)
                found.append(broken(clients[2] if path.startswith("/admin") else clients[0], "GET", path))
    assert [one for one in found if one] == []


@given(data=st.data())
@settings(FUZZ, max_examples=200)
def test_any_address_any_method_any_parameters(
    story: Story, clients: list[Client], data: st.DataObject
) -> None:
    address = data.draw(st.sampled_from(addresses(story)))
    method = data.draw(st.sampled_from(METHODS))
    client = data.draw(st.sampled_from(clients))
    query = urlencode(data.draw(parameters))
    assert broken(client, method, f"{address.path}?{query}", **_form(data.draw(parameters))) == ""


class Forms(HTMLParser):
    """The forms of a page that are sent by POST: where to, and with which fields."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = given.get("method", "").lower() == "post"
            if self._open:
                self.found.append((given.get("action", ""), {}))
        elif self._open and tag in ("input", "select", "textarea", "button") and "name" in given:
            self.found[-1][1][given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False


@pytest.fixture(scope="module")
def forms(story: Story, clients: list[Client]) -> list[tuple[Client, str, dict[str, str]]]:
    """Every form that one of these people is offered anywhere."""
    found: dict[tuple[str, frozenset[str]], tuple[Client, str, dict[str, str]]] = {}
    for address in addresses(story):
        for client in (clients[2],) if address.path.startswith("/admin") else (clients[0], clients[1]):
            response = ask(client, "GET", address.path)
            if response.status_code != 200 or "html" not in response.headers.get("Content-Type", ""):
                continue
            page = Forms()
            page.feed(response.content.decode())
            for action, fields in page.found:
                target = action or address.path
                if target.startswith("/") and "sign-out" not in target and "logout" not in target:
                    found.setdefault((target, frozenset(fields)), (client, target, fields))
    assert len(found) > 15
    return list(found.values())


def test_every_form_with_each_field_spoilt(forms: list[tuple[Client, str, dict[str, str]]]) -> None:
    few = ("", "9" * 30, "9999-12-31", "あ" * 3000)
    found = []
    for client, target, fields in forms:
        for value in few:
            found.append(broken(client, "POST", target, **_form(dict.fromkeys(fields, value))))
    assert [one for one in found if one] == []


@given(data=st.data())
@settings(FUZZ, max_examples=150)
def test_every_form_with_odd_values(
    forms: list[tuple[Client, str, dict[str, str]]], data: st.DataObject
) -> None:
    client, target, fields = data.draw(st.sampled_from(forms))
    spoilt = {name: data.draw(st.one_of(st.just(value), values)) for name, value in fields.items()}
    assert broken(client, "POST", target, **_form({**spoilt, **data.draw(parameters)})) == ""


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'),
        ("multipart/form-data; boundary=" + "x" * 300, b"x"),
        ("multipart/form-data", b"x"),
        ("application/json", b"{"),
        ("application/json", b"[" * 5000),
        ("application/x-www-form-urlencoded; charset=nothing", b"a=1"),
        ("application/x-www-form-urlencoded; charset=utf-7", b"a=+AAA-"),
        ("text/xml", b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"),
        ("application/x-www-form-urlencoded", b"%" * 200 + b"&=&&==%ff%fe=%00"),
        ("", b"\xff" * 100),
    ],
    ids=range(10),
)
def test_bodies_that_are_not_what_they_say(
    story: Story, clients: list[Client], content_type: str, body: bytes
) -> None:
    asked = [
        broken(clients[0], "POST", address.path, data=body, content_type=content_type)
        for address in addresses(story)[::3]
    ]
    assert [one for one in asked if one] == []
