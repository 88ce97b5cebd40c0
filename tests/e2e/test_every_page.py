"""R-045, I-05c: a browser opens every page each role may see; nothing goes to another host, the console stays empty,
and everybody can read and use it (WCAG 2.2 AA).
"""

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import Role

sys.path.append(str(Path(__file__).resolve().parent.parent / "security"))

from accessibility import AXE, judge
from rights_story import Story, build
from url_walk import SIGN_IN, expectations
from web_addresses import Address, addresses

# One of each kind of people, and in how many parts their pages are walked: parts run beside each other.
WALKERS = {Role.OFFICE_APPROVER: 4, Role.OFFICE_ADMIN: 2, Role.INSTITUTION_CHIEF: 2, Role.EXPERT: 1}
# Who sees much the same as one of them: walked are the first pages, and what the other doesn't get.
ALIKE = {
    Role.OFFICE_OPERATOR: Role.OFFICE_APPROVER,
    Role.INSTITUTION_STAFF: Role.INSTITUTION_CHIEF,
    Role.AGENCY_VIEWER: Role.OFFICE_APPROVER,
}
# /office/experts/ is a first page, /office/experts/E1/ isn't
FIRST = 3


def session_of(story: Story, role: str) -> str:
    """The cookie of somebody who has just signed in with everything that may be asked for."""
    client = Client()
    client.force_login(story.people[role])
    session = client.session
    session["confirmed_at"] = time.time()
    session["has_second_factor"] = True
    session.save()
    return client.cookies["sessionid"].value


def open_to(story: Story, role: str) -> list[Address]:
    """The addresses, without those of which the table of rights says that they refuse this role whatever it does."""
    let_in = {
        expected.path.format(**story.values)
        for expected in expectations()
        if expected.answers[role] not in ("403", "404", SIGN_IN)
    }
    return [address for address in addresses(story) if address.path in let_in]


def pages_of(page: Any, among: list[Address]) -> list[str]:
    """Those of the addresses that answer this person with a page."""
    found = []
    for address in among:
        if address.route.startswith("healthz"):
            continue  # no page, and "not ready" is an answer there
        answer = page.request.get(address.path, max_redirects=0)
        # parts of pages (progress, lists that a page renews) are seen with their page
        if answer.status == 200 and answer.text().lstrip().startswith("<!DOCTYPE html>"):
            found.append(address.path)
    return found


def signed_in(desk: Any, site: Any, story: Story, role: str) -> Any:
    """A browser's page of somebody who is signed in."""
    page = desk.open("/sign-in/")
    # there with each page, instead of sent to each
    page.context.add_init_script(AXE)
    page.context.add_cookies([{"name": "sessionid", "value": session_of(story, role), "url": site.url}])
    return page


def look(desk: Any, page: Any, path: str) -> None:
    """Opens a page: it is called something, holds nothing inline, stays at home and complains of nothing."""
    page.goto(path, wait_until="load")
    assert page.title(), path
    assert page.locator("script:not([src]):not([type='application/json'])").count() == 0, path
    assert page.locator("[style]").count() == 0, path
    assert desk.trouble == [], path


@pytest.mark.parametrize(
    ("role", "part"), [(role, part) for role, parts in WALKERS.items() for part in range(parts)]
)
def test_every_page_of_a_role_is_quiet_and_stays_at_home(desk: Any, site: Any, role: Role, part: int) -> None:
    story = build()
    page = signed_in(desk, site, story, role)
    paths = pages_of(page, open_to(story, role)[part :: WALKERS[role]])
    assert len(paths) * WALKERS[role] > (20 if role.startswith("office") else 5)
    barriers = []
    for path in paths:
        look(desk, page, path)
        # the same page with another filter: its frame is judged without one, its rows as the phone shows them
        barriers += [f"{path} {each}" for each in judge(page, phone="?" in path)]
        # axe-core sets styles while it measures, of which the policy complains
        desk.trouble.clear()
    assert barriers == [], "\n".join(barriers)


def own_pages(story: Story, role: Role) -> tuple[list[str], list[str]]:
    """First pages that this role gets like its neighbour, and what the neighbour doesn't get."""
    first, own = set(), set()
    for expected in expectations():
        path = expected.path.format(**{"export_dir": "", **story.values})
        if expected.method != "GET" or expected.answers[role] != "200" or path.startswith("/admin/"):
            continue
        if expected.answers[ALIKE[role]] != "200":
            own.add(path)
        elif path.count("/") <= FIRST and "?" not in path:
            first.add(path)
    return sorted(first), sorted(own)


def test_who_sees_much_the_same_is_let_in_at_the_first_pages_too(desk: Any, site: Any) -> None:
    story = build()
    barriers = []
    for role in ALIKE:
        page = signed_in(desk, site, story, role)
        first, own = own_pages(story, role)
        paths = pages_of(page, [each for each in addresses(story) if each.path in {*first, *own}])
        assert len(paths) > (1 if role == Role.AGENCY_VIEWER else 5)
        for path in paths:
            look(desk, page, path)
            if path in own:
                barriers += [f"{path} {each}" for each in judge(page)]
                desk.trouble.clear()
    assert barriers == [], "\n".join(barriers)
