"""manage.py: what a person can act on is one line and exit status 1."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import kombu.exceptions
import psycopg
import pytest
import redis
from server_processes import PROJECT, Processes, servers_of

import manage
from core.errors import DomainError


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """manage.py with these arguments; environment on top of ours."""
    return subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), *arguments],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "", "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        text=True,
    )


def assert_one_line(result: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("エラー: ")
    for part in parts:
        assert part in result.stderr


def test_a_database_that_does_not_answer_is_one_line() -> None:
    result = run(
        "showmigrations",
        DATABASE_URL="postgresql://nobody:none@127.0.0.1:1/none",
        REDIS_URL="redis://127.0.0.1:1/0",
    )
    assert_one_line(result, "データベースに接続できない")


def test_a_folder_that_cannot_hold_the_data_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "ファイル").touch()
    result = run("showmigrations", VAR_DIR=str(tmp_path / "ファイル"), DATABASE_URL="", REDIS_URL="")
    assert_one_line(result, "VAR_DIR", "ファイル")


def test_production_settings_without_a_secret_are_one_line() -> None:
    result = run(
        "check", "--settings", "config.settings.production", SECRET_KEY="", DATABASE_URL="", REDIS_URL=""
    )
    assert_one_line(result, "SECRET_KEY")


def test_a_refusal_by_the_rules_of_the_office_is_one_line() -> None:
    code = (
        "import sys, manage\n"
        "from django.core import management\n"
        "from core.errors import DomainError\n"
        "def refuse(arguments): raise DomainError('担当者と承認者が同じです。')\n"
        "management.execute_from_command_line = refuse\n"
        "manage.main(['manage.py', 'version'])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stderr) == (1, "エラー: 担当者と承認者が同じです。\n")


def test_a_defect_keeps_its_traceback() -> None:
    assert manage.refusal(KeyError("x")) is None
    assert manage.refusal(DomainError("だめです。")) == "だめです。"


def test_a_broker_that_does_not_answer_is_told_apart_from_the_database() -> None:
    with pytest.raises(redis.exceptions.ConnectionError) as refused:
        redis.Redis.from_url("redis://127.0.0.1:1/0").ping()
    assert str(manage.refusal(refused.value)).startswith("Redis に接続できません")
    assert str(manage.refusal(kombu.exceptions.OperationalError("x"))).startswith("Redis に接続できません")
    assert str(manage.refusal(psycopg.OperationalError("x"))).startswith("データベース")


def test_the_settings_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "config.settings.test")
    assert manage.settings_named_in(["manage.py", "check"]) == "config.settings.test"
    for option in (["--settings", "a.b"], ["--settings=a.b"]):
        assert manage.settings_named_in(["manage.py", "check", *option]) == "a.b"
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    assert manage.settings_named_in(["manage.py", "check"]) == "config.settings.embedded"


def test_help_starts_no_servers(var_dir: Path) -> None:
    result = run("migrate", "--help", VAR_DIR=str(var_dir), DATABASE_URL="", REDIS_URL="")
    assert result.returncode == 0
    assert not (var_dir / "postgres").exists()


def test_a_command_starts_the_servers_and_stops_them(first_processes: Processes, var_dir: Path) -> None:
    given = {key: first_processes.environment.get(key, "") for key in ("VAR_DIR", "EMBEDDED_FSYNC")}
    result = run("showmigrations", "contenttypes", DATABASE_URL="", REDIS_URL="", **given)
    assert (result.returncode, result.stderr) == (0, "")
    assert (var_dir / "postgres" / "data" / "PG_VERSION").exists()
    assert servers_of(var_dir) == []


@pytest.fixture
def bare_project(tmp_path: Path) -> Path:
    """A checkout before `make setup`."""
    project = tmp_path / "試し 場所"
    project.mkdir()
    shutil.copy(PROJECT / "manage.py", project)
    return project


def run_without_packages(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """manage.py under a Python that has nothing but its standard library."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(project / "manage.py"), *arguments], capture_output=True, text=True
    )


def test_before_setup_one_is_told_to_run_it(bare_project: Path) -> None:
    assert_one_line(run_without_packages(bare_project, "check"), "make setup")


def test_any_python_goes_on_with_the_one_of_the_project(bare_project: Path) -> None:
    python = bare_project / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nshift\necho "project: $*"\n')
    python.chmod(0o755)
    result = run_without_packages(bare_project, "load_exchange", "ある 場所")
    assert (result.returncode, result.stdout) == (0, "project: load_exchange ある 場所\n")
