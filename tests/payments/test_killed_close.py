"""The close is killed at 20 random moments; called again it finishes the same run with the same bytes."""

import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from closing import ACCEPTANCE, assert_as_expected, checker, contents, load, maker
from django.conf import settings
from django.db import connections
from psycopg import sql

from payments.models import Payout

SEED = 20210731
MOMENTS = 20


@dataclass(frozen=True)
class Loaded:
    """A database with the month loaded, to be cloned for each moment."""

    name: str
    environment: dict[str, str]


@contextmanager
def owner(database: str) -> Iterator[psycopg.Connection[Any]]:
    given = settings.DATABASES["owner"]
    with psycopg.connect(
        dbname=database,
        user=given["USER"],
        password=given["PASSWORD"],
        host=given["HOST"],
        port=given["PORT"] or None,
        autocommit=True,
    ) as connection:
        yield connection


@pytest.fixture
def loaded(fresh_database: Any) -> Loaded:
    load("2021-07")
    maker()
    checker()
    for alias in ("default", "owner"):
        connections[alias].close()  # a template has no guests
    return Loaded(fresh_database.name, fresh_database.environment)


@contextmanager
def clone(loaded: Loaded) -> Iterator[Loaded]:
    name = f"test_{secrets.token_hex(4)}"
    with owner(os.environ["TEST_MAINTENANCE_DATABASE"]) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(loaded.name)
            )
        )
        connection.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                sql.Identifier(name),
                sql.Identifier(
                    settings.DATABASES["default"].get("ASSUME_ROLE") or settings.DATABASES["default"]["USER"]
                ),
            )
        )
        try:
            yield Loaded(
                name, {key: value.replace(loaded.name, name) for key, value in loaded.environment.items()}
            )
        finally:
            drop(connection, name)


def drop(connection: psycopg.Connection[Any], name: str) -> None:
    """Drops a database that its last guest, a cleaner of the server's own perhaps, may still be about to leave."""
    deadline = time.monotonic() + 30
    while True:
        try:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            return
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
            if time.monotonic() >= deadline:
                raise
        time.sleep(0.1)


def start(database: Loaded, output: Path) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "manage.py",
        "close_month",
        "2021-07",
        "--maker",
        "tanto",
        "--checker",
        "shonin",
    ]
    return subprocess.Popen(
        [*command, "--pay-date", "2021-08-25", "--output", str(output)],
        cwd=settings.BASE_DIR,
        env=database.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(database: Loaded, output: Path) -> None:
    process = start(database, output)
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == 0, complaint


def runs(database: Loaded) -> list[tuple[Any, ...]]:
    with owner(database.name) as connection:
        return connection.execute(
            "SELECT r.name, r.status, r.net, r.digest, count(l.id), sum(l.amount) FROM payments_payoutrun r"
            " JOIN payments_payoutline l ON l.run_id = r.id GROUP BY r.id"
        ).fetchall()


@dataclass(frozen=True)
class Outcome:
    """How one killed close ended after being called again."""

    killed: bool
    files: dict[str, bytes]
    runs: list[tuple[Any, ...]]
    leftovers: list[str]


def killed_and_called_again(loaded: Loaded, folder: Path, seconds: float, *, into_existing: bool) -> Outcome:
    folder.mkdir()
    if into_existing:
        (folder / "out").mkdir()
    with clone(loaded) as database:
        process = start(database, folder / "out")
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        killed = process.returncode == -signal.SIGKILL
        assert killed or process.returncode == 0
        if killed:
            finish(database, folder / "out")
        return Outcome(
            killed,
            contents(folder / "out"),
            runs(database),
            [path.name for path in folder.iterdir() if path.name != "out"],
        )


def test_a_close_killed_at_any_moment_is_finished_by_the_next_call(loaded: Loaded, tmp_path: Path) -> None:
    with clone(loaded) as undisturbed:
        begun = time.monotonic()
        finish(undisturbed, tmp_path / "reference")
        duration = time.monotonic() - begun
        reference = Outcome(False, contents(tmp_path / "reference"), runs(undisturbed), [])
    assert_as_expected(tmp_path / "reference", ACCEPTANCE / "expected" / "2021-07")
    dice = random.Random(SEED)  # noqa: S311 - moments, not secrets
    # before the first third Python is still starting
    moments = [duration * dice.uniform(0.35, 1.05) for _ in range(MOMENTS)]
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(
            pool.map(
                lambda moment: killed_and_called_again(
                    loaded, tmp_path / str(moment[0]), moment[1], into_existing=moment[0] % 2 == 1
                ),
                enumerate(moments),
            )
        )
    assert sum(outcome.killed for outcome in outcomes) >= MOMENTS // 2
    for outcome in outcomes:
        assert outcome.leftovers == []
        assert outcome.runs == reference.runs
        assert outcome.files == reference.files


def test_the_reference_has_a_notice_per_payout(loaded: Loaded, tmp_path: Path) -> None:
    finish(loaded, tmp_path / "out")
    assert Payout.objects.count() == len(list((tmp_path / "out" / "notices").iterdir()))
