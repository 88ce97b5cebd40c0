"""The supervisor behind `make demo`, run for real on a project that is as small as can be."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from server_processes import PROJECT, command_line, eventually, read_line, servers_of

from config import demo
from config.servers.processes import alive, running

WSGI = """\
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"here"]
"""
CELERY = """\
import os
from celery import Celery
from config.servers import endpoints
path = endpoints(os.environ["VAR_DIR"]).redis_url.removeprefix("unix://").partition("?")[0]
app = Celery("config", broker=f"redis+socket://{path}?virtual_host=0")
"""
MANAGE = """\
import sys
if sys.argv[1] == "demo_data":
    print("担当 tanto / 合言葉")
"""


class Supervisor:
    """A running supervisor and what it has printed."""

    def __init__(self, project: Path, environment: dict[str, str]) -> None:
        self.printed: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "config.demo"],
            cwd=project,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def read_until(self, words: str) -> str:
        """The first line that holds `words`."""
        while words not in (line := read_line(self.process)):
            assert line or self.process.poll() is None, self.printed
            self.printed.append(line)
        return line

    def address(self) -> tuple[str, int]:
        """Where it says that the portal is, once it is ready."""
        url = self.read_until("動いています").split()[-1]
        self.read_until("Ctrl-C")
        host, port = url.removeprefix("http://").rstrip("/").split(":")
        return host, int(port)

    def children(self) -> list[int]:
        """The numbers of the processes it has started, and theirs."""
        found, todo = [], [self.process.pid]
        while todo:
            number = todo.pop()
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                below = Path(f"/proc/{number}/task/{number}/children").read_text().split()
                found += [int(child) for child in below]
                todo += [int(child) for child in below]
        return found


@pytest.fixture
def supervisor(var_dir: Path, request: pytest.FixtureRequest) -> Iterator[Supervisor]:
    """`make demo` of a project with a page of one word."""
    project = var_dir.parent / "project"
    (project / "config").mkdir(parents=True)
    for name in ("__init__.py", "wsgi.py", "celery.py"):
        (project / "config" / name).write_text({"wsgi.py": WSGI, "celery.py": CELERY}.get(name, ""))
    (project / "manage.py").write_text(MANAGE)
    for name in ("demo.py", "gunicorn.py", "logging.py"):
        shutil.copy(PROJECT / "config" / name, project / "config")
    shutil.copytree(PROJECT / "config" / "servers", project / "config" / "servers")
    environment = {
        **{
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("DATABASE_", "REDIS_", "DJANGO_"))
        },
        "VAR_DIR": str(var_dir),
        "EMBEDDED_FSYNC": "off",
        "PYTHONIOENCODING": "utf-8",
    }
    running = Supervisor(project, environment)
    yield running
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.process.pid, signal.SIGTERM)
    try:
        running.process.wait(30)
    finally:
        running.process.kill()
        assert running.process.stdout is not None
        running.process.stdout.close()


def living(numbers: list[int]) -> list[int]:
    """Those that are still there."""
    return [number for number in numbers if alive(number)]


def test_it_serves_prints_the_logins_and_ends_all_on_ctrl_c(supervisor: Supervisor, var_dir: Path) -> None:
    host, port = supervisor.address()
    assert "担当 tanto / 合言葉" in supervisor.printed
    connection = http.client.HTTPConnection(host, port, timeout=30)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"here"
    connection.close()
    eventually(lambda: len(supervisor.children()) == 7)  # Web and its two, the worker and its two, beat
    children = supervisor.children()
    assert servers_of(var_dir) != []
    before = running("redis-server", var_dir / "redis")
    os.kill(before[0], signal.SIGKILL)
    supervisor.read_until("Redis が止まったため、起動し直しました。")
    assert before != running("redis-server", var_dir / "redis") != []
    supervisor.process.send_signal(signal.SIGINT)
    assert supervisor.process.wait(60) == 0
    assert (living(children), servers_of(var_dir)) == ([], [])


def test_when_it_is_killed_nothing_of_it_goes_on(supervisor: Supervisor, var_dir: Path) -> None:
    supervisor.address()
    children = supervisor.children()
    supervisor.process.kill()
    eventually(lambda: not living(children))
    eventually(lambda: not servers_of(var_dir))


def test_when_one_process_ends_it_says_which_and_ends_all(supervisor: Supervisor, var_dir: Path) -> None:
    supervisor.address()
    children = supervisor.children()
    [beat] = [n for n in children if b"\0beat\0" in command_line(n)]
    os.kill(beat, signal.SIGKILL)
    assert "SIGKILL" in supervisor.read_until("Celery beat が終了しました")
    assert supervisor.process.wait(60) == 1
    assert (living(children), servers_of(var_dir)) == ([], [])


def test_a_taken_port_is_left_alone_and_the_next_free_one_used() -> None:
    with socket.socket() as other:
        other.bind((demo.HOST, 0))
        other.listen()
        taken = other.getsockname()[1]
        listener, first_choice = demo.free_socket(taken)
        with listener:
            assert not first_choice
            assert taken < listener.getsockname()[1] < taken + 100


def test_it_says_that_port_8000_is_taken(supervisor: Supervisor) -> None:
    with socket.socket() as other:
        with contextlib.suppress(OSError):  # somebody else has it: as good
            other.bind((demo.HOST, demo.FIRST_PORT))
            other.listen()
        host, port = supervisor.address()
        assert f"ポート 8000 は使用中のため、ポート {port} を使います。" in supervisor.printed
        assert port != demo.FIRST_PORT
