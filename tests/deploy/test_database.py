"""The files that make the production database, on a PostgreSQL and a Redis made from them for this test."""

import io
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import redis
import yaml

from config.servers.binaries import usable_by
from config.servers.privileges import Account, server_account

PROJECT = Path(__file__).resolve().parent.parent.parent
COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())


@dataclass
class Made:
    """What deploy/make-secrets.sh made, and where the servers of this test listen."""

    folder: Path
    port: int

    def secret(self, name: str) -> str:
        return (self.folder / "deploy" / "secrets" / name).read_text().strip()

    def address(self, role: str, secret: str, database: str = "dispatch") -> str:
        return f"postgresql://{role}:{self.secret(secret)}@127.0.0.1:{self.port}/{database}"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Path, Account]]:
    """A short path (sockets need one) that belongs to whoever may run servers."""
    folder = Path(tempfile.mkdtemp(prefix="deploy-"))
    account = server_account(folder / "none")
    shutil.copytree(PROJECT / "deploy", folder / "deploy", ignore=shutil.ignore_patterns("secrets"))
    if account.switch:
        folder.chmod(0o711)
    yield folder, account
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def made(place: tuple[Path, Account]) -> Made:
    """The secrets, as docs/running.md has them made."""
    subprocess.run(["sh", str(place[0] / "deploy" / "make-secrets.sh")], check=True, capture_output=True)
    return Made(place[0], free_port())


@pytest.fixture(scope="module")
def cluster(place: tuple[Path, Account], made: Made) -> Iterator[Made]:
    """A cluster with the options, the settings, the access rules and the roles of docker-compose.yml."""
    folder, account = place
    programs = usable_by(account)
    data = folder / "data"
    data.mkdir()
    password = folder / "password"
    password.write_text(made.secret("postgres_superuser_password"))
    for path in (data, password):
        os.chown(path, account.uid, account.gid)
    options = COMPOSE["services"]["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split()
    as_server = {**account.popen_arguments(), "cwd": data, "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}}
    subprocess.run(
        [
            programs.postgres("initdb"),
            "-D",
            data,
            "-U",
            "postgres",
            f"--pwfile={password}",
            "--no-sync",
            *options,
        ],
        check=True,
        capture_output=True,
        **as_server,
    )
    for name in ("postgresql.conf", "pg_hba.conf"):
        shutil.copy(folder / "deploy" / "postgres" / name, data / name)
        os.chown(data / name, account.uid, account.gid)
    process = subprocess.Popen(
        [programs.postgres("postgres"), "-D", data, "-p", str(made.port), "-k", data, "-c", "fsync=off"]
        + ["-c", "shared_buffers=32MB", "-c", "listen_addresses=127.0.0.1", "-c", "archive_mode=off"],
        stderr=(folder / "postgres.log").open("wb"),
        **as_server,
    )
    try:
        environment = {
            "PATH": f"{programs.postgres('psql').parent}:/usr/bin:/bin",
            "PGHOST": str(data),
            "PGPORT": str(made.port),
            "PGPASSWORD": made.secret("postgres_superuser_password"),
            "SECRETS_DIR": str(folder / "deploy" / "secrets"),
        }
        end = time.monotonic() + 60
        while subprocess.run([programs.postgres("pg_isready"), "-q"], env=environment).returncode:
            assert time.monotonic() < end, (folder / "postgres.log").read_text()
            time.sleep(0.1)
        script = ["bash", str(folder / "deploy" / "postgres" / "10-roles.sh")]
        subprocess.run(script, env=environment, check=True, capture_output=True)
        yield made
    finally:
        process.terminate()
        process.wait(60)


ROLES = {
    "dispatch_owner": "postgres_owner_password",
    "dispatch_app": "postgres_app_password",
    "dispatch_sealer": "postgres_sealer_password",
    "dispatch_readonly": "postgres_readonly_password",
}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_signs_in_with_its_own_password_only(cluster: Made, role: str) -> None:
    with psycopg.connect(cluster.address(role, ROLES[role])) as connection:
        row = connection.execute("SELECT current_user, pg_encoding_to_char(encoding), datlocprovider::text"
                                 " FROM pg_database WHERE datname = current_database()").fetchone()  # fmt: skip
    assert row == (role, "UTF8", "b")
    others = [secret for other, secret in ROLES.items() if other != role]
    for other in others:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(cluster.address(role, other))


def test_passwords_are_kept_as_scram_and_appear_in_no_log(cluster: Made, place: tuple[Path, Account]) -> None:
    address = f"postgresql://postgres:{cluster.secret('postgres_superuser_password')}@/postgres"
    with psycopg.connect(address, host=str(place[0] / "data"), port=cluster.port) as connection:
        kept = connection.execute(
            "SELECT rolname, rolpassword, rolsuper FROM pg_authid WHERE rolcanlogin"
        ).fetchall()
        assert connection.execute("SHOW data_checksums").fetchone() == ("on",)
    assert {name for name, _, _ in kept} == {*ROLES, "postgres"}
    assert all(password.startswith("SCRAM-SHA-256$") for _, password, _ in kept)
    assert [name for name, _, is_super in kept if is_super] == ["postgres"]
    log = (place[0] / "postgres.log").read_text()
    assert "database system is ready" in log
    assert not [secret for secret in ROLES.values() if cluster.secret(secret) in log]


def test_the_superuser_and_other_databases_cannot_be_reached_over_the_network(cluster: Made) -> None:
    for role, secret, database in (
        ("postgres", "postgres_superuser_password", "dispatch"),
        ("postgres", "postgres_superuser_password", "postgres"),
        ("dispatch_owner", "postgres_owner_password", "postgres"),
    ):
        with pytest.raises(psycopg.OperationalError, match="pg_hba.conf rejects"):
            psycopg.connect(cluster.address(role, secret, database))


@pytest.fixture(scope="module")
def prepared(cluster: Made) -> Made:
    """After `manage.py setup` with the production settings and the secrets as files."""
    folder = cluster.folder / "deploy" / "secrets"
    for name in ("database_url", "database_owner_url"):
        file = folder / name
        file.chmod(0o600)
        file.write_text(file.read_text().replace("@postgres:5432/", f"@127.0.0.1:{cluster.port}/"))
    names = ("SECRET_KEY", "FIELD_KEYS", "FINGERPRINT_KEY", "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "ALLOWED_HOSTS": "office.go.test",
        "VAR_DIR": str(cluster.folder / "var"),
        **{f"{name}_FILE": str(folder / name.lower()) for name in names},
    }
    for _ in range(2):
        answer = subprocess.run(
            [sys.executable, "manage.py", "setup"],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert answer.returncode == 0, answer.stderr
        assert "注意" not in answer.stderr
    return cluster


def test_setup_makes_the_database_ready_and_may_be_repeated(prepared: Made) -> None:
    with psycopg.connect(prepared.address("dispatch_app", "postgres_app_password")) as connection:
        row = connection.execute("SELECT count(*) FROM programme_ruleset WHERE code = 'R3'").fetchone()
    assert row == (1,)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE x (n int)",
        "CREATE TEMP TABLE x (n int)",
        "TRUNCATE dispatch_dispatch",
        "DELETE FROM dispatch_dispatch",
        "INSERT INTO audit_change (at) VALUES (now())",
        "UPDATE audit_change SET actor_name = ''",
        "ALTER TABLE dispatch_dispatch DISABLE TRIGGER ALL",
        "SET ROLE dispatch_owner",
        "SET session_replication_role = replica",
    ],
)
def test_the_application_cannot_leave_its_role(prepared: Made, statement: str) -> None:
    with (
        psycopg.connect(prepared.address("dispatch_app", "postgres_app_password")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_the_readonly_role_reads_and_writes_nothing(prepared: Made) -> None:
    with psycopg.connect(prepared.address("dispatch_readonly", "postgres_readonly_password")) as connection:
        connection.execute("SELECT count(*) FROM dispatch_dispatch")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("UPDATE dispatch_dispatch SET topic = ''")


def test_a_backup_can_be_taken_as_the_guide_says(cluster: Made, place: tuple[Path, Account]) -> None:
    programs = usable_by(place[1])
    environment = {
        "PATH": "/usr/bin:/bin",
        "PGHOST": str(place[0] / "data"),
        "PGPORT": str(cluster.port),
        "PGPASSWORD": cluster.secret("postgres_superuser_password"),
    }
    arguments = ["--username", "postgres", "--pgdata", "-", "--format", "tar", "--wal-method", "fetch"]
    taken = subprocess.run(
        [programs.postgres("pg_basebackup"), *arguments, "--checkpoint", "fast"],
        env=environment,
        capture_output=True,
        check=True,
    )
    with tarfile.open(fileobj=io.BytesIO(taken.stdout)) as archive:
        assert {"backup_label", "PG_VERSION", "global/pg_control"} <= set(archive.getnames())


def test_secrets_are_made_once_and_fit_together(made: Made) -> None:
    folder = made.folder / "deploy" / "secrets"
    expected = set(COMPOSE["secrets"]) - {"tls_certificate", "tls_private_key"}
    assert {file.name for file in folder.iterdir()} == expected
    assert folder.stat().st_mode & 0o777 == 0o700
    assert made.secret("postgres_app_password") in made.secret("database_url")
    assert made.secret("postgres_owner_password") in made.secret("database_owner_url")
    assert made.secret("redis_password_line").removeprefix("requirepass ") in made.secret("redis_url")
    before = made.secret("secret_key")
    again = subprocess.run(
        ["sh", str(made.folder / "deploy" / "make-secrets.sh")], capture_output=True, text=True
    )
    assert again.returncode == 1
    assert "作成済み" in again.stderr
    assert made.secret("secret_key") == before


def test_redis_refuses_whoever_does_not_know_the_password(place: tuple[Path, Account], made: Made) -> None:
    folder, account = place
    port = free_port()
    text = (folder / "deploy" / "redis" / "redis.conf").read_text()
    for name, here in (
        ("/run/secrets/", f"{folder}/deploy/secrets/"),
        ("port 6379", f"port {port}"),
        ("bind * -::*", "bind 127.0.0.1"),
    ):
        assert name in text
        text = text.replace(name, here)
    process = subprocess.Popen(
        [usable_by(account).redis_server, "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    try:
        assert process.stdin
        process.stdin.write(text.encode())
        process.stdin.close()
        password = made.secret("redis_password_line").removeprefix("requirepass ")
        known = redis.Redis(
            port=port, password=password, retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.1), 100)
        )
        assert known.ping()
        assert known.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert known.config_get("save") == {"save": ""}
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=port).ping()
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=port, password=secrets.token_hex(32)).ping()
    finally:
        process.terminate()
        process.wait(20)
