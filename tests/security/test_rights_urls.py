"""Every address, admin page and operation × every role, nobody and a stopped account: the table says the answer."""

from typing import Any

import pytest
from rights_story import Story
from url_walk import PERSONS, Doors, Expected, expectations, routes

from accounts.models import Role


@pytest.fixture(scope="module")
def doors(story: Story) -> Doors:
    """The clients of all persons."""
    return Doors(story)


@pytest.mark.parametrize("expected", expectations(), ids=str)
def test_an_address_answers_each_person_as_the_table_says(
    doors: Doors, expected: Expected, settings: Any
) -> None:
    settings.EXPORT_DIR = doors.story.values["export_dir"]
    # here every person tries the links that open nothing from one address
    settings.TOKEN_GUESSES = 10_000
    found = {person: doors.answer(person, expected.method, expected.path) for person in PERSONS}
    assert found == expected.answers


def test_every_address_is_in_the_table() -> None:
    listed = {expected.route for expected in expectations()}
    assert routes() - listed == set(), "not listed in url_rights.csv: decide who may"
    assert listed - routes() == set(), "listed in url_rights.csv, but there is no such address"


def test_an_address_with_a_record_is_also_tried_with_one_that_is_not_there() -> None:
    tried = {expected.route for expected in expectations() if "404" in expected.answers.values()}
    with_record = {
        expected.route for expected in expectations() if "{" in expected.path and expected.method == "GET"
    }
    # the admin leads back to its first page when a record isn't there
    in_admin = {route for route in with_record if route.startswith("admin")}
    assert with_record - in_admin - tried == set()


def test_nobody_and_a_stopped_account_get_nothing() -> None:
    public = {"healthz", "metrics", "login", "account_login", "account_inactive", "set_password"}
    public |= {"account_reset_password", "account_reset_password_done"}
    # the frame of the phone's pages, nothing about anybody
    public |= {"expert:worker", "expert:manifest", "client:done", "renewal:done", "operator:done"}
    # what everybody may read before signing in: how one signs in, and how one becomes an expert
    public |= {"manual_list"}
    manuals = ("/help/sign-in/", "/help/registration/")
    # how one becomes an expert, and whom to ask: bodies, nobody's data
    public |= {"join:join"}
    for expected in expectations():
        if expected.route not in public and expected.path not in manuals:
            assert expected.answers["anonymous"] == expected.answers["stopped"], expected
            assert expected.answers["stopped"] != "200", expected


def test_a_refused_screen_says_why(doors: Doors) -> None:
    for role, path, reason in (
        (Role.OFFICE_ADMIN, "/office/dispatches/", "事務局の担当または承認者"),
        (Role.OFFICE_OPERATOR, "/office/runs/{open_run}/approve/", "事務局の承認者です"),
        (Role.EXPERT, "/office/", "事務局の担当または承認者"),
        (Role.AGENCY_VIEWER, "/office/jobs/", "事務局の利用者だけ"),
    ):
        page = doors.clients[role].get(path.format(**doors.story.values))
        assert page.status_code == 403
        assert reason in page.content.decode()
