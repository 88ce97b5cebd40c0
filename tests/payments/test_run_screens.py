"""A run on the screens: what is confirmed is what was shown, and nothing happens twice."""

import pytest
from closing import checker, computed_july, load, maker
from django.test import Client

from payments.models import PayoutRun
from payments.services import compute_run, drop_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> PayoutRun:
    load("edges/stage1")
    return computed_july()


def page_of(client: Client, address: str) -> str:
    page = client.get(address)
    assert page.status_code == 200
    return page.context["shown"]


def test_the_approver_approves_what_the_page_shows(client: Client, run: PayoutRun) -> None:
    client.force_login(checker())
    address = f"/office/runs/{run.name}/approve/"
    answer = client.post(address, {"shown": page_of(client, address)})
    assert answer.status_code == 302
    run.refresh_from_db()
    assert (run.status, run.approver) == (PayoutRun.Status.APPROVED, checker())


def test_a_page_from_before_a_new_calculation_approves_nothing(client: Client, run: PayoutRun) -> None:
    client.force_login(checker())
    address = f"/office/runs/{run.name}/approve/"
    shown = page_of(client, address)
    drop_run(run=run, actor=maker())
    other = computed_july()
    assert other.name == run.name
    answer = client.post(address, {"shown": shown}, follow=True)
    assert "確認画面を開いた後に" in answer.content.decode()
    other.refresh_from_db()
    assert other.status == PayoutRun.Status.COMPUTED


@pytest.mark.parametrize("shown", ["", "1", "1:computed:"])
def test_an_act_without_its_page_is_refused(client: Client, run: PayoutRun, shown: str) -> None:
    client.force_login(checker())
    for act in ("approve", "drop"):
        answer = client.post(f"/office/runs/{run.name}/{act}/", {"shown": shown})
        assert answer.status_code == 409
    run.refresh_from_db()
    assert run.status == PayoutRun.Status.COMPUTED


def test_sending_the_approval_twice_approves_once(client: Client, run: PayoutRun) -> None:
    client.force_login(checker())
    address = f"/office/runs/{run.name}/approve/"
    shown = page_of(client, address)
    assert client.post(address, {"shown": shown}).status_code == 302
    assert client.post(address, {"shown": shown}).status_code == 409
    assert PayoutRun.objects.get().status == PayoutRun.Status.APPROVED


def test_the_maker_is_told_why_he_may_not_approve(client: Client, run: PayoutRun) -> None:
    client.force_login(maker())
    page = client.get(f"/office/runs/{run.name}/").content.decode()
    assert "承認できるのは、事務局の承認者です" in page
    assert client.post(f"/office/runs/{run.name}/approve/", {"shown": ""}).status_code == 403


def test_a_recalculation_on_the_screen_waits_for_its_job(client: Client, run: PayoutRun) -> None:
    client.force_login(maker())
    for _ in range(2):  # a double click
        client.post(f"/office/runs/{run.name}/compute/")
    from core.jobs.models import Job

    assert Job.objects.filter(kind="compute_run").count() == 1
    compute_run(run=run, actor=maker())
