"""Redis: the broker and the cache. It keeps nothing on disk; what must last is in the database."""

import os
import signal
import socket
import time
from pathlib import Path

from .binaries import Programs
from .errors import ServersError
from .layout import REDIS, State
from .privileges import Account, make_folder
from .processes import running, send, spawn, tail, wait_gone

_SETTINGS = """\
port 0
unixsocket "{socket}"
unixsocketperm 700
requirepass {password}
daemonize no
appendonly no
save ""
maxmemory-policy noeviction
"""


def data_folder(var_dir: Path) -> Path:
    """The folder Redis works in."""
    return var_dir / "redis"


def ensure_running(var_dir: Path, state: State, programs: Programs, account: Account) -> None:
    """Starts the server when it doesn't answer, waits until it does. The caller holds the starting lock."""
    if answers(state):
        return
    folder, log = data_folder(var_dir), var_dir / "log" / "redis.log"
    make_folder(folder, account)
    left = running("redis-server", folder)
    send(left, signal.SIGKILL)  # runs but doesn't answer: its socket was removed
    wait_gone(left, 10)
    configuration = folder / "redis.conf"
    configuration.unlink(missing_ok=True)
    descriptor = os.open(configuration, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(_SETTINGS.format(socket=state.redis_socket(), password=state.passwords[REDIS]))
        if account.switch:
            os.fchown(descriptor, account.uid, account.gid)
    # The path goes through the working folder, so that the folders above need not be entered.
    command = [str(programs.redis_server), "/proc/self/cwd/redis.conf"]
    pid = spawn(command, folder=folder, log=log, account=account)
    end = time.monotonic() + 30
    while not answers(state):
        if wait_gone([pid], 0) or time.monotonic() > end:
            raise ServersError(f"Redis が起動しません。{log} の終わり:\n{tail(log)}")
        time.sleep(0.02)


def answers(state: State) -> bool:
    """Whether the server accepts our password right now."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(state.redis_socket())
            connection.sendall(f"AUTH {state.passwords[REDIS]}\r\nPING\r\n".encode())
            received = b""
            while received.count(b"\r\n") < 2:
                part = connection.recv(200)
                if not part:
                    return False
                received += part
            return received == b"+OK\r\n+PONG\r\n"
    except OSError:
        return False


def stop(var_dir: Path, *, deleted: bool = False) -> None:
    """Stops the server."""
    numbers = running("redis-server", data_folder(var_dir), deleted=deleted)
    for what, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
        send(numbers, what)
        if wait_gone(numbers, seconds):
            return
