"""Walking the addresses: which there are, and what each answers to whom."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from rights_story import Story

from accounts.models import Role, User

TABLE = Path(__file__).parent / "url_rights.csv"
NOBODY, STOPPED = "anonymous", "stopped"
PERSONS = (NOBODY, STOPPED, *Role.values)
# What an answer that leads to the sign-in page is called in the table.
SIGN_IN = "sign-in"


@dataclass(frozen=True)
class Expected:
    """One row of the table: an address, how it is called, and the answer for each person."""

    route: str
    method: str
    path: str
    answers: dict[str, str]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def expectations() -> list[Expected]:
    """The table of tests/security/url_rights.csv."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [
            Expected(row["route"], row["method"], row["path"], {name: row[name] for name in PERSONS})
            for row in csv.DictReader(file)
        ]


@cache
def routes() -> frozenset[str]:
    """Every route there is: namespace and name, or its pattern when it has no name."""
    return frozenset(_walk(get_resolver(), "", ""))


def _walk(resolver: URLResolver, namespace: str, prefix: str) -> Iterator[str]:
    for entry in resolver.url_patterns:
        pattern = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield f"{namespace}{entry.name}" if entry.name else pattern
        else:
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry, inner, pattern)


class Doors:
    """One signed-in client per person; every request is taken back."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.clients = {person: self._client(person) for person in PERSONS}

    def _client(self, person: str) -> Client:
        client = Client(raise_request_exception=False)
        user: User | None = self.story.people.get(person)
        if person == STOPPED:
            # signed in before the account was stopped
            user = self.story.stopped
        if user is not None:
            sign_in(client, user)
        return client

    def answer(self, person: str, method: str, path: str) -> str:
        """What the person is answered: the status, `sign-in`, or 302 with where to."""
        client = self.clients[person]
        cookies = client.cookies.copy()
        try:
            with transaction.atomic():
                response = client.generic(method, path.format(**self.story.values))
                transaction.set_rollback(True)
        finally:
            client.cookies = cookies
        return _named(response)


def sign_in(client: Client, user: User) -> None:
    """A session like the one after signing in with everything that may be asked for."""
    import time

    client.force_login(user)
    session = client.session
    session["confirmed_at"] = time.time()
    session.save()


def _named(response: HttpResponseBase) -> str:
    if response.streaming:
        for _ in response:  # the test client ends the request with the last part
            pass
    if response.status_code in (301, 302):
        target = response["Location"].split("?")[0]
        return SIGN_IN if target in ("/sign-in/", "/admin/login/") else str(response.status_code)
    return str(response.status_code)
