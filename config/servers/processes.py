"""Starting processes that outlive us, finding them again, and ending them.

A server is recognised by its program and by the folder it works in (device and inode), not by a
number in a file: numbers are reused, folders are not.
"""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from .errors import ServersError
from .privileges import Account, give_to_folder_owner

# Nothing of the caller's locale, PG* variables or Python settings reaches a server.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}


def running(program: str, folder: Path, *, deleted: bool = False) -> list[int]:
    """Numbers of the living processes of `program` (a file name) that work in `folder`, oldest first.

    With `deleted`: those whose folder of that path was deleted under them.
    """
    try:
        wanted = None if deleted else folder.stat()
    except FileNotFoundError:
        return []
    found: list[tuple[int, int]] = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            if wanted is None:
                if os.readlink(f"/proc/{entry}/cwd") != f"{folder} (deleted)":
                    continue
            elif not os.path.samestat(os.stat(f"/proc/{entry}/cwd"), wanted):
                continue
            executable = os.readlink(f"/proc/{entry}/exe").removesuffix(" (deleted)")
            if os.path.basename(executable) != program:
                continue
            fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile, or is somebody else's
        if fields[0] not in "ZX":
            found.append((int(fields[19]), int(entry)))
    return [number for _, number in sorted(found)]


def spawn(command: Sequence[str | Path], *, folder: Path, log: Path, account: Account) -> int:
    """Starts `command` in a session of its own, in `folder`, writing to `log`; answers its number.

    A shell in between ends at once, so that the server belongs to no process of ours and can neither be
    taken along by a Ctrl-C nor stay as a zombie.
    """
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    give_to_folder_owner(log)
    try:
        shell = subprocess.run(  # noqa: S603 - our own servers
            ["/bin/sh", "-c", '"$0" "$@" >&2 & echo $!', *command],
            cwd=folder,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=descriptor,
            start_new_session=True,
            umask=0o077,
            check=True,
            **account.popen_arguments(),
        )
    except OSError as error:
        raise ServersError(f"{command[0]} を起動できません（{error.strerror}）。") from error
    finally:
        os.close(descriptor)
    return int(shell.stdout)


def alive(number: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[0] not in "ZX"


def wait_gone(numbers: Sequence[int], seconds: float) -> bool:
    """Waits until none of the processes lives any more; False when some still do after `seconds`."""
    end = time.monotonic() + seconds
    while any(alive(number) for number in numbers):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def send(numbers: Sequence[int], what: signal.Signals) -> None:
    """Sends a signal to each process that still lives."""
    for number in numbers:
        try:
            os.kill(number, what)
        except ProcessLookupError:
            continue


def tail(log: Path, lines: int = 5) -> str:
    """The last lines of a log, for a message."""
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
