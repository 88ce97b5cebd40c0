"""The installation that is attacked: PostgreSQL, Redis and web processes of its own on the loopback, the demonstration's data."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from benchmarks.security.outcomes import ROOT
from config.demo import free_socket
from config.servers import attach, detach

NOBODY = "anonymous"
_FIRST_PORT = 8600
_PR_SET_PDEATHSIG = 1
_OTHERS = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "BACKUP_DIR", "CLAMD_ADDRESS")


class CannotRun(Exception):
    """The installation does not start; the message says why."""


@dataclass(frozen=True)
class Person:
    """A role's way in: the cookie of a session, and a token for the API. Nobody has neither."""

    role: str
    cookie: str = ""
    token: str = ""


class Instance:
    """Prepared, filled and served; ended by `end`."""

    def __init__(self) -> None:
        self.var = Path(tempfile.mkdtemp(prefix="attacked-"))
        self.var.chmod(0o755)
        for name in _OTHERS:
            os.environ.pop(name, None)
        os.environ |= {
            "VAR_DIR": str(self.var),
            "DJANGO_SETTINGS_MODULE": "benchmarks.security.settings",
            "EMBEDDED_FSYNC": "off",
            "PYTHONPATH": str(ROOT),
        }
        self.web: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.people: list[Person] = []

    def start(self) -> None:
        """Everything, in a minute or two."""
        attach(self.var)
        for command in (["setup", "--verbosity", "0"], ["demo_data"]):
            done = subprocess.run(
                [sys.executable, str(ROOT / "manage.py"), *command],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise CannotRun(f"manage.py {command[0]}: {(done.stderr or done.stdout)[-600:]}")
        self.serve()
        self.let_in()

    def serve(self) -> None:
        """Two web processes; without a worker, for what is asked must show at once."""
        listener, _ = free_socket(_FIRST_PORT)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        os.environ["PUBLIC_ORIGIN"] = self.url
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "config.wsgi:application",
            "--workers",
            "2",
            "--threads",
            "4",
        ]
        command += [
            "--bind",
            f"fd://{listener.fileno()}",
            "--no-control-socket",
            "--worker-tmp-dir",
            "/dev/shm",
        ]
        prctl, parent = ctypes.CDLL(None, use_errno=True).prctl, os.getpid()

        def follow_parent() -> None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

        with (self.var / "web.log").open("wb") as output:
            self.web = subprocess.Popen(
                command,
                cwd=ROOT,
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=follow_parent,
            )
        listener.close()
        end = time.monotonic() + 90
        while time.monotonic() < end and self.web.poll() is None:
            try:
                urllib.request.urlopen(f"{self.url}/healthz", timeout=10).close()
            except OSError:
                time.sleep(0.2)
            else:
                return
        raise CannotRun(f"web: {(self.var / 'web.log').read_text(errors='replace')[-800:]}")

    def let_in(self) -> None:
        """A session and a token for one person of each role, and the one who isn't signed in."""
        import django

        django.setup()
        self.people = [*(self.person(role) for role in _roles()), Person(NOBODY)]

    def person(self, role: str) -> Person:
        """A fresh session of the role's person, with everything confirmed that may be asked for."""
        import datetime as dt
        import secrets

        from django.conf import settings
        from django.test import Client

        from accounts.models import User
        from core import clock
        from core.audit.acting import SYSTEM, acting
        from portal_expert import tokens
        from portal_expert.models import ApiToken

        user = (
            User.objects.filter(role=role, username__startswith="demo.", is_active=True)
            .order_by("pk")
            .first()
        )
        if user is None:
            raise CannotRun(f"デモに役割 {role} の人がいません。")
        client = Client()
        client.force_login(user)
        session = client.session
        session["confirmed_at"] = time.time()
        session.save()
        text = tokens.PREFIX + secrets.token_urlsafe(32)
        with acting(SYSTEM, "demo_data"):
            # made past the service, which gives none to most roles: the API itself must refuse them
            ApiToken.objects.create(
                user=user,
                name=secrets.token_hex(6),
                token_hash=tokens._hash(text),
                expires_at=clock.now() + dt.timedelta(days=1),
            )
        return Person(role, f"{settings.SESSION_COOKIE_NAME}={session.session_key}", text)

    def still_in(self, person: Person) -> bool:
        """Whether the session still opens a page: a tool that signed itself out has seen nothing."""
        if person.role == NOBODY:
            return True
        asked = urllib.request.Request(f"{self.url}/", headers={"Cookie": person.cookie, "X-Scan": "own"})
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return "/sign-in" not in answer.url
        except urllib.error.HTTPError as refused:
            # the agency has no first page of its own: 403, but known
            return refused.code == 403

    def end(self) -> None:
        """Stops what was started and deletes it."""
        if self.web is not None:
            self.web.terminate()
            try:
                self.web.wait(15)
            except subprocess.TimeoutExpired:
                self.web.kill()
                self.web.wait()
        if "django" in sys.modules:
            from django.db import connections

            connections.close_all()
        detach(self.var)
        shutil.rmtree(self.var, ignore_errors=True)


def _roles() -> list[str]:
    from accounts.models import Role

    return list(Role.values)
