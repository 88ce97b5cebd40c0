"""Processes that stand beside the servers: one stops them after the last user, one is a user by itself.

They run on the standard library alone, as small as Python gets.
"""

import fcntl
import os
import signal
from pathlib import Path

from .layout import close_lock, open_lock
from .users import stop_servers


def keeper(var_dir: str) -> None:
    """Waits until nobody uses the servers, then stops them."""
    folder = Path(var_dir)
    own = open_lock(folder / "keeper.lock")
    try:
        fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    users = open_lock(folder / "users.lock")
    before = folder.stat()
    fcntl.flock(users, fcntl.LOCK_EX)
    stop_servers(folder, deleted=not (folder.exists() and os.path.samestat(before, folder.stat())))
    # In this order: whoever gets users.lock next must see that it needs another keeper.
    close_lock(own)
    close_lock(users)


def holder(var_dir: str) -> None:
    """Uses the servers until SIGTERM: this is what `start` leaves behind."""
    folder = Path(var_dir)
    own = open_lock(folder / "hold.lock")
    try:
        fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    users = open_lock(folder / "users.lock")
    fcntl.flock(users, fcntl.LOCK_SH)
    os.truncate(own, 0)
    os.write(own, str(os.getpid()).encode())
    signal.pause()
