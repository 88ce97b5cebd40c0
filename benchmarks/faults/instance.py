"""The throw-away installation: its folder, its processes, how each is killed and started again."""

import ctypes
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

from benchmarks.scratch import ROOT
from config.servers import ServersError, attach, detach, endpoints
from config.servers.layout import load_state
from config.servers.postgres import data_folder
from config.servers.processes import running, send, wait_gone

HOST = "office.faults.test"
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
# What the surroundings may have set for another installation.
_DROPPED = (
    "DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_SEALER_URL", "DATABASE_BACKUP_URL", "REDIS_URL", "BACKUP_DIR",
    "EMBEDDED_FSYNC", "CACHE_KEY_PREFIX", "CLAMD_ADDRESS",
)  # fmt: skip
_PR_SET_PDEATHSIG = 1
_READY_SECONDS = 90


class CannotRun(Exception):
    """The proof cannot be made here; the message says why."""


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _key() -> str:
    from core.secrets import new_key

    return new_key()


class Instance:
    """One installation. `parts` are the processes of ours; PostgreSQL and Redis are the project's own servers."""

    def __init__(self) -> None:
        if not NGINX or not shutil.which("openssl"):
            raise CannotRun("nginx と openssl が要ります（make tools）。")
        for name in _DROPPED:
            os.environ.pop(name, None)
        self._surroundings = dict(os.environ)
        self.folder = Path(tempfile.mkdtemp(prefix="faults-"))
        # the proxy's and the database's own users must get through
        self.folder.chmod(0o755)
        self.var = self.folder / "var"
        self.var.mkdir(mode=0o700)
        self.log = self.folder / "log"
        self.log.mkdir()
        self.web_port, self.tls_port, self.plain_port = free_port(), free_port(), free_port()
        self.mail_port = 0
        self.parts: dict[str, subprocess.Popen[bytes]] = {}
        self.mounts: list[Path] = []
        self.addresses = endpoints(self.var)
        self._secrets = {
            "SECRET_KEY": secrets.token_hex(40),
            "FIELD_KEYS": _key(),
            "FINGERPRINT_KEY": _key(),
            "AUDIT_SIGNING_KEY": _key(),
        }
        # commands with the settings of development find the same secrets here
        for name, value in self._secrets.items():
            path = self.var / name.lower()
            path.write_text(value)
            path.chmod(0o600)

    # -- environments

    @property
    def development(self) -> dict[str, str]:
        """For commands that production refuses: setting up, loading, closing in one go."""
        return {
            **self._surroundings,
            "VAR_DIR": str(self.var),
            "DJANGO_SETTINGS_MODULE": "config.settings.embedded",
        }

    @property
    def production(self) -> dict[str, str]:
        """For everything that runs while things are killed."""
        return {
            **self._surroundings,
            **self._secrets,
            "DJANGO_SETTINGS_MODULE": "config.settings.production",
            "VAR_DIR": str(self.var),
            "STATIC_ROOT": str(self.folder / "static"),
            "ALLOWED_HOSTS": HOST,
            "TRUSTED_PROXIES": "127.0.0.0/8",
            "DATABASE_URL": self.addresses.database_url,
            "REDIS_URL": self.addresses.redis_url,
            "WEB_BIND": f"127.0.0.1:{self.web_port}",
            "WEB_WORKERS": "2",
            "MAIL_HOST": "localhost",
            "MAIL_PORT": str(self.mail_port),
            "MAIL_FROM": "office@office.faults.test",
            "MAIL_CA_FILE": str(self.folder / "certificate"),
            "PYTHONUNBUFFERED": "1",
        }

    def manage(self, *arguments: str, **environment: str) -> str:
        """Runs a command to its end, with the settings of development; answers what it printed."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env={**self.development, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotRun(f"manage.py {arguments[0]}: {(done.stderr or done.stdout).strip()[-800:]}")
        return done.stdout

    # -- starting

    def prepare(self) -> None:
        """Servers, database, certificate, static files."""
        attach(self.var)
        self.manage("setup", "--verbosity", "0")
        self.manage("collectstatic", "--noinput", "--verbosity=0", **self.production)
        names = f"subjectAltName=DNS:localhost,DNS:{HOST}"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=localhost", "-addext", names, "-keyout", str(self.folder / "key"),
             "-out", str(self.folder / "certificate")],
            check=True, capture_output=True,
        )  # fmt: skip

    def start_all(self) -> None:
        """Every process; returns when a page can be had through the proxy."""
        self.start_proxy()
        for name in ("web", "worker", "quick", "sealer", "beat"):
            self.start(name)
        self.wait_for_web()

    def start(self, name: str) -> None:
        """One of web, worker, quick, sealer, beat, as docker-compose.yml starts them (backups have a proof of their own)."""
        celery = [sys.executable, "-m", "celery", "-A", "config"]
        quiet = ["--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        commands = {
            "web": [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "config" / "gunicorn.py")]
            + ["config.wsgi:application"],
            "worker": [*celery, "worker", "--concurrency", "2", *quiet, "-n", "worker@faults"],
            "quick": [*celery, "worker", "--queues", "quick", "--concurrency", "2", *quiet, "-n", "quick@faults"],
            "sealer": [*celery, "worker", "--queues", "seal", "--concurrency", "1", *quiet, "-n", "sealer@faults"],
            "beat": [*celery, "beat", "-l", "INFO", "--pidfile=", "--schedule", str(self.folder / "beat-schedule")],
        }  # fmt: skip
        more = {"DATABASE_SEALER_URL": self.addresses.sealer_url} if name == "sealer" else {}
        self._spawn(name, commands[name], {**self.production, **more})

    def _spawn(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        parent = os.getpid()
        prctl = ctypes.CDLL(None, use_errno=True).prctl

        def follow_parent() -> None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

        with (self.log / f"{name}.log").open("ab") as output:
            self.parts[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,
                preexec_fn=follow_parent,
            )

    def start_proxy(self) -> None:
        """nginx with the configuration of deploy/, its places and ports changed to ours."""
        conf, work = self.folder / "nginx", self.folder / "nginx-work"
        shutil.copytree(ROOT / "deploy" / "nginx", conf)
        work.mkdir()
        shutil.copy("/etc/nginx/mime.types", conf)
        places = {
            "/tmp/nginx/": f"{work}/",
            "/var/cache/nginx/": f"{work}/",
            "/run/secrets/tls_certificate": f"{self.folder}/certificate",
            "/run/secrets/tls_private_key": f"{self.folder}/key",
            "/dev/stdout": str(self.log / "nginx-access.log"),
            "/dev/stderr": str(self.log / "nginx-error.log"),
            "/srv/static/": f"{self.folder}/static/",
            "root /etc/nginx;": f"root {conf};",
            "listen 9145": f"listen 127.0.0.1:{free_port()}",
            "listen 8080": f"listen 127.0.0.1:{self.plain_port}",
            "listen 8443": f"listen 127.0.0.1:{self.tls_port}",
        }
        text = (conf / "nginx.conf").read_text()
        for name, place in places.items():
            if name not in text:
                raise CannotRun(f"deploy/nginx/nginx.conf に {name} がありません。")
            text = text.replace(name, place)
        (conf / "nginx.conf").write_text(text)
        # what deploy/nginx/start.sh makes
        (work / "server_name.conf").write_text(f"server_name {HOST};\n")
        (work / "public_host.conf").write_text(f'map "" $public_host {{ default {HOST}; }}\n')
        (work / "shared_networks.conf").write_text("")
        (work / "upstream.conf").write_text(f"server 127.0.0.1:{self.web_port};\n")
        # as root it would serve as a user who can't enter our folder
        user = "user root;" if os.geteuid() == 0 else ""
        command = [
            str(NGINX),
            "-p",
            str(self.folder),
            "-c",
            str(conf / "nginx.conf"),
            "-g",
            f"daemon off; {user}",
        ]
        self._spawn("proxy", [*command, "-e", str(self.log / "nginx-error.log")], dict(os.environ))

    def wait_for_web(self) -> None:
        """Returns when the web process answers behind the proxy."""
        import http.client

        end = time.monotonic() + _READY_SECONDS
        while time.monotonic() < end:
            connection = http.client.HTTPConnection("127.0.0.1", self.web_port, timeout=10)
            try:
                headers = {"Host": HOST, "X-Forwarded-Proto": "https"}
                connection.request("GET", "/healthz", headers=headers)
                if connection.getresponse().status == 200:
                    return
            except OSError:
                time.sleep(0.1)
            finally:
                connection.close()
        raise CannotRun(f"web が起動しません:\n{self.tail('web')}")

    # -- killing

    def kill(self, name: str) -> None:
        """SIGKILL to a process of ours and its children at once."""
        process = self.parts[name]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_redis(self) -> None:
        """SIGKILL; it keeps nothing on disk."""
        numbers = running("redis-server", self.var / "redis")
        send(numbers, signal.SIGKILL)
        wait_gone(numbers, 10)

    def signal_postmaster(self, what: signal.Signals) -> None:
        """SIGKILL: nobody tidies up. SIGQUIT: immediate shutdown, recovery at the next start."""
        numbers = running("postgres", data_folder(self.var))
        send(numbers[:1], what)
        wait_gone(numbers[:1], 20)

    def kill_backend(self) -> None:
        """SIGKILL to one connection's process: PostgreSQL ends all others and recovers by itself."""
        import psycopg

        with psycopg.connect(self.addresses.superuser_url.replace("/dispatch?", "/postgres?")) as connection:
            found = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = 'dispatch'"
                " ORDER BY state = 'active' DESC, query_start DESC LIMIT 1"
            ).fetchone()
        if found:
            os.kill(found[0], signal.SIGKILL)

    def start_servers(self) -> None:
        """PostgreSQL and Redis, whichever doesn't run; waits until they answer."""
        for _ in range(3):
            try:
                attach(self.var)
            except ServersError:  # it was just ending by itself
                time.sleep(0.5)
            else:
                return
        attach(self.var)

    # -- disks

    def forget_old_log(self) -> None:
        """Keeps as little of the database's log as can be, so that it fits on a small disk."""
        import psycopg

        data = data_folder(self.var)
        local = data / "local.conf"
        local.write_text("min_wal_size = 32MB\nmax_wal_size = 96MB\n")
        status = data.stat()
        os.chown(local, status.st_uid, status.st_gid)
        with psycopg.connect(self.addresses.superuser_url, autocommit=True) as connection:
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CHECKPOINT")

    def small_disk(self, place: Path, spare: int) -> None:
        """Mounts a tmpfs over a folder, with what was in it and so many megabytes to spare.

        The database must not run while its own folders are moved.
        """
        if os.geteuid() != 0:
            raise CannotRun("小さな tmpfs を作るには root の権限が要ります。")
        status = place.stat()
        # whole pages, and the names themselves
        used = sum(path.stat().st_size + 8192 for path in place.rglob("*"))
        megabytes = used // 2**20 + spare
        beside = place.with_name(place.name + ".before")
        place.rename(beside)
        place.mkdir()
        mode = f"size={megabytes}m,mode={status.st_mode & 0o777:o},uid={status.st_uid},gid={status.st_gid}"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", mode, "tmpfs", str(place)],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            place.rmdir()
            beside.rename(place)
            raise CannotRun(f"tmpfs をマウントできません: {done.stderr.strip()}")
        self.mounts.append(place)
        subprocess.run(["cp", "-a", f"{beside}/.", str(place)], check=True)
        shutil.rmtree(beside)

    @staticmethod
    def fill(place: Path) -> None:
        """Takes all the room there is."""
        with (place / ".ballast").open("wb", buffering=0) as file:
            block = bytes(1 << 20)
            size = len(block)
            while size:
                try:
                    file.write(block[:size])
                except OSError:
                    size //= 2

    @staticmethod
    def free(place: Path) -> None:
        """Gives it back."""
        (place / ".ballast").unlink(missing_ok=True)

    # -- the end

    def tail(self, name: str, lines: int = 15) -> str:
        """The end of a log."""
        path = self.log / f"{name}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def end(self, *, keep: bool = False) -> None:
        """Ends what we started and deletes the folder; `keep` leaves it for a look."""
        for process in self.parts.values():
            if process.poll() is None:
                process.terminate()
        for process in self.parts.values():
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        detach(self.var)
        socket_dir = load_state(self.var).socket_dir
        for place in reversed(self.mounts):
            subprocess.run(["umount", "-l", str(place)], check=False)
        shutil.rmtree(socket_dir, ignore_errors=True)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def wait_until(answer: Callable[[], object], seconds: float, pause: float = 0.1) -> float | None:
    """Seconds until `answer` gave something; None when it didn't in time. Errors count as not yet."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            if answer():
                return time.monotonic() - began
        except Exception:  # noqa: BLE001 whatever is away now may be there in a moment
            pass
        time.sleep(pause)
    return None
