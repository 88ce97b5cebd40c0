"""Months of history as signed files; history leaves the database only from there, and never too early."""

import datetime as dt
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection, connections

from core import clock
from core.audit import sealing
from core.audit.archiving import archive_folder, archive_months, archive_problem, manifest_of, purge_audit
from core.audit.models import Archive, Change, Seal
from core.audit.retention import check_retention, retention_days
from core.audit.sealing import seal_audit
from core.audit.signing import own_public_keys, public_key_text
from core.audit.verifying import verify_audit
from core.errors import DomainError
from core.secrets import new_key

Rename = Callable[[str, int], None]
NEXT_MONTH = dt.datetime.now(dt.UTC) + dt.timedelta(days=32)

pytestmark = pytest.mark.usefixtures("fresh_database")


@pytest.fixture
def archived(rename: Rename) -> Path:
    """This month's history, archived as if the next month had come."""
    for position in (60, 61, 62):
        rename("創業", position)
        seal_audit()
    with time_machine.travel(NEXT_MONTH):
        written = archive_months()
    assert len(written) == 1
    return written[0].path


def years_ago(tampering: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there was written and will be sealed 500 days before today."""
    tampering("UPDATE audit_change SET at = at - interval '500 days'")
    monkeypatch.setattr(
        sealing,
        "_MICROSECONDS",
        "SELECT (extract(epoch FROM clock_timestamp() - interval '500 days') * 1000000)::bigint",
    )
    seal_audit()
    monkeypatch.undo()


def seal_at(moment: dt.datetime, rename: Rename, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change, sealed by a server whose clock says this moment."""
    rename("創業", Change.objects.count() % 1_000 + 60)
    microseconds = int(moment.timestamp() * 1_000_000)
    monkeypatch.setattr(sealing, "_MICROSECONDS", f"SELECT {microseconds}::bigint")
    seal_audit()
    monkeypatch.undo()


def in_japan(month: int, day: int, hour: int = 12) -> dt.datetime:
    """A moment around the end of a year."""
    year = 2031 if month > 6 else 2032
    return dt.datetime(year, month, day, hour, tzinfo=clock.JST)


def test_a_clock_set_back_over_the_end_of_a_year_overwrites_no_file_and_leaves_nothing_out(
    rename: Rename, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal_at(in_japan(12, 20), rename, monkeypatch)
    with time_machine.travel(in_japan(1, 1, 3), tick=False):
        (december,) = archive_months()
    kept = december.path.read_bytes()
    # the clock was ahead: it is still the last evening of December
    seal_at(in_japan(12, 31, 22), rename, monkeypatch)
    with time_machine.travel(in_japan(12, 31, 23), tick=False):
        assert archive_months() == []
    seal_at(in_japan(1, 5), rename, monkeypatch)
    with time_machine.travel(in_japan(2, 1, 3), tick=False):
        (january,) = archive_months()
    assert (december.month, january.month) == ("2031-12", "2032-01")
    assert december.path.read_bytes() == kept
    assert [archive_problem(each.path, *own_public_keys()) for each in (december, january)] == ["", ""]
    assert december.count + january.count == Change.objects.count()
    assert verify_audit().problem == ""


def test_a_seal_of_a_clock_far_ahead_keeps_no_later_month_from_its_file(
    rename: Rename, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal_at(in_japan(12, 20), rename, monkeypatch)
    seal_at(in_japan(12, 31).replace(year=2041), rename, monkeypatch)
    with time_machine.travel(in_japan(1, 1, 3), tick=False):
        (december,) = archive_months()
    seal_at(in_japan(1, 5), rename, monkeypatch)
    with time_machine.travel(in_japan(2, 1, 3), tick=False):
        (january,) = archive_months()
    assert january.month == "2032-01"
    assert december.count + january.count == Change.objects.count()
    assert [archive_problem(each.path, *own_public_keys()) for each in (december, january)] == ["", ""]


def test_an_archive_holds_every_row_of_its_blocks_and_proves_itself(archived: Path) -> None:
    row = Archive.objects.get()
    assert (row.first_block, row.last_block, row.count) == (1, Seal.objects.count(), Change.objects.count())
    assert archive_problem(archived, *own_public_keys()) == ""
    with gzip.open(archived, "rt") as lines:
        rows = [json.loads(line)["row"] for line in lines if '{"row"' in line]
    assert [int(row["id"]) for row in rows] == list(
        Change.objects.order_by("id").values_list("id", flat=True)
    )
    assert rows[-1]["new"] and json.loads(rows[-1]["new"])["position"] == 62
    assert archived.stat().st_mode & 0o777 == 0o400


def test_the_running_month_is_not_archived_and_an_archived_one_not_again(archived: Path) -> None:
    with time_machine.travel(NEXT_MONTH):
        assert archive_months() == []
    assert archive_months() == []


def test_the_same_blocks_give_the_same_bytes(archived: Path, tampering: Callable[..., None]) -> None:
    before = archived.read_bytes(), manifest_of(archived).read_bytes()
    tampering("DELETE FROM audit_archive")
    with time_machine.travel(NEXT_MONTH):
        archive_months()
    assert (archived.read_bytes(), manifest_of(archived).read_bytes()) == before


def test_one_changed_byte_anywhere_fails_the_check(archived: Path) -> None:
    for path in (archived, manifest_of(archived)):
        whole = path.read_bytes()
        path.chmod(0o600)
        for position in range(0, len(whole), max(1, len(whole) // 40)):
            path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
            if path == archived or json_differs(whole, path.read_bytes()):
                assert archive_problem(archived, *own_public_keys())
        path.write_bytes(whole)
    call_command("verify_archive", archived)


def json_differs(before: bytes, after: bytes) -> bool:
    try:
        return bool(json.loads(before) != json.loads(after))
    except ValueError:
        return True


def test_an_archive_is_checked_with_the_public_key_alone_and_refused_under_another(
    archived: Path, tmp_path: Path, settings: Any
) -> None:
    key = archive_folder() / "public-key.pem"
    assert key.read_text() == public_key_text()
    settings.AUDIT_SIGNING_KEY = new_key()
    call_command("verify_archive", archived, public_key=key)
    with pytest.raises(DomainError, match="署名が正しくありません"):
        call_command("verify_archive", archived)
    (tmp_path / "no.pem").write_text("x")
    with pytest.raises(DomainError, match="公開鍵"):
        call_command("verify_archive", archived, public_key=tmp_path / "no.pem")


def test_after_a_new_signing_key_older_archives_stay_checked_by_the_retired_one(
    archived: Path, settings: Any
) -> None:
    old, new = settings.AUDIT_SIGNING_KEY, new_key()
    settings.AUDIT_SIGNING_KEY = f"{new}\n{old}"
    call_command("verify_archive", archived)
    assert archive_problem(archived, *own_public_keys()) == ""
    # what comes from now on is signed by the new one
    assert public_key_text() != (archive_folder() / "public-key.pem").read_text()
    settings.AUDIT_SIGNING_KEY = new
    assert archive_problem(archived, *own_public_keys())


def test_an_archived_tail_cannot_be_cut_from_the_database_unnoticed(
    archived: Path, tampering: Callable[..., None]
) -> None:
    tampering("DELETE FROM audit_seal WHERE number = (SELECT max(number) FROM audit_seal)")
    with connection.cursor() as cursor:
        sealing.witness_file(sealing.database_name(cursor)).unlink()
    assert "保管ファイル" in verify_audit().problem


def test_history_past_its_time_leaves_and_the_chain_stays_whole(
    rename: Rename, tampering: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    rename("創業", 60)
    years_ago(tampering, monkeypatch)
    old = Change.objects.count()
    rename("創業", 61)
    seal_audit()
    archive_months()
    assert purge_audit() == old
    assert Change.objects.count() == 1
    assert Seal.objects.filter(source=Seal.Source.PURGE, count=old).exists()
    assert verify_audit().problem == ""
    assert purge_audit() == 0
    rename("創業", 62)
    seal_audit()
    assert verify_audit().problem == ""
    tampering("UPDATE audit_change SET reason = 'x' WHERE id = (SELECT max(id) FROM audit_change)")
    assert "書き換えられています" in verify_audit().problem


def test_history_is_not_purged_when_its_file_is_damaged_or_gone(
    rename: Rename, tampering: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    rename("創業", 60)
    years_ago(tampering, monkeypatch)
    written = archive_months()
    before = Change.objects.count()
    written[0].path.chmod(0o600)
    with written[0].path.open("ab") as file:
        file.write(b"x")
    with pytest.raises(DomainError, match="SHA-256"):
        purge_audit()
    written[0].path.unlink()
    with pytest.raises(DomainError, match="ありません"):
        purge_audit()
    assert Change.objects.count() == before


def test_the_database_refuses_to_purge_what_is_younger_than_31_days_or_not_archived(
    archived: Path, rename: Rename
) -> None:
    with connections["sealer"].cursor() as cursor, pytest.raises(Exception, match="31日以内"):
        cursor.execute("SELECT audit_purge(1)")
    rename("創業", 63)
    seal_audit()
    with (
        connections["sealer"].cursor() as cursor,
        pytest.raises(Exception, match="保管ファイルにない|31日以内"),
    ):
        cursor.execute("SELECT audit_purge(%s)", [Seal.objects.count()])
    before = Change.objects.count()
    with (
        time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=1000)),
        pytest.raises(Exception, match="31日"),
    ):
        purge_audit()
    assert Change.objects.count() == before


def test_a_retention_below_31_days_is_refused(settings: Any) -> None:
    settings.AUDIT_RETENTION_DAYS = 31
    assert retention_days() == 31
    assert check_retention(None) == []
    settings.AUDIT_RETENTION_DAYS = 30
    assert [error.id for error in check_retention(None)] == ["audit.E001"]
    with pytest.raises(ImproperlyConfigured):
        purge_audit()
