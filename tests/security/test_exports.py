"""Data leave with a purpose, a record, cells no spreadsheet takes for formulas, and for the requester alone (R-035, K-01)."""

import csv
import datetime as dt
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import time_machine
from django.test import Client
from rights_story import Story
from url_walk import sign_in

from accounts.models import Role, User
from core.audit.models import Access
from core.errors import DomainError, NotAllowed
from core.exchange.registry import table_named
from core.exports.models import Export
from core.exports.services import PREPARE, expire_exports, open_export, prepare_export, request_export, store
from core.jobs.models import Job
from core.jobs.progress import Progress
from experts.models import Expert
from payments.models import PayoutRun
from payments.services.export import downloads, expire_downloads

PURPOSE = "10月分の支払額の確認のため"
NUMBER = "1112345"


def client_of(user: User) -> Client:
    client = Client()
    sign_in(client, user)
    return client


@pytest.fixture(autouse=True)
def _the_storys_files(story: Story, settings: Any) -> None:
    settings.EXPORT_DIR = story.values["export_dir"]
    end_jobs()


def end_jobs() -> None:
    """As the worker would: one person may have three at a time."""
    Job.objects.filter(kind=PREPARE).update(status=Job.Status.DONE)


@pytest.fixture
def operator(story: Story) -> User:
    return story.people[Role.OFFICE_OPERATOR]


def prepared(user: User, table: str = "experts", ending: str = "csv", **options: Any) -> Export:
    export = request_export(actor=user, table=table_named(table), ending=ending, purpose=PURPOSE, **options)
    end_jobs()
    return prepare_export(export=export, progress=Progress())


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def content_of(export: Export) -> bytes:
    with store().open(export.stored_name) as file:
        return file.read()


@pytest.mark.parametrize("purpose", ["", "　", "確認"])
def test_R_035_without_a_purpose_nothing_is_prepared_or_recorded(operator: User, purpose: str) -> None:
    before = Export.objects.count(), Access.objects.count()
    with pytest.raises(DomainError, match="何のため"):
        request_export(actor=operator, table=table_named("experts"), ending="csv", purpose=purpose)
    client_of(operator).post(
        "/office/exports/new/", {"table": "experts", "ending": "csv", "purpose": purpose}
    )
    client_of(operator).post(
        "/admin/experts/expert/export/", {"format": "0", "resource": "0", "purpose": purpose.strip()[:1]}
    )
    assert (Export.objects.count(), Access.objects.count()) == before


def test_R_035_the_record_says_who_why_which_columns_and_exactly_the_rows_of_the_file(operator: User) -> None:
    export = prepared(operator)
    found = rows(content_of(export))
    access = Access.objects.filter(what=Access.What.EXPORT).latest("pk")
    assert (access.actor_id, access.reason, access.table) == (operator.pk, PURPOSE, "experts_expert")
    assert access.row_count == len(found) == export.row_count == 2
    assert set(access.row_ids) == set(Expert.objects.values_list("pk", flat=True))
    assert [name.removesuffix("（下3桁）") for name in access.fields] == list(found[0])
    assert "口座番号（下3桁）" in access.fields


def test_an_account_number_leaves_covered_unless_it_is_asked_for_by_one_who_may(operator: User) -> None:
    assert [row["口座番号"] for row in rows(content_of(prepared(operator)))] == ["****345", "****456"]
    full = prepared(operator, with_accounts=True)
    assert [row["口座番号"] for row in rows(content_of(full))] == ["1112345", "2223456"]
    access = Access.objects.filter(what=Access.What.EXPORT).latest("pk")
    assert "口座番号" in access.fields


def test_full_account_numbers_need_a_password_given_lately(operator: User) -> None:
    client = Client()
    client.force_login(operator)
    session = client.session
    session["confirmed_at"] = 0.0
    session.save()
    form = {"table": "experts", "ending": "csv", "purpose": PURPOSE, "with_accounts": "on"}
    before = Export.objects.count()
    assert client.post("/office/exports/new/", form)["Location"].startswith("/sign-in/confirm/")
    assert Export.objects.count() == before
    assert client_of(operator).post("/office/exports/new/", form)["Location"] == "/office/exports/"
    assert Export.objects.latest("pk").with_accounts


def test_the_file_on_the_disk_shows_neither_its_content_nor_its_name(operator: User) -> None:
    export = prepared(operator, with_accounts=True)
    assert NUMBER.encode() in content_of(export)
    for path in store().folder.iterdir():
        assert NUMBER.encode() not in path.read_bytes()
        assert "experts" not in path.name
        assert export.stored_name not in path.name


def test_only_the_requester_takes_the_file_and_each_time_is_recorded(story: Story, operator: User) -> None:
    export = prepared(operator)
    other = story.people[Role.OFFICE_APPROVER]
    path = f"/office/exports/{export.pk}/"
    assert client_of(other).get(path).status_code == 404
    assert client_of(story.people[Role.OFFICE_ADMIN]).get(path).status_code == 403
    with pytest.raises(NotAllowed):
        open_export(export=export, actor=other)
    before = Access.objects.filter(what=Access.What.DOWNLOAD).count()
    answer = client_of(operator).get(path)
    assert answer["Content-Disposition"] == 'attachment; filename="experts.csv"'
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert content == content_of(export)
    assert int(answer["Content-Length"]) == len(content)
    downloads_ = Access.objects.filter(what=Access.What.DOWNLOAD)
    assert downloads_.count() == before + 1
    last = downloads_.latest("pk")
    assert (last.actor_id, last.reason, last.row_count) == (operator.pk, PURPOSE, 2)


def test_whoever_has_lost_the_right_since_gets_nothing(operator: User) -> None:
    waiting = request_export(actor=operator, table=table_named("experts"), ending="csv", purpose=PURPOSE)
    ready = prepared(operator)
    operator.role = Role.AGENCY_VIEWER
    waiting.requested_by = operator
    try:
        with pytest.raises(NotAllowed):
            prepare_export(export=waiting, progress=Progress())
        with pytest.raises(NotAllowed):
            open_export(export=ready, actor=operator)
    finally:
        operator.role = Role.OFFICE_OPERATOR


def test_a_file_expires_and_is_deleted_its_record_stays(operator: User) -> None:
    export = prepared(operator)
    stored = export.stored_name
    now = dt.datetime.now(dt.UTC)
    with time_machine.travel(now + dt.timedelta(hours=23, minutes=59), tick=False):
        expire_exports()
        assert store().exists(stored)
        open_export(export=export, actor=operator).close()
    with time_machine.travel(now + dt.timedelta(hours=24, seconds=1), tick=False):
        with pytest.raises(DomainError, match="保管期限"):
            open_export(export=export, actor=operator)
        assert expire_exports() >= 1
        assert not store().exists(stored)
        export.refresh_from_db()
        assert (export.status, export.row_count, export.purpose) == ("expired", 2, PURPOSE)
        assert "期限切れ" in client_of(operator).get("/office/exports/").content.decode()


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_K_01_no_cell_is_a_formula(operator: User, ending: str) -> None:
    risky = ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "\tx", "'x"]
    before = list(Expert.objects.order_by("code").values_list("pk", "name"))
    for text in risky:
        Expert.objects.filter(code="E1").update(name=text)
        content = content_of(prepared(operator, ending=ending))
        if ending == "csv":
            cell: Any = rows(content)[0]["氏名"]
        else:
            found = openpyxl.load_workbook(io.BytesIO(content)).active
            assert found["B2"].data_type == "s"
            cell = found["B2"].value
        assert cell == f"'{text}"
    for pk, name in before:
        Expert.objects.filter(pk=pk).update(name=name)


def test_administrators_see_everybodys_exports_but_no_way_to_a_file(story: Story, operator: User) -> None:
    export = prepared(operator)
    page = client_of(story.people[Role.OFFICE_ADMIN]).get("/office/exports/").content.decode()
    assert PURPOSE in page
    assert operator.get_full_name() in page
    assert f"/office/exports/{export.pk}/" not in page
    others = client_of(story.people[Role.OFFICE_APPROVER]).get("/office/exports/").content.decode()
    assert PURPOSE not in others


def test_the_admins_list_leads_to_the_list_of_exports_with_the_rows_it_showed(operator: User) -> None:
    client = client_of(operator)
    form = {"format": "0", "resource": "0", "purpose": PURPOSE}
    answer = client.post("/admin/experts/expert/export/?q=E2", form)
    assert answer["Location"] == "/office/exports/"
    export = Export.objects.latest("pk")
    assert [
        row["専門家コード"] for row in rows(content_of(prepare_export(export=export, progress=Progress())))
    ] == ["E2"]


# -- files of a run


def test_the_files_of_a_run_open_after_a_purpose_to_that_person_alone(story: Story, operator: User) -> None:
    path = f"/office/runs/{story.values['run']}/files/zengin.txt"
    client = client_of(operator)
    Export.objects.filter(kind=Export.Kind.RUN).update(status=Export.Status.EXPIRED)
    asked = client.get(path)
    assert asked.status_code == 302
    assert asked["Location"].startswith(f"/office/runs/{story.values['run']}/release/?file=zengin.txt")
    assert client.post(asked["Location"], {"purpose": "　"}).status_code == 200
    assert client.get(path).status_code == 302
    opened = client.post(asked["Location"], {"purpose": "銀行への振込依頼のため"})
    assert opened["Location"] == path
    access = Access.objects.filter(what=Access.What.EXPORT).latest("pk")
    assert access.reason == "銀行への振込依頼のため"
    assert access.row_count == 2
    content = b"".join(client.get(path).streaming_content)  # type: ignore[attr-defined]
    assert NUMBER.encode() in content
    assert Access.objects.filter(what=Access.What.DOWNLOAD).latest("pk").reason == "銀行への振込依頼のため"
    assert client_of(story.people[Role.OFFICE_APPROVER]).get(path).status_code == 302
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(hours=25), tick=False):
        sign_in(client, operator)
        assert client.get(path).status_code == 302


def test_files_of_a_run_are_encrypted_on_the_disk_and_deleted_in_the_end(story: Story) -> None:
    run = PayoutRun.objects.get(name=story.values["run"])
    folder: Path = downloads(run).folder
    files = list(folder.iterdir())
    assert len(files) == run.files.count() + 1
    for file in files:
        assert NUMBER.encode() not in file.read_bytes()
        assert "zengin" not in file.name
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(hours=23), tick=False):
        assert expire_downloads() == 0
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(hours=25), tick=False):
        assert expire_downloads() == len(files)
    assert list(folder.iterdir()) == []
