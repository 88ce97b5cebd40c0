"""The first page of an institution."""

import io

import pytest
from django.test import Client

from accounts.models import Role, User
from core.audit.acting import SYSTEM, acting
from core.exchange.services import load_files
from core.notify.services import open_task
from institutions.models import Institution, Member

INSTITUTIONS = "機関コード,機関名,機関区分,都道府県コード\nK1,試験商工会,商工会,13\n"


@pytest.fixture
def staff(db: None) -> User:
    load_files({"institutions.csv": io.BytesIO(INSTITUTIONS.encode("utf-8-sig"))}, actor=SYSTEM)
    with acting(SYSTEM, "story"):
        user = User.objects.create(username="staff", role=Role.INSTITUTION_STAFF, email="staff@example.jp")
        Member.objects.create(user=user, institution=Institution.objects.get(code="K1"))
    return user


def test_the_front_door_leads_an_institution_to_its_page(client: Client, staff: User) -> None:
    client.force_login(staff)
    assert client.get("/").headers["Location"] == "/portal/"


def test_the_first_page_shows_what_waits_for_this_person(client: Client, staff: User) -> None:
    with acting(SYSTEM, "story"):
        open_task(code="x", object="x:1", title="派遣 D1 の承認", path="/portal/", actor=SYSTEM, person=staff)
    client.force_login(staff)
    page = client.get("/portal/").content.decode()
    assert "試験商工会" in page
    assert "派遣 D1 の承認" in page


def test_an_account_without_an_institution_is_told_whom_to_ask(client: Client, db: None) -> None:
    with acting(SYSTEM, "story"):
        user = User.objects.create(username="lost", role=Role.INSTITUTION_STAFF, email="lost@example.jp")
    client.force_login(user)
    answer = client.get("/portal/")
    assert answer.status_code == 403
    assert "事務局へお問い合わせください" in answer.content.decode()
