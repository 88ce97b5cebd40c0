"""A PostgreSQL of these tests' own that may be destroyed, with a repository beside it."""

import datetime as dt
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config import servers
from config.servers.layout import load_state
from config.servers.postgres import data_folder, log_folder
from config.servers.privileges import make_folder, server_account
from config.servers.processes import running, wait_gone
from core.backup.cluster import Cluster, _embedded_programs
from core.backup.kept_files import Root
from core.backup.own_servers import restore_in_place
from core.backup.repository import Repository, Set
from core.backup.taking import collect, take_backup


@dataclass
class Place:
    """One installation: its VAR_DIR, its backups elsewhere, its kept files."""

    var_dir: Path
    repository: Repository

    @property
    def cluster(self) -> Cluster:
        address = load_state(self.var_dir).endpoints().superuser_url
        return Cluster(address, log_folder(self.var_dir), _embedded_programs())

    @property
    def roots(self) -> list[Root]:
        return [
            Root("evidence", self.evidence, grows=True),
            Root("audit", self.var_dir / "audit"),
            Root("settings", self.var_dir, names=("servers.json",)),
        ]

    @property
    def evidence(self) -> Path:
        return self.var_dir / "evidence"

    def start(self) -> None:
        servers.attach(self.var_dir, with_redis=False)
        make_folder(log_folder(self.var_dir), server_account(self.var_dir))
        self.evidence.mkdir(exist_ok=True)
        (self.var_dir / "audit").mkdir(exist_ok=True)

    def sql(self, text: str) -> Any:
        with psycopg.connect(self.cluster.url, autocommit=True) as connection:
            done = connection.execute(text)
            return done.fetchone() if done.description else None

    def destroy(self) -> None:
        """Power off and the disk gone: nothing is left of VAR_DIR."""
        numbers = running("postgres", data_folder(self.var_dir))
        for number in numbers:
            os.kill(number, signal.SIGKILL)
        assert wait_gone(numbers, 10)
        servers.detach(self.var_dir)
        shutil.rmtree(load_state(self.var_dir).socket_dir, ignore_errors=True)
        shutil.rmtree(self.var_dir)


@pytest.fixture(scope="session")
def made_once() -> Iterator[Path]:
    """A stopped VAR_DIR with a cluster: making one takes longest."""
    parent = Path(tempfile.mkdtemp(prefix="backup-made-"))
    os.environ.setdefault("EMBEDDED_FSYNC", "off")
    servers.attach(parent / "var", with_redis=False)
    servers.detach(parent / "var")
    yield parent / "var"
    shutil.rmtree(load_state(parent / "var").socket_dir, ignore_errors=True)
    shutil.rmtree(parent)


@pytest.fixture
def place(made_once: Path) -> Iterator[Place]:
    parent = Path(tempfile.mkdtemp(prefix="控え 試し "))
    subprocess.run(["cp", "-a", made_once, parent / "var"], check=True)
    made = Place(parent / "var", Repository(parent / "backup"))
    made.start()
    yield made
    servers.detach(made.var_dir)
    for number in running("postgres", data_folder(made.var_dir)):
        os.kill(number, signal.SIGKILL)
    shutil.rmtree(parent, ignore_errors=True)


def back_up(place: Place, kind: str = "") -> Set:
    """A backup, of the kind the calendar wants unless one is named."""
    return take_backup(repository=place.repository, cluster=place.cluster, roots=place.roots, kind=kind)


def collect_now(place: Place) -> int:
    """What happens each minute."""
    return collect(repository=place.repository, cluster=place.cluster, roots=place.roots)


def restore(place: Place, to: dt.datetime | None = None) -> None:
    """The whole place as it was at the moment."""
    restore_in_place(
        repository=place.repository, cluster=place.cluster, roots=place.roots, var_dir=place.var_dir, to=to
    )


def moment(place: Place) -> dt.datetime:
    """A moment by the database's clock, between what was committed before and what comes."""
    (now,) = place.sql("SELECT clock_timestamp() FROM (SELECT pg_sleep(0.01)) AS waited")
    assert isinstance(now, dt.datetime)
    return now
