"""A standby by the delivered scripts: it follows, reads only, and takes over when the primary is killed.

Two real PostgreSQL on this machine, with the settings, the access rules, the roles and the secrets of deploy/. The
application speaks to both by one address and finds the one that takes writes.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import yaml
from django.db.utils import ConnectionHandler

from config.servers.binaries import Programs, usable_by
from config.servers.privileges import Account, server_account
from core.database.addresses import connection_settings

PROJECT = Path(__file__).resolve().parent.parent.parent
COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
QUICK = ["-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "listen_addresses=127.0.0.1"]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def until(answer: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not answer():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


@dataclass
class Server:
    """A PostgreSQL of this test."""

    folder: Path
    account: Account
    programs: Programs
    port: int
    name: str
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def data(self) -> Path:
        return self.folder / self.name

    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.programs.postgres('psql').parent}:/usr/bin:/bin",
            "LC_ALL": "C",
            "SECRETS_DIR": str(self.folder / "deploy/secrets"),
            "PGHOST": str(self.folder),
            "PGPORT": str(self.port),
            "PGDATA": str(self.data),
        }

    def begin(self, command: list[str | Path], **more: str) -> None:
        """Starts it and waits until it answers."""
        self.process = subprocess.Popen(
            [*command, "-p", str(self.port), "-k", str(self.folder), *QUICK],
            stderr=(self.folder / f"{self.name}.log").open("ab"),
            cwd=self.folder,
            env={**self.environment(), **more},
            **self.account.popen_arguments(),
        )
        log = self.folder / f"{self.name}.log"
        try:
            until(self.answers)
            assert self.process.poll() is None
        except AssertionError:
            raise AssertionError(log.read_text()) from None

    def answers(self) -> bool:
        """Whether it takes connections, or has ended already."""
        ended = self.process is None or self.process.poll() is not None
        ready = [self.programs.postgres("pg_isready"), "-q"]
        return ended or subprocess.run(ready, env=self.environment()).returncode == 0

    def as_superuser(self, database: str = "dispatch") -> psycopg.Connection[tuple[object, ...]]:
        password = (self.folder / "deploy/secrets/postgres_superuser_password").read_text().strip()
        return psycopg.connect(
            host=str(self.folder), port=self.port, user="postgres", password=password, dbname=database,
            autocommit=True,
        )  # fmt: skip

    def end(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Server, Server]]:
    """The primary, made as docker-compose.yml makes it, and the place of its standby."""
    folder = Path(tempfile.mkdtemp(prefix="standby-"))
    account = server_account(folder / "none")
    programs = usable_by(account)
    shutil.copytree(PROJECT / "deploy", folder / "deploy", ignore=shutil.ignore_patterns("secrets"))
    subprocess.run(["sh", str(folder / "deploy/make-secrets.sh")], check=True, capture_output=True)
    conf = folder / "deploy/postgres/postgresql.conf"
    conf.write_text(conf.read_text().replace("/wal/", f"{folder}/wal/"))
    primary = Server(folder, account, programs, free_port(), "primary")
    for path in (primary.data, folder / "wal"):
        path.mkdir()
    # the PostgreSQL of the tests is built without TLS; that it is asked for stands in test_compose.py
    access = folder / "deploy/postgres/pg_hba.conf"
    access.write_text(access.read_text().replace("hostssl replication", "host    replication"))
    if account.switch:
        # the servers' user makes the standby's folder itself, and reads the secrets as its container would
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.uid, account.gid)
    password = folder / "deploy/secrets/postgres_superuser_password"
    options = COMPOSE["services"]["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split()
    subprocess.run(
        [
            programs.postgres("initdb"),
            "-D",
            primary.data,
            "-U",
            "postgres",
            f"--pwfile={password}",
            "--no-sync",
        ]
        + options,
        check=True,
        capture_output=True,
        cwd=folder,
        env=primary.environment(),
        **account.popen_arguments(),
    )
    settings = [
        "-c", f"config_file={conf}", "-c", f"hba_file={folder}/deploy/postgres/pg_hba.conf",
        "-c", f"data_directory={primary.data}",
    ]  # fmt: skip
    standby = Server(folder, account, programs, free_port(), "standby")
    try:
        primary.begin([programs.postgres("postgres"), "-D", primary.data, *settings])
        for script in ("10-roles.sh", "20-replication.sh", "20-replication.sh"):
            environment = {**primary.environment(), "PGPASSWORD": password.read_text().strip()}
            command = ["bash", str(folder / "deploy/postgres" / script)]
            subprocess.run(command, env=environment, check=True, capture_output=True)
        yield primary, standby
    finally:
        standby.end()
        primary.end()
        shutil.rmtree(folder)


def test_a_standby_follows_reads_only_and_takes_over_with_all_it_has_received(
    pair: tuple[Server, Server],
) -> None:
    primary, standby = pair
    with primary.as_superuser() as connection:
        connection.execute("SET ROLE dispatch_owner")
        connection.execute("CREATE TABLE visit (id bigint PRIMARY KEY)")
        connection.execute("GRANT SELECT, INSERT ON visit TO dispatch_app")
        connection.execute("INSERT INTO visit VALUES (1)")

    # the copy and the slot are made by the script, with the password of the standby's role alone
    script, postgres = standby.folder / "deploy/standby/standby.sh", primary.folder / "deploy/postgres"
    standby.begin(
        ["bash", script, "-c", f"config_file={postgres}/postgresql.conf", "-c", f"hba_file={postgres}/pg_hba.conf"],
        PRIMARY_HOST="127.0.0.1", PRIMARY_PORT=str(primary.port), PRIMARY_SSLMODE="disable",
    )  # fmt: skip
    assert (standby.data / "standby.signal").exists()
    with primary.as_superuser() as connection:

        def streams() -> bool:
            row = connection.execute(
                "SELECT s.slot_name, r.state FROM pg_replication_slots s"
                " JOIN pg_stat_replication r ON r.pid = s.active_pid"
            ).fetchone()
            return row == ("standby1", "streaming")

        until(streams)

    secret = (primary.folder / "deploy/secrets/postgres_app_password").read_text().strip()
    both = (
        f"postgresql://dispatch_app:{secret}@/dispatch?host=127.0.0.1,127.0.0.1"
        f"&port={standby.port},{primary.port}&target_session_attrs=read-write"
    )
    # as Django asks for a connection
    wrapper = ConnectionHandler({"default": connection_settings(both)})["default"]
    parameters = wrapper.get_connection_params()
    parameters.pop("cursor_factory")
    with psycopg.connect(**parameters, autocommit=True) as application:
        for number in range(2, 102):
            application.execute("INSERT INTO visit VALUES (%s)", [number])

    def has_all(least: int) -> bool:
        with standby.as_superuser() as connection:
            return connection.execute("SELECT count(*) FROM visit").fetchone() == (least,)

    until(lambda: has_all(101))
    with standby.as_superuser() as connection, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection.execute("INSERT INTO visit VALUES (0)")

    # the primary loses power
    assert primary.process
    primary.process.kill()
    primary.process.wait()
    promote = ["bash", str(standby.folder / "deploy/standby/promote.sh")]
    done = subprocess.run(
        promote,
        env=standby.environment(),
        capture_output=True,
        text=True,
        **standby.account.popen_arguments(),
    )
    assert done.returncode == 0, done.stderr
    with psycopg.connect(**parameters, autocommit=True) as application:
        application.execute("INSERT INTO visit VALUES (102)")
        assert application.execute("SELECT count(*), max(id) FROM visit").fetchone() == (102, 102)
    again = subprocess.run(
        promote,
        env=standby.environment(),
        capture_output=True,
        text=True,
        **standby.account.popen_arguments(),
    )
    assert (again.returncode, "すでに待機系ではありません" in again.stderr) == (1, True)


def test_the_roles_of_the_stream_can_do_nothing_else(pair: tuple[Server, Server]) -> None:
    server = next(each for each in reversed(pair) if each.process and each.process.poll() is None)
    for role, secret in (
        ("dispatch_backup", "postgres_backup_password"),
        ("dispatch_standby", "postgres_standby_password"),
    ):
        password = (server.folder / "deploy/secrets" / secret).read_text().strip()
        address = {"host": "127.0.0.1", "port": server.port, "user": role, "password": password}
        if role == "dispatch_standby":
            with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf|permission denied"):
                psycopg.connect(**address, dbname="dispatch")
            continue
        with psycopg.connect(**address, dbname="dispatch", autocommit=True) as connection:
            connection.execute("SELECT pg_switch_wal(), pg_current_xact_id()")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE TABLE x (n int)")
            tables = connection.execute(
                "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
            ).fetchone()
            if tables and tables[0]:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute("SELECT * FROM visit")


def test_finished_log_is_handed_to_the_backups_whole_and_readable_by_their_group(
    pair: tuple[Server, Server],
) -> None:
    wal = pair[0].folder / "wal"
    server = next(each for each in reversed(pair) if each.process and each.process.poll() is None)
    with server.as_superuser() as connection:
        connection.execute("SELECT pg_logical_emit_message(false, 'test', 'x'), pg_switch_wal()")
    until(lambda: any(len(file.name) == 24 for file in wal.iterdir()))
    (file, *_) = sorted(file for file in wal.iterdir() if len(file.name) == 24)
    assert file.stat().st_size == 16 * 1024 * 1024
    assert file.stat().st_mode & 0o777 == 0o640
