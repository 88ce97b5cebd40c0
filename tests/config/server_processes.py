"""Processes that use servers of their own, and what tests ask about them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from config.servers import postgres, redis_server
from config.servers.processes import running

PROJECT = Path(__file__).resolve().parent.parent.parent


def command_line(number: int) -> bytes:
    """What a process was called with; nothing when it has ended meanwhile, as one that served a connection does."""
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


class Processes:
    """Python processes of one test; none outlives it."""

    def __init__(self, var_dir: Path) -> None:
        self.var_dir = var_dir
        self.environment = {
            **{
                k: v
                for k, v in os.environ.items()
                if k not in ("DATABASE_URL", "REDIS_URL", "DATABASE_OWNER_URL")
            },
            "VAR_DIR": str(var_dir),
            "EMBEDDED_FSYNC": "off",
            "PYTHONIOENCODING": "utf-8",
        }
        self.started: list[subprocess.Popen[str]] = []

    def python(self, code: str) -> subprocess.Popen[str]:
        """Starts `code` with `var_dir` and the functions of config.servers at hand; pipes on both ends."""
        head = "import os, sys, time\nfrom config.servers import attach, detach, endpoints\n"
        head += f"var_dir = {str(self.var_dir)!r}\n"
        process = subprocess.Popen(
            [sys.executable, "-c", head + code],
            cwd=PROJECT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def user(self) -> subprocess.Popen[str]:
        """A process that uses the servers until its standard input closes; returns when it is attached."""
        process = self.python("attach(var_dir)\nprint('attached', flush=True)\nsys.stdin.read()\n")
        assert read_line(process) == "attached"
        return process


def read_line(process: subprocess.Popen[str]) -> str:
    """The next line a process prints."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def leave(process: subprocess.Popen[str]) -> None:
    """Lets a user end normally."""
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(60) == 0


def servers_of(var_dir: Path) -> list[int]:
    """The numbers of every living server process of `var_dir`."""
    return [
        *running("postgres", postgres.data_folder(var_dir)),
        *running("redis-server", redis_server.data_folder(var_dir)),
    ]


def eventually(condition: Callable[[], object], seconds: float = 30) -> None:
    """Waits for something that another process brings about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)
