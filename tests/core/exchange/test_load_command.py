"""The commands as people and other programs call them."""

import csv
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from exchange_folder import COMPANY, as_csv, small

from benchmarks.generate import Month
from dispatch.models import CheckEvent, Dispatch, TravelLine

BASE = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The small set as files."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name, rows in small().items():
        (folder / f"{name}.csv").write_text(as_csv(rows), encoding="utf-8")
    return folder


def _run(fresh_database: Any, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BASE / "manage.py"), *map(str, arguments)]
    ended = subprocess.run(
        command, env=fresh_database.environment, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in ended.stderr
    return ended


def _start(fresh_database: Any, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(BASE / "manage.py"), *map(str, arguments)]
    return subprocess.Popen(command, env=fresh_database.environment, stdout=subprocess.PIPE, text=True)


def _errors(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_bad_rows_go_to_the_errors_file_and_a_clean_load_removes_it(
    fresh_database: Any, folder: Path
) -> None:
    good = (folder / "companies.csv").read_text(encoding="utf-8")
    bad = as_csv([{**COMPANY, "業種コード": "=cmd", "従業員数": "x" * 500}])
    (folder / "companies.csv").write_text(bad, encoding="utf-8")
    ended = _run(fresh_database, "load_exchange", folder)
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["companies.csv"]["rejected"] == 1
    assert len(ended.stdout.splitlines()) == 1
    data = (folder / "errors.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n") == data.count(b"\n") == 3
    rows = _errors(folder / "errors.csv")
    assert [(row["ファイル"], row["行"], row["列"]) for row in rows] == [
        ("companies.csv", "2", "業種コード"),
        ("companies.csv", "2", "従業員数"),
    ]
    assert rows[0]["値"] == "'=cmd"
    assert len(rows[1]["値"]) < 100

    (folder / "companies.csv").write_text(good, encoding="utf-8")
    assert _run(fresh_database, "load_exchange", folder, "--dry-run").returncode == 0
    assert not (folder / "errors.csv").exists()
    ended = _run(fresh_database, "load_exchange", folder)
    assert json.loads(ended.stdout)["dispatches.csv"]["created"] == 1
    ended = _run(fresh_database, "load_exchange", folder)
    assert json.loads(ended.stdout)["dispatches.csv"]["unchanged"] == 1
    assert "変更はありません" in ended.stderr
    out = folder.parent / "新しい フォルダー"
    assert _run(fresh_database, "export_exchange", out).returncode == 0
    assert len(list(out.iterdir())) == 8


def test_what_cannot_be_done_is_said_in_one_line(fresh_database: Any, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    calls: list[tuple[tuple[object, ...], str]] = [
        (("load_exchange", tmp_path / "none"), "ありません"),
        (("load_exchange", tmp_path / "file"), "フォルダーではありません"),
        (("load_exchange", tmp_path / "empty"), "読み込めるファイルがありません"),
        (("load_exchange", folder, "--errors", tmp_path / "none" / "e.csv"), "書き込めません"),
        (("load_exchange", folder, "--errors", tmp_path), "書き込めません"),
        (("load_exchange", folder, "--errors", folder / "companies.csv"), "同じ"),
        (("export_exchange", tmp_path / "file"), "書き込めません"),
    ]
    for arguments, word in calls:
        ended = _run(fresh_database, *arguments)
        assert ended.returncode == 1
        assert ended.stdout == ""
        assert word in ended.stderr
        assert len(ended.stderr.strip().splitlines()) == 1


def test_a_file_that_cannot_be_opened_is_one_error_among_those_of_the_others(
    fresh_database: Any, folder: Path
) -> None:
    (folder / "payer.csv").unlink()
    (folder / "payer.csv").mkdir()
    (folder / "companies.csv").write_text(as_csv([{**COMPANY, "業種コード": "?"}]), encoding="utf-8")
    assert _run(fresh_database, "load_exchange", folder).returncode == 1
    rows = _errors(folder / "errors.csv")
    assert [(row["ファイル"], row["行"], row["列"]) for row in rows] == [
        ("payer.csv", "", ""),
        ("companies.csv", "2", "業種コード"),
    ]


def test_two_loads_at_once_end_as_one_after_the_other(fresh_database: Any, folder: Path) -> None:
    both = [_start(fresh_database, "load_exchange", folder) for _ in range(2)]
    printed = [json.loads(load.communicate()[0]) for load in both]
    assert [load.returncode for load in both] == [0, 0]
    assert sorted((p["dispatches.csv"]["created"], p["dispatches.csv"]["unchanged"]) for p in printed) == [
        (0, 1),
        (1, 0),
    ]


@pytest.mark.parametrize("seconds", [1.2, 1.8, 2.4])
def test_a_load_that_is_killed_has_loaded_all_or_nothing(
    fresh_database: Any, tmp_path: Path, seconds: float
) -> None:
    written = Month(3_000).write(tmp_path / "in")
    killed = _start(fresh_database, "load_exchange", tmp_path / "in")
    time.sleep(seconds)
    killed.kill()
    killed.wait()
    counts = {model: model.objects.count() for model in (Dispatch, CheckEvent, TravelLine)}
    assert list(counts.values()) in (
        [0, 0, 0],
        [written["dispatches"], written["check_events"], written["travel_claims"]],
    )
    again = json.loads(_run(fresh_database, "load_exchange", tmp_path / "in").stdout)
    assert again["dispatches.csv"]["created"] + again["dispatches.csv"]["unchanged"] == 3_000
    assert Dispatch.objects.count() == 3_000
