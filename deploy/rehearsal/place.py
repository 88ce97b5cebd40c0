"""A throw-away installation on this machine: the delivered secrets, settings and commands, without the containers.

What a container would give (host names, paths, ports, users) is put in place of theirs; everything else is as delivered.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from config.servers.binaries import Programs, usable_by
from config.servers.privileges import Account, server_account

PROJECT = Path(__file__).resolve().parents[2]
HOST = "office.go.test"
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def until(answer: Callable[[], object], what: str, seconds: float = 120) -> float:
    """Waits until `answer` gives something; answers how long that took."""
    begun = time.monotonic()
    while not answer():
        if time.monotonic() - begun > seconds:
            raise TimeoutError(f"{what}: {seconds:.0f} 秒待っても始まりません。")
        time.sleep(0.1)
    return time.monotonic() - begun


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Place:
    """The folder, the addresses and the processes of one rehearsal; `close` ends and removes all of it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rehearsal-"))
        self.account: Account = server_account(self.folder / "none")
        self.programs: Programs = usable_by(self.account)
        self.secrets = self.folder / "deploy/secrets"
        self.postgres, self.redis = free_port(), free_port()
        self.web = [free_port(), free_port()]
        self.plain, self.tls, self.inside = free_port(), free_port(), free_port()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def close(self) -> None:
        """Ends everything, last started first."""
        for process in reversed(self.processes.values()):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder)

    def secret(self, name: str) -> str:
        """The content of a secret file."""
        return (self.secrets / name).read_text(encoding="utf-8").strip()

    def log(self, name: str) -> Path:
        """Where a process writes."""
        return self.folder / f"{name}.log"

    def begin(self, name: str, command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        """Starts a process of the installation."""
        with self.log(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(  # noqa: S603 - commands of our own
                command, stdout=log, stderr=log, start_new_session=True, **{"cwd": PROJECT, **options}
            )
        return self.processes[name]

    def run(self, command: list[str], **options: Any) -> "subprocess.CompletedProcess[str]":
        """Runs a command to its end; RuntimeError with its words when it fails."""
        done = subprocess.run(  # noqa: S603 - commands of our own
            command, capture_output=True, text=True, **{"cwd": PROJECT, **options}
        )
        if done.returncode:
            words = (done.stderr or done.stdout).strip()[-800:]
            raise RuntimeError(f"{' '.join(map(str, command[:4]))}: {words}")
        return done

    # -- the parts of docker-compose.yml ---------------------------------------------------------------------------

    def make_secrets(self) -> None:
        """`sh deploy/make-secrets.sh`, a certificate, and the addresses of this machine in the addresses."""
        shutil.copytree(PROJECT / "deploy", self.folder / "deploy", ignore=shutil.ignore_patterns("secrets"))
        self.run(["sh", str(self.folder / "deploy/make-secrets.sh")])
        self.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
            + ["-days", "90", "-subj", f"/CN={HOST}", "-keyout", str(self.secrets / "tls_private_key")]
            + ["-out", str(self.secrets / "tls_certificate")]
        )
        for name in COMPOSE["secrets"]:
            file = self.secrets / name
            file.chmod(0o600)
            text = file.read_text(encoding="utf-8")
            text = text.replace("@postgres:5432/", f"@127.0.0.1:{self.postgres}/")
            file.write_text(text.replace("@redis:6379/", f"@127.0.0.1:{self.redis}/"), encoding="utf-8")

    def start_postgres(self) -> None:
        """The cluster as its image makes it, with the delivered settings, access rules and roles."""
        data, wal, delivered = self.folder / "data", self.folder / "wal", self.folder / "deploy/postgres"
        conf = delivered / "postgresql.conf"
        conf.write_text(conf.read_text().replace("/wal/", f"{wal}/"))
        password = self.folder / "superuser"
        password.write_text(self.secret("postgres_superuser_password"))
        for path in (data, wal):
            path.mkdir()
        if self.account.switch:
            self.folder.chmod(0o711)
            for path in (data, wal, password, conf, delivered / "pg_hba.conf"):
                os.chown(path, self.account.uid, self.account.gid)
        as_server = {
            **self.account.popen_arguments(),
            "cwd": data,
            "env": {"PATH": os.defpath, "LC_ALL": "C"},
        }
        options = COMPOSE["services"]["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split()
        program = str(self.programs.postgres("postgres"))
        self.run(
            [str(self.programs.postgres("initdb")), "-D", str(data), "-U", "postgres", f"--pwfile={password}"]
            + ["--no-sync", *options],
            **as_server,
        )
        places = [f"config_file={conf}", f"hba_file={delivered}/pg_hba.conf", f"data_directory={data}"]
        smaller = ["listen_addresses=127.0.0.1", "shared_buffers=64MB", "fsync=off"]
        given = [word for setting in places + smaller for word in ("-c", setting)]
        self.begin(
            "postgres",
            [program, "-D", str(data), "-p", str(self.postgres), "-k", str(data), *given],
            **as_server,
        )
        environment = {
            "PATH": f"{Path(program).parent}:{os.defpath}",
            "PGHOST": str(data),
            "PGPORT": str(self.postgres),
            "PGPASSWORD": self.secret("postgres_superuser_password"),
            "SECRETS_DIR": str(self.secrets),
        }
        ready = [str(self.programs.postgres("pg_isready")), "-q"]
        until(lambda: subprocess.run(ready, env=environment).returncode == 0, "PostgreSQL")  # noqa: S603
        for script in ("10-roles.sh", "20-replication.sh"):
            self.run(["bash", str(delivered / script)], env=environment)

    def start_redis(self) -> None:
        """Redis with the delivered settings and password."""
        conf = self.folder / "deploy/redis/redis.conf"
        text = conf.read_text()
        for name, here in (
            ("/run/secrets/", f"{self.secrets}/"),
            ("port 6379", f"port {self.redis}"),
            ("bind * -::*", "bind 127.0.0.1"),
        ):
            text = text.replace(name, here)
        conf.write_text(text)
        self.begin("redis", [str(self.programs.redis_server), str(conf)])
        until(lambda: answers(self.redis), "Redis")

    def environment(self, service: str) -> dict[str, str]:
        """What docker-compose.yml gives a service, with this machine's places."""
        given: dict[str, str] = {}
        for name, value in COMPOSE["services"][service]["environment"].items():
            given[name] = str(value).replace("/run/secrets/", f"{self.secrets}/")
        given |= {
            "ALLOWED_HOSTS": HOST,
            "BACKUP_DIR": str(self.folder / "backup" if service == "backup" else self.folder / "not-reached"),
            "CLAMD_ADDRESS": "",
        }
        given = {name: value for name, value in given.items() if not value.startswith("${")}
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DJANGO_SETTINGS_MODULE": "config.settings.production",
            "VAR_DIR": str(self.folder / "var"),
            "STATIC_ROOT": str(self.folder / "static"),
            **given,
            **(
                {"TRUSTED_PROXIES": "127.0.0.0/8", "WEB_WORKERS": "1", "WEB_THREADS": "4"}
                if service == "web"
                else {}
            ),
            **({"BACKUP_LOG_DIR": str(self.folder / "wal")} if service == "backup" else {}),
        }

    def manage(self, service: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """`docker compose exec SERVICE python manage.py …`."""
        return self.run([sys.executable, "manage.py", *arguments], env=self.environment(service))

    def start_web(self, number: int) -> None:
        """One of the web processes, started as the image does."""
        environment = {**self.environment("web"), "WEB_BIND": f"127.0.0.1:{self.web[number]}"}
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "--config",
            "config/gunicorn.py",
            "config.wsgi:application",
        ]
        self.begin(f"web{number + 1}", command, env=environment)
        # as the container's health check asks
        health = [sys.executable, "deploy/health/web.py"]
        until(
            lambda: subprocess.run(health, cwd=PROJECT, env=environment, capture_output=True).returncode == 0,  # noqa: S603
            f"web{number + 1}",
        )

    def start_workers(self) -> None:
        """worker, quick, backup, sealer and beat, by the commands of docker-compose.yml."""
        for service in ("worker", "quick", "backup", "sealer", "beat"):
            command = COMPOSE["services"][service]["command"].replace("${WORKER_CONCURRENCY:-2}", "1")
            command = command.replace("/tmp/beat-schedule", str(self.folder / "beat-schedule"))  # noqa: S108
            if service != "beat":
                command += f" --hostname {service}@{secrets.token_hex(4)}"
            self.begin(service, [sys.executable, "-m", *command.split()], env=self.environment(service))

    def start_proxy(self) -> None:
        """nginx with the delivered configuration; start.sh makes its files."""
        work, conf = self.folder / "nginx", self.folder / "deploy/nginx"
        work.mkdir()
        nginx = shutil.which("nginx", path=f"/usr/sbin:{os.environ['PATH']}")
        if nginx is None:
            raise RuntimeError("nginx がありません（make tools）。")
        # start.sh asks for the version and ends in nginx, with the paths of its container: here it ends before
        stand_in = self.folder / "stand-in"
        stand_in.mkdir()
        (stand_in / "nginx").write_text(f'#!/bin/sh\n[ "$1" = -v ] && exec {nginx} -v\nexit 0\n')
        (stand_in / "nginx").chmod(0o755)
        made = {"PUBLIC_HOST": HOST, "MADE_DIR": str(work), "PATH": f"{stand_in}:{os.environ['PATH']}"}
        self.run(["sh", str(conf / "start.sh")], env=made)
        made_for = (work / "upstream.conf").read_text().splitlines()[-1]
        servers = [
            made_for.replace("web:8000 resolve", "web:8000").replace("web:8000", f"127.0.0.1:{port}")
            for port in self.web
        ]
        (work / "upstream.conf").write_text("\n".join(servers) + "\n")
        shutil.copy("/etc/nginx/mime.types", conf)
        text = (conf / "nginx.conf").read_text()
        for name, here in (
            ("/tmp/nginx/", f"{work}/"),  # noqa: S108
            ("/var/cache/nginx/", f"{work}/"),
            ("/run/secrets/", f"{self.secrets}/"),
            ("/dev/stdout", f"{work}/access.log"),
            ("/dev/stderr", f"{work}/error.log"),
            ("/srv/static/", f"{self.folder}/static/"),
            ("root /etc/nginx;", f"root {conf};"),
            ("listen 8080", f"listen 127.0.0.1:{self.plain}"),
            ("listen 8443", f"listen 127.0.0.1:{self.tls}"),
            ("listen 9145", f"listen 127.0.0.1:{self.inside}"),
            ("        9145 ", f"        {self.inside} "),
        ):
            text = text.replace(name, here)
        (conf / "nginx.conf").write_text(text)
        user = "user root;" if os.geteuid() == 0 else ""
        self.begin(
            "proxy",
            [
                nginx,
                "-p",
                str(work),
                "-c",
                str(conf / "nginx.conf"),
                "-e",
                f"{work}/error.log",
                "-g",
                f"daemon off; {user}",
            ],
        )
        until(lambda: answers(self.tls), "nginx")
