"""What there is to attack: every address, query and form that a role's pages lead to, a few of each kind."""

import csv
import http.client
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit

from benchmarks.security.instance import Instance, Person
from benchmarks.security.outcomes import ROOT
from benchmarks.security.watching import SAYS_WHO

# A tool that goes here has signed itself out, or has changed how it gets in.
NOT_TOUCHED = (
    "/sign-out/", "/admin/login", "/admin/logout/", "/account/logout", "/accounts/logout", "logout", "reauthenticate", "password",
    "sessions", "second-factor", "2fa", "/mfa/",
)  # fmt: skip
_OF_A_KIND = 2
_MOST_PAGES = 320


@dataclass(frozen=True)
class Target:
    """One request with fields: what a tool is given to spoil."""

    role: str
    method: str
    path: str
    fields: tuple[tuple[str, str], ...]
    shape: tuple[str, str, tuple[str, ...]]


@dataclass
class Crawl:
    """What one role's pages lead to."""

    person: Person
    pages: int = 0
    targets: dict[tuple[str, str, tuple[str, ...]], Target] = field(default_factory=dict)
    starts: dict[str, str] = field(default_factory=dict)


class _Page(HTMLParser):
    """Links and forms."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[tuple[str, str, dict[str, str]]] = []
        self._open: tuple[str, str, dict[str, str]] | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if given.get("hx-get"):
            self.links.append(given["hx-get"])
        if tag == "form":
            self._open = (given.get("method", "get").upper(), given.get("action", ""), {})
            self.forms.append(self._open)
        elif self._open is not None and given.get("name"):
            fields = self._open[2]
            if tag == "select":
                self._select = given["name"]
                fields.setdefault(self._select, "1")
            elif tag == "textarea":
                fields[given["name"]] = "text"
            elif tag == "input" and given.get("type") not in ("file", "submit", "button", "image"):
                plain = given.get("value") or {"number": "1", "date": "2026-11-20"}.get(
                    given.get("type", ""), "abc"
                )
                if (
                    given.get("type") not in ("radio", "checkbox")
                    or "checked" in given
                    or given["name"] not in fields
                ):
                    fields[given["name"]] = plain
        elif tag == "option" and self._select and self._open is not None and "selected" in given:
            self._open[2][self._select] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        if tag == "select":
            self._select = ""


def seeds(role: str) -> list[str]:
    """The addresses that the table of rights opens to a role, of those that hold no record's number."""
    table = ROOT / "tests" / "security" / "url_rights.csv"
    with table.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["method"] == "GET" and row[role] == "200"]
    return sorted({row["path"] for row in rows if "{" not in row["path"]})


def crawl(instance: Instance, person: Person) -> Crawl:
    """Follows what the role's pages lead to, at most so many pages of a kind."""
    from django.urls import Resolver404, resolve
    from django.utils.encoding import iri_to_uri

    found = Crawl(person)
    host = urlsplit(instance.url)
    connection = http.client.HTTPConnection(host.hostname or "", host.port, timeout=60)
    headers = {"Cookie": person.cookie, SAYS_WHO: f"crawl/{person.role}", "Accept": "text/html"}
    waiting = ["/", *seeds(person.role), "/planted/"]
    seen: set[str] = set()
    kinds: Counter[tuple[str, tuple[str, ...]]] = Counter()

    def kind_of(path: str) -> tuple[str, tuple[str, ...]] | None:
        parts = urlsplit(path)
        try:
            route = resolve(unquote(parts.path)).route
        except Resolver404:
            return None
        return route, tuple(sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}))

    while waiting and found.pages < _MOST_PAGES:
        path = iri_to_uri(waiting.pop(0))
        kind = kind_of(path)
        if (
            path in seen
            or kind is None
            or kinds[kind] >= _OF_A_KIND
            or any(word in path for word in NOT_TOUCHED)
        ):
            continue
        seen.add(path)
        kinds[kind] += 1
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            continue
        leads = answer.getheader("Location")
        if leads:
            waiting.append(_own(instance.url, path, leads))
        if answer.status != 200 or "text/html" not in (answer.getheader("Content-Type") or ""):
            continue
        found.pages += 1
        found.starts.setdefault(kind[0], path)
        if kind[1]:
            _note(
                found,
                "GET",
                path.partition("?")[0],
                parse_qsl(urlsplit(path).query, keep_blank_values=True),
                kind[0],
            )
        page = _Page()
        page.feed(body.decode("utf-8", "replace"))
        waiting += [own for link in page.links if (own := _own(instance.url, path, link))]
        for method, action, fields in page.forms:
            target = _own(instance.url, path, action or path)
            if not target or any(word in target for word in NOT_TOUCHED):
                continue
            fields.pop("csrfmiddlewaretoken", None)
            of_form = kind_of(target)
            if of_form is None or not fields:
                continue
            if method == "GET":
                waiting.append(f"{target.partition('?')[0]}?{urlencode(fields)}")
            else:
                _note(found, "POST", target, list(fields.items()), of_form[0])
    connection.close()
    return found


def _note(found: Crawl, method: str, path: str, fields: list[tuple[str, str]], route: str) -> None:
    from django.utils.encoding import iri_to_uri

    path = iri_to_uri(path)
    shape = (method, route, tuple(sorted({name for name, _ in fields})))
    found.targets.setdefault(shape, Target(found.person.role, method, path, tuple(fields), shape))


def _own(origin: str, page: str, link: str) -> str:
    """The path and query of a link to our own host; empty for any other."""
    whole = urlsplit(urljoin(origin + page, link))
    if f"{whole.scheme}://{whole.netloc}" != origin:
        return ""
    return whole.path + (f"?{whole.query}" if whole.query else "")


def each_once(crawls: list[Crawl]) -> Iterator[Target]:
    """Every kind of request once, by the first role that reaches it; a field that was tried with its route is not again."""
    tried: set[tuple[str, str, str]] = set()
    for one in crawls:
        for target in one.targets.values():
            method, route, names = target.shape
            new = {name for name in names if (method, route, name) not in tried}
            if new:
                tried |= {(method, route, name) for name in new}
                yield target
