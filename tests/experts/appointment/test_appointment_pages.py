"""The pages of appointments: queries that don't grow, wrong input, second presses, others' papers."""

from typing import Any

import pytest
from appointing import ISSUER, Spring
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from core.audit.acting import SYSTEM, acting
from core.jobs.models import Job
from experts.appointment.models import Acceptance, Appointment
from experts.models import Expert

PAGE = "/expert/appointment/"
ROUND = "/office/appointments/2022/"


@pytest.fixture(autouse=True)
def no_second_factor(settings: Any) -> None:
    settings.MFA_REQUIRED = False


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(path).status_code == 200
    return len(seen)


def test_the_years_page_asks_the_same_however_many_experts_there_are(spring: Spring) -> None:
    row = spring.opened()
    client = browser(spring.stage.operator)
    client.get(ROUND)
    few = queries(client, ROUND)
    first = Expert.objects.get(code="E1")
    with acting(SYSTEM, "test"):
        for number in range(20):
            first.pk, first.code, first.user = None, f"F{number:02}", None
            first.save(force_insert=True)
            Appointment.objects.create(
                round=row, expert=first, first_day=row.first_day, offered_at=row.opened_at
            )
    assert queries(client, ROUND) == few


def test_what_was_typed_stays_when_it_is_refused(spring: Spring) -> None:
    spring.opened()
    client = browser(spring.stage.experts["E1"])
    answer = client.post(f"{PAGE}2022/answer/", {"answer": "decline", "reason": "", "version": "1"})
    assert "辞退の理由を入力してください" in answer.content.decode()
    stale = client.post(
        f"{PAGE}2022/answer/",
        {"answer": "decline", "reason": "多忙のため", "version": "9", "text_version": "2021-1"},
    )
    page = stale.content.decode()
    assert "別の画面で変わりました" in page
    assert "多忙のため" in page
    assert spring.one().state == "offered"


def test_pressed_twice_in_two_tabs_it_is_one_job_and_one_acceptance(spring: Spring) -> None:
    spring.opened()
    spring.answer()
    office = browser(spring.stage.operator)
    given = {"issued_on": "2022-04-01", "version": str(spring.one().round.version), **ISSUER}
    for _ in range(2):
        assert office.post(f"{ROUND}issue/", given).status_code == 302
    assert Job.objects.filter(kind="issue_letters").count() == 1
    spring.issue()
    own = browser(spring.stage.experts["E1"])
    for _ in range(2):
        assert own.post(f"{PAGE}2022/accept/").status_code == 302
    assert Acceptance.objects.count() == 1
    assert own.post(f"{PAGE}2022/letter.pdf").headers["Content-Type"] == "application/pdf"
    other = browser(spring.stage.experts["E2"])
    assert other.post(f"{PAGE}2022/letter.pdf").status_code == 404
