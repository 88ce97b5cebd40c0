"""Data taken from the disk say nothing: markers written through every path are searched for in the database's files,
its log of changes, the folders of the service and a dump (security.md R-020)."""

import datetime as dt
import io
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.conf import settings as configured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from rights_story import FILES
from url_walk import sign_in

from accounts.adapters import SecondFactorAdapter
from accounts.models import Role, User
from config.servers.binaries import installed
from config.servers.layout import SUPERUSER, load_state
from config.servers.postgres import data_folder
from core.audit.acting import SYSTEM
from core.audit.models import Change
from core.exchange.services import load_files
from core.exports.models import Export
from core.jobs.models import Job
from core.jobs.services import execute_job
from experts.models import Expert
from payments.models import Payer, Payout, PayoutRun
from payments.services import approve_run, compute_run, draft_run
from payments.services.export import downloads

pytestmark = pytest.mark.skipif(not configured.EMBEDDED_SERVERS, reason="needs the files of the database")

HOLDER = "ミツカラナイメイギ"
SECRET = "MITSUKARANAIHIMITSUMITSUKARANAIX"
# what stands readable in the database: proves that the search finds what is there
READABLE = "吉田 見出"


class Disk:
    """Everything that somebody with the disk has: the cluster with its write-ahead log, and the service's folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def holds(self, marker: str) -> list[str]:
        """The files with that text, after everything in memory is written down."""
        state = load_state(configured.VAR_DIR)
        with psycopg.connect(state.database_url(SUPERUSER, "postgres"), autocommit=True) as superuser:
            superuser.execute("CHECKPOINT")
        found = subprocess.run(
            ["grep", "--recursive", "--text", "--fixed-strings", "--files-with-matches", "--regexp", marker,
             str(data_folder(configured.VAR_DIR)), str(self.folder)],
            capture_output=True,
            text=True,
        )  # fmt: skip
        # 2: a file of another test's database went away meanwhile
        assert found.returncode in (0, 1, 2)
        return found.stdout.split()

    def unused_number(self) -> str:
        """Seven digits that stand nowhere yet."""
        while True:
            number = f"{random.SystemRandom().randint(1_000_000, 9_999_999)}"
            if not self.holds(number):
                return number


@pytest.fixture
def disk(fresh_database: Any, django_db_blocker: Any, settings: Any, tmp_path: Path) -> Iterator[Disk]:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    settings.MFA_REQUIRED = False
    with django_db_blocker.unblock():
        yield Disk(tmp_path)


def account(name: str, role: str) -> User:
    return User.objects.create(username=name, role=role, is_staff=True)


def client_of(user: User) -> Client:
    client = Client()
    sign_in(client, user)
    return client


def upload(client: Client, files: dict[str, str]) -> Job:
    """Through the office's page; answers the waiting job."""
    sent = [SimpleUploadedFile(name, text.encode()) for name, text in files.items()]
    client.post("/office/imports/", {"uploads": sent})
    return Job.objects.latest("pk")


def ended(job: Job) -> Job:
    execute_job(job.pk)
    job.refresh_from_db()
    assert job.status == Job.Status.DONE, job.error
    return job


def dump(name: str) -> str:
    state = load_state(configured.VAR_DIR)
    return subprocess.run(
        [installed().postgres("pg_dump"), "--dbname", state.database_url(SUPERUSER, name)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_R_020_no_marker_is_found_on_the_disk_or_in_a_dump(disk: Disk, fresh_database: Any) -> None:
    expert, payer, refused = (disk.unused_number() for _ in range(3))
    files = {
        "payer.csv": FILES["payer.csv"].replace("7654321", payer),
        "institutions.csv": FILES["institutions.csv"],
        "experts.csv": FILES["experts.csv"]
        .replace("1112345,ヨシダ タロウ", f"{expert},{HOLDER}")
        .replace("吉田 太郎", READABLE),
        **{
            name: text
            for name, text in FILES.items()
            if name not in ("payer.csv", "institutions.csv", "experts.csv")
        },
    }
    operator = account("tanto", Role.OFFICE_OPERATOR)
    approver = account("shonin", Role.OFFICE_APPROVER)
    client = client_of(operator)
    markers = (expert, payer, refused, HOLDER)

    def nowhere() -> None:
        for marker in markers:
            assert disk.holds(marker) == []

    # an upload that waits, then a load
    job = upload(client, files)
    assert list((disk.folder / "uploads" / "office").iterdir())
    nowhere()
    ended(job)
    assert Expert.objects.get(code="E1").account_number == expert
    assert list((disk.folder / "uploads" / "office").iterdir()) == []
    # a refused load: the bad number, and whole lines that can't be taken apart
    bad = f"{files['experts.csv']}E9,{HOLDER},{refused}\n".replace(f",{expert},", f",{refused}9,")
    job = ended(upload(client, {"experts.csv": bad}))
    assert job.result["rejected"]
    page = client.get(f"/office/imports/{job.pk}/").content.decode()
    listed = b"".join(client.get(f"/office/imports/{job.pk}/errors.csv").streaming_content).decode()
    for marker in markers:
        assert marker not in page
        assert marker not in listed
    # an upload that waits for confirmation in the admin
    sent = SimpleUploadedFile("experts.csv", files["experts.csv"].encode())
    client.post("/admin/experts/expert/import/", {"import_file": sent, "format": "0", "resource": "0"})
    # a run: copies of payee and payer, bank file, notices, ZIP
    run = draft_run(
        month=dt.date(2021, 7, 1), pay_date=dt.date(2021, 8, 25), actor=operator, past_allowed=True
    )
    run = approve_run(run=compute_run(run=run, actor=operator), actor=approver)
    client.post(f"/office/runs/{run.name}/export/")
    ended(Job.objects.latest("pk"))
    with downloads(run).open("zengin.txt") as file:
        content = file.read()
    assert expert.encode() in content
    assert payer.encode() in content
    # an export of a register with the numbers in full
    form = {"table": "experts", "ending": "csv", "purpose": "口座の確認のため", "with_accounts": "on"}
    client.post("/office/exports/new/", form)
    ended(Job.objects.latest("pk"))
    export = Export.objects.latest("pk")
    taken = b"".join(client.get(f"/office/exports/{export.pk}/").streaming_content)  # type: ignore[attr-defined]
    assert expert.encode() in taken
    # seen in full on the screen
    shown = client.post("/office/experts/E1/bank-account/", {"reason": "振込不能の照会"})
    assert expert in shown.content.decode()
    # a change, which leaves history of before and after
    changed = files["experts.csv"].replace("試験町1", "試験町9")
    ended(upload(client, {"experts.csv": changed}))
    assert Change.objects.filter(table="experts_expert", operation="U").exists()

    nowhere()
    assert disk.holds(READABLE), "the search finds what is there"
    text = dump(fresh_database.name)
    assert READABLE in text
    for marker in markers:
        assert marker not in text


def test_R_020_secrets_of_second_factors_are_not_found_either(disk: Disk, fresh_database: Any) -> None:
    user = account("tanto", Role.OFFICE_OPERATOR)
    Authenticator.objects.create(
        user=user, type=Authenticator.Type.TOTP, data={"secret": SecondFactorAdapter().encrypt(SECRET)}
    )
    codes = RecoveryCodes.activate(user).generate_codes()
    for marker in (SECRET, codes[0]):
        assert disk.holds(marker) == []
        assert marker not in dump(fresh_database.name)


@pytest.mark.django_db
def test_the_database_takes_no_plain_account_number_by_whatever_way() -> None:
    result = load_files({name: io.BytesIO(text.encode()) for name, text in FILES.items()}, actor=SYSTEM)
    assert result.ok
    for table, column in (
        ("experts_expert", "account_number"),
        ("experts_expert", "account_holder_kana"),
        ("payments_payer", "account_number"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET {column} = '1234567'")


@pytest.mark.django_db
def test_history_holds_ciphers_only() -> None:
    load_files({name: io.BytesIO(text.encode()) for name, text in FILES.items()}, actor=SYSTEM)
    Expert.objects.filter(code="E1").update(account_number="1231231")
    for change in Change.objects.filter(table__in=("experts_expert", "payments_payer")):
        for side in (change.old, change.new):
            if side:
                assert side["account_number"].startswith("gAAAA")
    assert Payer.objects.get().account_number == "7654321"
    assert not Payout.objects.exists()
    assert not PayoutRun.objects.exists()


def test_existing_rows_are_sealed_by_the_migration_and_opened_by_its_reverse(disk: Disk) -> None:
    load_files({name: io.BytesIO(text.encode()) for name, text in FILES.items()}, actor=SYSTEM)
    maker, checker = account("tanto", Role.OFFICE_OPERATOR), account("shonin", Role.OFFICE_APPROVER)
    run = draft_run(month=dt.date(2021, 7, 1), pay_date=dt.date(2021, 8, 25), actor=maker, past_allowed=True)
    approve_run(run=compute_run(run=run, actor=maker), actor=checker)
    history = Change.objects.count()

    def stored() -> list[tuple[str, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT e.account_number, e.account_holder_kana, p.account_number, r.payer_copy ->> 'account_number',"
                " (SELECT account_number FROM payments_payer)"
                " FROM experts_expert e JOIN payments_payout p ON p.expert_id = e.id"
                " JOIN payments_payoutrun r ON r.id = p.run_id ORDER BY e.code"
            )
            return list(cursor.fetchall())

    sealed = stored()
    call_command("migrate", "payments", "0004_frozen_evidence", verbosity=0)
    call_command("migrate", "experts", "0002_history", verbosity=0)
    assert stored() == [
        ("1112345", "ヨシダ タロウ", "1112345", "7654321", "7654321"),
        ("2223456", "ベツダ ハナコ", "2223456", "7654321", "7654321"),
    ]
    call_command("migrate", verbosity=0)
    again = stored()
    assert [[value.partition(".")[2] for value in row] for row in again] == [
        [value.partition(".")[2] for value in row] for row in sealed
    ]
    assert Expert.objects.get(code="E1").account_number == "1112345"
    assert Change.objects.count() == history
    with pytest.raises(Exception, match="承認済み"), transaction.atomic():
        Payout.objects.update(name="x")
