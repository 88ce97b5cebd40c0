"""The administrators' page of how the service stands."""

import datetime as dt

import pytest
from desk import administrator, browser, text_of
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Role, User
from core.audit.acting import SYSTEM, acting
from core.jobs.models import Job
from core.web import health

pytestmark = pytest.mark.django_db
PAGE = "/office/system/"


@pytest.fixture(autouse=True)
def _without_second_factor(settings: object) -> None:
    settings.MFA_REQUIRED = False  # type: ignore[attr-defined]


def test_what_is_wrong_stands_first_with_what_to_do() -> None:
    moment = timezone.now() - dt.timedelta(hours=3)
    job = Job.objects.create(kind="verify_audit", title="履歴の検証")
    Job.objects.filter(pk=job.pk).update(created_at=moment)
    health.beat()
    page = text_of(browser(administrator()).get(PAGE))
    first = page.index("<tbody>")
    row = page[first : page.index("</tr>", first)]
    assert "待っているジョブ" in row
    assert "異常" in row
    assert "履歴の検証" in row and "3時間" in row
    assert "worker を増やしてください" in row
    assert "異常が" in page


def test_nobody_but_the_administrators_sees_it() -> None:
    with acting(SYSTEM, "test"):
        operator = User.objects.create(username="tanto", role=Role.OFFICE_OPERATOR)
    answer = browser(operator).get(PAGE)
    assert answer.status_code == 403
    assert "稼働状況を閲覧できるのは、事務局の管理者です。" in text_of(answer)
    assert "稼働状況</a>" not in text_of(browser(operator).get("/office/"))


def test_the_page_takes_a_fixed_number_of_queries() -> None:
    client = browser(administrator())
    client.get(PAGE)
    with CaptureQueriesContext(connection) as before:
        client.get(PAGE)
    for number in range(10):
        Job.objects.create(kind=f"kind{number}", title="x")
    with CaptureQueriesContext(connection) as after:
        client.get(PAGE)
    assert len(after) == len(before)
