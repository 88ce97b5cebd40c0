"""The months in exchange form load, load again and come out again."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from exchange_folder import cells, counts, exported

from core.audit.acting import SYSTEM
from core.exchange import services
from core.exchange.models import Load

DATA = Path(__file__).resolve().parents[2] / "data" / "acceptance"
FOLDERS = ["2021-07", "edges/stage1"]


@pytest.mark.django_db
@pytest.mark.parametrize("folder", FOLDERS)
def test_a_month_loads_without_a_bad_row_and_changes_nothing_the_second_time(folder: str) -> None:
    first = services.load_folder(DATA / folder, actor=SYSTEM)
    assert first.ok, first.errors
    assert all(count["created"] == count["read"] > 0 for count in first.files.values())
    second = services.load_folder(DATA / folder, actor=SYSTEM)
    assert not second.changed
    assert all(count["unchanged"] == count["read"] for count in second.files.values())
    assert list(Load.objects.values_list("result", flat=True)) == ["unchanged", "loaded"]


@pytest.mark.django_db
@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_exported_loads_unchanged(folder: str, tmp_path: Path) -> None:
    services.load_folder(DATA / folder, actor=SYSTEM)
    files = exported(tmp_path)
    again = services.load_folder(tmp_path, actor=SYSTEM)
    assert again.ok
    assert not again.changed
    assert exported(tmp_path) == files
    for data in files.values():
        assert data.startswith(b"\xef\xbb\xbf")
        assert data.count(b"\n") == data.count(b"\r\n")


@pytest.mark.django_db
def test_a_later_file_updates_what_changed_and_replaces_travel_lines() -> None:
    services.load_folder(DATA / "edges" / "stage1", actor=SYSTEM)
    result = services.load_folder(DATA / "edges" / "stage2", actor=SYSTEM)
    assert result.files["experts.csv"] == counts(1, 0, 1, 0, 0)
    assert result.files["declarations.csv"]["created"] == 1
    assert result.removed == {"travel_claims.csv": 1}


def test_export_into_an_empty_database_and_out_again_gives_the_same_bytes(
    fresh_database: Any, django_db_blocker: Any, tmp_path: Path
) -> None:
    services.load_folder(DATA / "2021-07", actor=SYSTEM)
    files = exported(tmp_path / "one")
    _empty()
    assert cells(exported(tmp_path / "none")["dispatches.csv"]) == []
    services.load_folder(tmp_path / "one", actor=SYSTEM)
    assert exported(tmp_path / "two") == files


def _empty() -> None:
    """Takes everything out again as the owner, past the guards."""
    tables = ("travelline", "declaration", "checkevent", "dispatch", "company")
    with connections["owner"].cursor() as cursor:
        for table in (
            *(f"dispatch_{t}" for t in tables),
            "experts_expert",
            "institutions_institution",
            "payments_payer",
        ):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(f"DELETE FROM {table}")
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.mark.django_db
def test_the_command_prints_one_json_object_with_the_counts_of_each_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    call_command(
        "load_exchange", str(DATA / "2021-07"), "--dry-run", "--errors", str(tmp_path / "errors.csv")
    )
    printed = json.loads(capsys.readouterr().out)
    assert printed["dispatches.csv"] == counts(160, 160, 0, 0, 0)
    assert Load.objects.count() == 0
