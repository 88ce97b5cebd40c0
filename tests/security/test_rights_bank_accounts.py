"""Account numbers are covered everywhere; in full they are shown by an act of its own, with a recorded reason."""

import csv
import io
from typing import Any

import pytest
from django.test import Client
from rights_story import Story
from url_walk import sign_in

from accounts.models import Role
from core.audit.models import Access
from core.exchange.services import load_files
from core.exports.models import Export
from core.exports.services import prepare_export, store
from core.jobs.models import Job
from core.jobs.progress import Progress

NUMBER, OTHER, PAYERS = "1112345", "2223456", "7654321"
PATH = "/office/experts/E1/bank-account/"


def client_of(story: Story, role: str) -> Client:
    client = Client()
    sign_in(client, story.people[role])
    return client


SCREENS = [
    "/office/experts/",
    "/office/experts/E1/",
    "/office/runs/{run}/",
    "/office/runs/{run}/payouts/E1/",
    "/office/runs/{open_run}/",
    "/office/dispatches/D1/",
    "/office/jobs/{import_job}/",
    "/admin/experts/expert/",
    "/admin/experts/expert/{expert}/change/",
    "/admin/payments/payer/",
    "/admin/payments/payer/{payer}/change/",
    "/admin/payments/payout/{payout}/change/",
    "/admin/payments/payoutrun/{payoutrun}/change/",
    "/admin/exchange/load/{load}/change/",
    PATH,
]


@pytest.mark.parametrize("path", SCREENS)
@pytest.mark.parametrize("role", [Role.OFFICE_OPERATOR, Role.OFFICE_APPROVER, Role.OFFICE_ADMIN])
def test_no_screen_shows_an_account_number(story: Story, role: str, path: str) -> None:
    page = client_of(story, role).get(path.format(**story.values))
    text = page.content.decode()
    for number in (NUMBER, OTHER, PAYERS):
        assert number not in text


def test_the_admin_shows_the_last_three_digits(story: Story) -> None:
    page = client_of(story, Role.OFFICE_OPERATOR).get(
        f"/admin/experts/expert/{story.values['expert']}/change/"
    )
    assert "****345" in page.content.decode()


def test_an_administrator_sees_names_of_experts_but_no_way_to_reach_or_pay_them(story: Story) -> None:
    client = client_of(story, Role.OFFICE_ADMIN)
    page = client.get(f"/admin/experts/expert/{story.values['expert']}/change/").content.decode()
    assert "吉田 太郎" in page
    for hidden in ("試験町1", "e1@example.jp", "報酬2号", "345", "ヨシダ タロウ</"):
        assert hidden not in page.replace("ヨシダ タロウ</div>", "", 1)
    assert "報酬2号" not in client.get("/admin/experts/expert/").content.decode()


@pytest.mark.parametrize(
    "query", ["account_number__startswith=1", "account_number=1112345", "payee_class__exact=報酬2号"]
)
def test_an_address_cannot_ask_for_what_its_reader_may_not_see(story: Story, query: str) -> None:
    page = client_of(story, Role.OFFICE_ADMIN).get(f"/admin/experts/expert/?{query}", follow=True)
    assert page.status_code in (400, 404) or "e=1" in page.request["QUERY_STRING"]


def test_an_export_covers_account_numbers_and_cannot_be_loaded_over_them(story: Story) -> None:
    actor = story.people[Role.OFFICE_OPERATOR]
    client = client_of(story, Role.OFFICE_OPERATOR)
    form = {"format": "0", "resource": "0", "purpose": "登録内容の確認のため"}
    assert client.post("/admin/experts/expert/export/", form)["Location"] == "/office/exports/"
    export = prepare_export(export=Export.objects.latest("pk"), progress=Progress())
    with store().open(export.stored_name) as file:
        content = file.read()
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert [row["口座番号"] for row in rows] == ["****345", "****456"]
    result = load_files({"experts.csv": io.BytesIO(content)}, actor=actor, dry_run=True)
    assert {problem.column for problem in result.problems} == {"口座番号"}


def test_the_full_number_needs_a_reason_and_leaves_a_record(story: Story) -> None:
    client = client_of(story, Role.OFFICE_OPERATOR)
    before = Access.objects.count()
    refused = client.post(PATH, {"reason": "　"})
    assert NUMBER not in refused.content.decode()
    assert Access.objects.count() == before
    shown = client.post(PATH, {"reason": "振込不能の照会のため"})
    assert NUMBER in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    access = Access.objects.latest("pk")
    assert (access.what, access.reason) == (Access.What.BANK, "振込不能の照会のため")
    assert access.actor_id == story.people[Role.OFFICE_OPERATOR].pk
    assert access.row_ids == [story.values["expert"]]
    assert "account_number" in access.fields


@pytest.mark.parametrize("role", [Role.OFFICE_ADMIN, Role.AGENCY_VIEWER, Role.INSTITUTION_CHIEF, Role.EXPERT])
def test_others_are_refused_with_the_reason_and_nothing_is_recorded(story: Story, role: str) -> None:
    before = Access.objects.count()
    page = client_of(story, role).post(PATH, {"reason": "見たい"})
    assert page.status_code == 403
    assert "口座番号の全桁を閲覧できるのは" in page.content.decode()
    assert Access.objects.count() == before


def test_who_has_not_lately_given_a_password_is_asked_first(story: Story) -> None:
    client = Client()
    client.force_login(story.people[Role.OFFICE_OPERATOR])
    session = client.session
    session["confirmed_at"] = 0.0
    session.save()
    answer = client.post(PATH, {"reason": "照会"})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/confirm/")


def test_an_administrator_sees_own_jobs_and_nobodys_but_not_those_of_others(story: Story) -> None:
    seen = set(Job.objects.visible_to(story.people[Role.OFFICE_ADMIN]).values_list("pk", flat=True))
    values: dict[str, Any] = story.values
    assert seen == {values["admins_job"], values["nobodys_job"]}
