"""PostgreSQL: making the cluster, starting and stopping it, its roles and its database.

The server works in its data folder and is told `-D /proc/self/cwd`. So it needs no right on the
folders above, which root alone may be able to enter.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .binaries import Programs
from .errors import ServersError
from .layout import (
    APP,
    DATABASE,
    OWNER,
    READONLY,
    SEALER,
    SUPERUSER,
    State,
    save_state,
)
from .privileges import Account, make_folder
from .processes import ENVIRONMENT, running, send, spawn, tail, wait_gone

if TYPE_CHECKING:
    import psycopg

MAJOR = "18"
HERE = "/proc/self/cwd"
# Raise it when `provision` gives more, so that clusters made before get it too.
_PROVISION_VERSION = 1
_START_SECONDS = 300  # recovery after a crash may take a while

_SETTINGS = """\
# Written anew at each start. Own settings belong into local.conf beside this file.
listen_addresses = ''
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 256MB
effective_cache_size = 1GB
work_mem = 16MB
maintenance_work_mem = 128MB
max_wal_size = 2GB
random_page_cost = 1.1
max_locks_per_transaction = 128
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_line_prefix = '%m [%p] %q%u@%d '
# Values of queries are personal data: the log keeps none.
log_parameter_max_length = 0
fsync = {durable}
full_page_writes = {durable}
# What backups need (docs/operations/backup.md). Log files are handed out only where somebody collects them:
# the first `manage.py backup` makes the folder.
wal_level = replica
summarize_wal = on
archive_mode = on
archive_command = 'test ! -d ../wal || (cp "%p" "../wal/%f.part" && sync "../wal/%f.part" && mv "../wal/%f.part" "../wal/%f")'
include_if_exists = 'local.conf'
"""
_ACCESS = """\
# Written anew at each start: everybody shows a password.
local all         all scram-sha-256
local replication all scram-sha-256
"""


def data_folder(var_dir: Path) -> Path:
    """The folder PostgreSQL works in."""
    return var_dir / "postgres" / "data"


def log_folder(var_dir: Path) -> Path:
    """Where PostgreSQL puts finished log files (WAL) for whoever makes backups, once the folder is there."""
    return var_dir / "postgres" / "wal"


def ensure_running(var_dir: Path, state: State, programs: Programs, account: Account) -> None:
    """Makes the cluster when there is none, starts the server when it is down, waits until it answers.

    The caller holds the starting lock.
    """
    data, log = data_folder(var_dir), var_dir / "log" / "postgres.log"
    make_folder(var_dir / "postgres", account)
    if not data.exists():
        _make_cluster(data, state, programs, account)
    version = (data / "PG_VERSION").read_text().strip()
    if version != MAJOR:
        raise ServersError(f"{data} は PostgreSQL {version} のデータです。{MAJOR} に移行してください。")
    pid = _postmaster(data)
    if pid is None:
        _clear_after_crash(data, state)
        _write(
            data / "postgresql.conf",
            _SETTINGS.format(
                socket_dir=state.socket_dir.replace("'", "''"), durable="on" if state.durable else "off"
            ),
            account,
        )
        _write(data / "pg_hba.conf", _ACCESS, account)
        pid = spawn([programs.postgres("postgres"), "-D", HERE], folder=data, log=log, account=account)
    with _wait_for_connection(state, pid, log) as connection:
        if state.provisioned < _PROVISION_VERSION:
            provision(connection, state)
            save_state(var_dir, replace(state, provisioned=_PROVISION_VERSION))


def answers(state: State) -> bool:
    """Whether the server accepts our superuser right now."""
    try:
        _connect(state).close()
    except _operational_error():
        return False
    return True


def is_provisioned(state: State) -> bool:
    """Whether the cluster has all roles and rights of this version."""
    return state.provisioned >= _PROVISION_VERSION


def stop(var_dir: Path, *, deleted: bool = False) -> None:
    """Stops the server, orderly, and by force when it doesn't listen."""
    data = data_folder(var_dir)
    numbers = running("postgres", data, deleted=deleted)
    # The oldest is the postmaster; its children end with it.
    for what, seconds in ((signal.SIGINT, 60), (signal.SIGQUIT, 10)):
        send(numbers[:1], what)
        if wait_gone(numbers, seconds):
            return
    send(running("postgres", data, deleted=deleted), signal.SIGKILL)


def provision(connection: "psycopg.Connection[tuple[object, ...]]", state: State) -> None:
    """Gives the cluster its roles, their passwords and the database; may be repeated."""
    from psycopg import sql

    attributes = {OWNER: "LOGIN CREATEDB", APP: "LOGIN", SEALER: "LOGIN", READONLY: "LOGIN"}
    for role, rights in attributes.items():
        name = sql.Identifier(role)
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(name))
        connection.execute(
            sql.SQL(
                "ALTER ROLE {} NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS " + rights + " PASSWORD {}"
            ).format(name, sql.Literal(state.passwords[role]))
        )
    database = sql.Identifier(DATABASE)
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, sql.Identifier(OWNER)))
    connection.execute(sql.SQL("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC").format(database))
    roles = sql.SQL(", ").join(sql.Identifier(role) for role in attributes)
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, roles))


def _make_cluster(data: Path, state: State, programs: Programs, account: Account) -> None:
    """initdb in a folder beside, renamed when complete: an interrupted one never passes for data."""
    fresh, password = data.with_name("data.new"), data.with_name("password")
    for attempt_locale in ("C.UTF-8", "C"):
        shutil.rmtree(fresh, ignore_errors=True)
        make_folder(fresh, account)
        _write(password, state.passwords[SUPERUSER], account)
        # pg_trgm goes by the character classes of the libc locale: with plain C it knows no Japanese.
        command = [
            str(programs.postgres("initdb")),
            *("-D", HERE, "-U", SUPERUSER, "--pwfile=../password", "--auth=scram-sha-256"),
            *("-E", "UTF8", "--data-checksums", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("--locale=C", f"--lc-ctype={attempt_locale}", "--text-search-config=simple"),
            *([] if state.durable else ["--no-sync"]),
        ]
        try:
            made = subprocess.run(  # noqa: S603 - our own initdb
                command,
                cwd=fresh,
                env=ENVIRONMENT,
                umask=0o077,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                **account.popen_arguments(),
            )
        finally:
            password.unlink()
        if made.returncode == 0:
            os.rename(fresh, data)
            return
        if "invalid locale" not in made.stderr:
            break
    shutil.rmtree(fresh, ignore_errors=True)
    raise ServersError(f"PostgreSQL のデータを {data} に作れません: {made.stderr.strip()}")


def _postmaster(data: Path) -> int | None:
    """The running server's number, when postmaster.pid and the living processes agree."""
    try:
        recorded = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    return recorded if recorded in running("postgres", data) else None


def _clear_after_crash(data: Path, state: State) -> None:
    """Ends what a dead server left running, then removes its lock files.

    PostgreSQL itself would go by the process number in them, which may be somebody else's by now.
    """
    for what, seconds in ((signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
        left = running("postgres", data)
        send(left, what)
        if wait_gone(left, seconds):
            for lock in (data / "postmaster.pid", *Path(state.socket_dir).glob(".s.PGSQL.*")):
                lock.unlink(missing_ok=True)
            return
    raise ServersError(f"前の PostgreSQL の処理 {left} が終わりません。確かめてから終了させてください。")


def _wait_for_connection(state: State, pid: int, log: Path) -> "psycopg.Connection[tuple[object, ...]]":
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            return _connect(state)
        except _operational_error() as error:
            if "password authentication failed" in str(error):
                raise ServersError(
                    "servers.json のパスワードが PostgreSQL のデータと合いません。"
                    "同じ控えから両方を戻してください。"
                ) from error
            if not wait_gone([pid], 0) and time.monotonic() < end:
                time.sleep(0.05)
                continue
            raise ServersError(f"PostgreSQL が起動しません。{log} の終わり:\n{tail(log)}") from error


def _connect(state: State) -> "psycopg.Connection[tuple[object, ...]]":
    import psycopg

    return psycopg.connect(state.database_url(SUPERUSER, "postgres"), autocommit=True, connect_timeout=5)


def _operational_error() -> type[Exception]:
    import psycopg

    return psycopg.OperationalError


def _write(path: Path, text: str, account: Account) -> None:
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with contextlib.ExitStack() as stack:
        stack.enter_context(os.fdopen(descriptor, "w", encoding="utf-8")).write(text)
        if account.switch:
            os.fchown(descriptor, account.uid, account.gid)
    os.replace(temporary, path)
