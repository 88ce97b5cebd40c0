"""An institution's figures: by month and since April, of whom one may see them, and the same as a file."""

import csv
import datetime as dt
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

sys.path.append(str(Path(__file__).resolve().parent.parent / "security"))

import rights_story
import url_walk

from accounts.models import Role
from core.audit.acting import SYSTEM, acting
from core.audit.models import Access
from institutions.models import Institution
from payments.models import PayoutRun
from payments.services import mark_transferred
from portal_institution.selectors.figures import bodies_of, figures_of, months_of, rows_of

JULY, AUGUST = dt.date(2021, 7, 1), dt.date(2021, 8, 1)


@pytest.fixture
def story(db: None, settings: pytest.FixtureRequest) -> Iterator[rights_story.Story]:
    """K1 and K2 with one dispatch each paid in August, and one of K1 that isn't; on 2021-09-15."""
    with time_machine.travel(dt.datetime(2021, 9, 15, 3, tzinfo=dt.UTC), tick=False):
        yield rights_story.build()


def paid(story: rights_story.Story) -> None:
    run = PayoutRun.objects.get(name=story.values["run"])
    mark_transferred(run=run, actor=story.people[Role.OFFICE_OPERATOR])


def platform(role: str = "代表") -> None:
    with acting(SYSTEM, "stage"):
        Institution.objects.filter(code__in=["K1", "K2"]).update(
            platform_code="P1", platform_name="見本PF", platform_role="構成"
        )
        Institution.objects.filter(code="K1").update(platform_role=role)


def own() -> Institution:
    return Institution.objects.get(code="K1")


def browser(story: rights_story.Story) -> Client:
    client = Client()
    url_walk.sign_in(client, story.people[Role.INSTITUTION_CHIEF])
    return client


def read(answer: object) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))  # type: ignore[attr-defined]


def test_each_figure_counts_in_its_own_month_and_since_april(story: rights_story.Story) -> None:
    paid(story)
    bodies = bodies_of(own())
    rows = {row.month: row for row in rows_of(figures_of(bodies, 2021), bodies, 2021)}
    july, august = rows[JULY].own, rows[AUGUST].own
    assert (july.applications, july.visits, july.paid_dispatches, july.paid) == (1, 1, 0, 0)
    assert (august.applications, august.visits, august.paid_dispatches) == (1, 1, 1)
    # 2 hours: 4 units of 2,640 yen; the railway fare of 320 yen
    assert (august.fee, august.travel) == (10_560, 320)
    last = rows[dt.date(2021, 9, 1)].cumulative
    assert (last.applications, last.visits, last.paid_dispatches, last.paid) == (2, 2, 1, 10_880)


def test_money_counts_only_once_the_bank_has_transferred_it(story: rights_story.Story) -> None:
    bodies = bodies_of(own())
    assert all(row.cumulative.paid == 0 for row in rows_of(figures_of(bodies, 2021), bodies, 2021))


def test_a_month_begins_at_midnight_in_japan(story: rights_story.Story) -> None:
    from dispatch.models import Dispatch

    with acting(SYSTEM, "stage"):
        Dispatch.objects.filter(number="D3").update(
            planned_from=dt.datetime(2021, 7, 31, 15, tzinfo=dt.UTC),
            planned_to=dt.datetime(2021, 7, 31, 17, tzinfo=dt.UTC),
        )
    bodies = bodies_of(own())
    rows = {row.month: row.own.applications for row in rows_of(figures_of(bodies, 2021), bodies, 2021)}
    assert (rows[JULY], rows[AUGUST]) == (1, 1)


def test_the_year_goes_from_april_to_march(story: rights_story.Story) -> None:
    months = months_of(2020)
    assert (months[0], months[-1], len(months)) == (dt.date(2020, 4, 1), dt.date(2021, 3, 1), 12)
    assert months_of(2021)[-1] == dt.date(2021, 9, 1)


def test_a_representative_sees_itself_and_each_member(story: rights_story.Story) -> None:
    paid(story)
    platform()
    page = browser(story).get("/portal/figures/").content.decode()
    assert "別の商工会" in page and "21,120円" in page and "21,760円" in page
    rows = read(browser(story).get("/portal/figures/figures.csv"))
    august = {row["機関コード"]: row for row in rows if row["月"] == "2021-08"}
    assert {code: row["支払額"] for code, row in august.items()} == {"K1": "10880", "K2": "10880"}
    one = browser(story).get("/portal/figures/?body=K2").content.decode()
    assert "別の商工会" in one and "自機関と構成機関の合計）" not in one


@pytest.mark.parametrize("role", ["構成", ""])
def test_a_member_and_a_body_without_a_platform_see_themselves_alone(
    story: rights_story.Story, role: str
) -> None:
    paid(story)
    platform(role)
    client = browser(story)
    assert "別の商工会" not in client.get("/portal/figures/").content.decode()
    assert {row["機関コード"] for row in read(client.get("/portal/figures/figures.csv"))} == {"K1"}
    for path in ("", "figures.csv"):
        assert client.get(f"/portal/figures/{path}?body=K2").status_code == 404


def test_bodies_without_platform_code_are_no_platform(story: rights_story.Story) -> None:
    with acting(SYSTEM, "stage"):
        Institution.objects.filter(code="K1").update(platform_role="代表")
    assert [body.code for body in bodies_of(own())] == ["K1"]


def test_the_file_is_recorded_and_holds_no_formula(story: rights_story.Story) -> None:
    with acting(SYSTEM, "stage"):
        Institution.objects.filter(code="K1").update(name="=1+1")
    rows = read(browser(story).get("/portal/figures/figures.csv?year=2021"))
    assert {row["機関名"] for row in rows} == {"'=1+1"} and len(rows) == 6
    access = Access.objects.get(what=Access.What.DOWNLOAD, table="institutions_institution")
    assert (access.label, access.row_count) == ("実績 2021年度", 6)


@pytest.mark.parametrize("asked", ["?year=1", "?year=abc", "?year=", "?year=9999", "?body="])
def test_what_cannot_be_understood_shows_this_year(story: rights_story.Story, asked: str) -> None:
    answer = browser(story).get(f"/portal/figures/{asked}")
    assert answer.status_code == 200 and "2021年度" in answer.content.decode()


def test_the_page_takes_as_many_queries_for_many_members(story: rights_story.Story) -> None:
    client = browser(story)
    alone = queries(client)
    platform()
    with acting(SYSTEM, "stage"):
        for number in range(8):
            Institution.objects.create(
                code=f"M{number}", name="会員", kind="商工会", prefecture_code="13", platform_code="P1",
                platform_name="見本PF", platform_role="構成",
            )  # fmt: skip
    assert queries(client) == alone


def queries(client: Client) -> int:
    client.get("/portal/figures/")
    with CaptureQueriesContext(connection) as caught:
        client.get("/portal/figures/")
    return len(caught)
