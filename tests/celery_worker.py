"""A real Celery worker for tests: a process of its own, on a Redis database of its own, that can be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from celery import Task
from kombu import Connection

BASE = Path(__file__).resolve().parent.parent


def own_redis(url: str) -> str:
    """The same Redis server, another of its databases: one for each worker of pytest-xdist."""
    number = 1 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 15
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return urlunsplit(parts._replace(query=f"db={number}"))
    return urlunsplit(parts._replace(path=f"/{number}"))


class Worker:
    """One `celery worker` with its children in a process group."""

    def __init__(self, environment: dict[str, str], log: Path, application: str = "config") -> None:
        self.environment = {**environment, "REDIS_URL": own_redis(environment["REDIS_URL"])}
        self._command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            application,
            "worker",
            "-c",
            "1",
            "-l",
            "WARNING",
        ]
        self._command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        self._log = log
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._command,
                cwd=BASE,
                env={**self.environment, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def kill(self) -> None:
        """SIGKILL to the worker and its children at once, as when the machine loses power."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def restart(self) -> None:
        """A new worker in its place."""
        self.process = self._start()

    def send(self, task: Task[..., Any], *arguments: Any) -> None:
        """Wakes the worker."""
        from config.celery import broker_address

        with Connection(broker_address(self.environment["REDIS_URL"])) as connection:
            task.apply_async(arguments, connection=connection)

    def stop(self) -> None:
        """Ends it and whatever it left in its queue."""
        if self.process.poll() is None:
            self.kill()
        import redis

        redis.Redis.from_url(self.environment["REDIS_URL"]).flushdb()


@contextmanager
def worker(environment: dict[str, str], log: Path, application: str = "config") -> Iterator[Worker]:
    """A running worker, ended afterwards."""
    started = Worker(environment, log, application)
    try:
        yield started
    finally:
        started.stop()


def wait_until(answer: Callable[[], Any], seconds: float = 60) -> Any:
    """What `answer` gives once it gives something; fails after so long."""
    end = time.monotonic() + seconds
    while not (given := answer()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)
    return given
