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

from accessibility import judge
from rights_story import Story, build
from web_addresses import addresses

# One of each kind of people; what the others see is a part of it.
WALKERS = (Role.OFFICE_APPROVER, Role.OFFICE_ADMIN, Role.INSTITUTION_CHIEF, Role.EXPERT)


def session_of(story: Story, role: str) -> str:
    """The cookie of somebody who has just signed in with everything that may be asked for."""
    client = Client()
    client.force_login(story.people[role])
    session = client.session
    session["confirmed_at"] = time.time()
    session["has_second_factor"] = True
    session.save()
    return client.cookies["sessionid"].value


def pages_of(page: Any, story: Story) -> list[str]:
    """The addresses that answer this person with a page."""
    found = []
    for address in addresses(story):
        if address.route.startswith("healthz"):
            continue  # no page, and "not ready" is an answer there
        answer = page.request.get(address.path, max_redirects=0)
        # parts of pages (progress, lists that a page renews) are seen with their page
        if answer.status == 200 and answer.text().lstrip().startswith("<!DOCTYPE html>"):
            found.append(address.path)
    return found


@pytest.mark.parametrize("role", WALKERS)
def test_every_page_of_a_role_is_quiet_and_stays_at_home(desk: Any, site: Any, role: str) -> None:
    story = build()
    page = desk.open("/sign-in/")
    page.context.add_cookies([{"name": "sessionid", "value": session_of(story, role), "url": site.url}])
    paths = pages_of(page, story)
    assert len(paths) > (20 if role.startswith("office") else 5)
    barriers = []
    for path in paths:
        page.goto(path, wait_until="load")
        assert page.title(), path
        assert page.locator("script:not([src]):not([type='application/json'])").count() == 0, path
        assert page.locator("[style]").count() == 0, path
        assert desk.trouble == [], path
        barriers += [f"{path} {each}" for each in judge(page)]
        # axe-core sets styles while it measures, of which the policy complains
        desk.trouble.clear()
    assert barriers == [], "\n".join(barriers)
