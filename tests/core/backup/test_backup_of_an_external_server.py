"""A PostgreSQL that isn't the project's own, reached by TCP with the documented role and settings, in production's settings."""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from backup_place import Place

from config import servers
from config.servers.binaries import usable_by
from config.servers.layout import APP, load_state
from config.servers.postgres import data_folder
from config.servers.privileges import server_account
from config.servers.processes import ENVIRONMENT
from core.secrets import new_key

PROJECT = Path(__file__).resolve().parent.parent.parent.parent
MANUAL = (PROJECT / "docs" / "operations" / "backup.md").read_text()
ACCESS = """\
local all         postgres                       scram-sha-256
host  dispatch    dispatch_app,dispatch_backup   127.0.0.1/32 scram-sha-256
host  replication dispatch_backup                127.0.0.1/32 scram-sha-256
"""


def block(language: str) -> str:
    """What the manual has people type, in that language."""
    found = re.search(rf"^```{language}\n(.*?)^```", MANUAL, re.M | re.S)
    assert found
    return found[1]


@dataclass
class Outside:
    """Another machine's server, its superuser's address, and the environment of a production installation beside it."""

    inside: str
    environment: dict[str, str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of that installation."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def outside(place: Place) -> Iterator[Outside]:
    """A server as somebody else would run it, with what the manual wants in its settings."""
    servers.detach(place.var_dir)
    account, state = server_account(place.var_dir), load_state(place.var_dir)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="outside-"))
    folder.chmod(0o755)
    spool = folder / "wal"
    for made in (spool, folder / "socket"):
        made.mkdir()
        os.chown(made, account.uid, account.gid)
    (folder / "access.conf").write_text(ACCESS)
    (folder / "server.conf").write_text(
        f"listen_addresses = '127.0.0.1'\nport = {port}\nhba_file = '{folder}/access.conf'\n"
        f"unix_socket_directories = '{folder}/socket'\nfsync = off\nshared_buffers = 64MB\n"
        + block("ini").replace("/wal/", f"{spool}/")
    )
    server = subprocess.Popen(
        [
            usable_by(account).postgres("postgres"),
            *("-D", "/proc/self/cwd", "-c", f"config_file={folder}/server.conf"),
        ],
        cwd=data_folder(place.var_dir),
        env=ENVIRONMENT,
        stderr=subprocess.DEVNULL,
        **account.popen_arguments(),
    )
    superuser = (
        f"host={folder}/socket port={port} user=postgres password={state.passwords['postgres']} dbname="
    )
    while True:
        try:
            connection = psycopg.connect(superuser + "dispatch", autocommit=True)
            break
        except psycopg.OperationalError:
            assert server.poll() is None
            time.sleep(0.05)
    password = secrets.token_hex(20)
    with connection:
        for line in block("sql").replace("20 文字以上の乱数", password).strip().split(";\n"):
            connection.execute(line)
    yield Outside(
        superuser + "dispatch",
        {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings.production",
            "VAR_DIR": str(place.var_dir / "office"),
            "ALLOWED_HOSTS": "office.example.jp",
            "SECRET_KEY": secrets.token_hex(32),
            "FIELD_KEYS": new_key(),
            "FINGERPRINT_KEY": new_key(),
            "REDIS_URL": f"redis://:{secrets.token_hex(32)}@127.0.0.1:1/0",
            "DATABASE_URL": f"postgresql://{APP}:{state.passwords[APP]}@127.0.0.1:{port}/dispatch",
            "DATABASE_BACKUP_URL": f"postgresql://dispatch_backup:{password}@127.0.0.1:{port}/dispatch",
            "BACKUP_DIR": str(place.repository.folder),
            "BACKUP_LOG_DIR": str(spool),
        },
    )
    server.send_signal(signal.SIGINT)
    server.wait()
    shutil.rmtree(folder)


STEPS = '''
import contextlib, os, runpy, sys, time
import django
import psycopg
django.setup()
from django.core.management import call_command
from core.backup.repository import BackupError

inside, into = sys.argv[1:]


def health():
    """What deploy/health/backup.py says, in words and as an exit status."""
    try:
        runpy.run_module("deploy.health.backup", run_name="__main__")
    except SystemExit as end:
        return end.code
    return ""


print("none:", health())
with psycopg.connect(inside, autocommit=True) as connection:
    connection.execute("CREATE TABLE payments_payoutline AS SELECT 13200 AS amount FROM generate_series(1, 50)")
    connection.execute("CREATE TABLE audit_seal AS SELECT 7 AS number, 'abcdef' AS hash")
    os.makedirs(os.environ["VAR_DIR"] + "/evidence")
    with open(os.environ["VAR_DIR"] + "/evidence/receipt", "w") as file:
        file.write("receipt")
    call_command("backup", full=True)
    connection.execute("INSERT INTO payments_payoutline VALUES (10000)")
    (to,) = connection.execute("SELECT clock_timestamp() FROM (SELECT pg_sleep(0.01)) AS waited").fetchone()
    time.sleep(0.01)
    connection.execute("DELETE FROM payments_payoutline")
call_command("backup", log=True)
print("well:", health())
try:
    call_command("restore", to=to)
except BackupError as error:
    print("refused:", error)
call_command("restore", "--to", to.isoformat(), "--into", into, "--try")
'''


def test_the_same_commands_do_for_another_server_as_the_manual_says(outside: Outside, tmp_path: Path) -> None:
    into = tmp_path / "restored"
    done = outside.run("-c", STEPS, outside.inside, str(into))
    assert done.returncode == 0, done.stderr
    told = dict(
        line.split(": ", 1) for line in done.stdout.splitlines() if re.match(r"(none|well|refused):", line)
    )
    assert "manage.py backup" in told["none"], "nobody has made a backup: what to do"
    assert told["well"] == ""
    # the running server is never replaced from here; beside it the moment comes up and is counted
    assert "--into" in told["refused"]
    assert "支払明細の合計 670,000円" in done.stdout
    assert "履歴の鎖の先頭 abcdef" in done.stdout
    assert (into / "files" / "evidence" / "receipt").read_bytes() == b"receipt"
    with psycopg.connect(outside.inside) as connection:
        assert connection.execute("SELECT count(*) FROM payments_payoutline").fetchone() == (0,)
