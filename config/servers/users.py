"""Who uses the servers: the first user starts them, the last one out stops them.

Each user holds a shared lock on users.lock. A user that ends normally tries for the exclusive lock and,
when it gets it, stops the servers itself. A user that is killed drops its lock by that; the keeper, a small
process that waits for the exclusive lock all the time, then does the stopping.
"""

import atexit
import fcntl
import os
import sys
from pathlib import Path

from . import postgres, redis_server
from .binaries import usable_by
from .layout import Endpoints, close_lock, exclusive, load_state, open_lock
from .privileges import Account, give_to_folder_owner, server_account
from .processes import spawn

_LARGEST_LOG = 10_000_000

# Which VAR_DIRs this process uses: path → (our number, descriptor of users.lock).
_used: dict[Path, tuple[int, int]] = {}


def endpoints(var_dir: Path | str) -> Endpoints:
    """The addresses of the servers of `var_dir`, running or not; secrets are made on first use."""
    return load_state(Path(var_dir).resolve()).endpoints()


def attach(var_dir: Path | str, *, with_postgres: bool = True, with_redis: bool = True) -> Endpoints:
    """Makes sure the servers run and this process counts as their user until it ends or calls `detach`.

    ServersError when they cannot run. A forked child is no user; one that goes on by itself attaches again.
    """
    folder = Path(var_dir).resolve()
    load_state(folder)
    with exclusive(folder / "servers.lock"):
        if folder not in _used or _used[folder][0] != os.getpid():
            descriptor = open_lock(folder / "users.lock")
            fcntl.flock(descriptor, fcntl.LOCK_SH)  # waits while a keeper is stopping the servers
            _used[folder] = (os.getpid(), descriptor)
            atexit.register(_detach_at_exit, folder, os.getpid())
        try:
            _ensure_running(folder, with_postgres, with_redis)
            state = load_state(folder)
        except BaseException:
            _leave(folder)
            raise
    return state.endpoints()


def detach(var_dir: Path | str) -> bool:
    """This process uses the servers no longer; answers whether it was the last, and so stopped them."""
    folder = Path(var_dir).resolve()
    if folder not in _used or _used[folder][0] != os.getpid():
        return False
    with exclusive(folder / "servers.lock"):
        return _leave(folder)


def stop_if_unused(var_dir: Path) -> bool:
    """Stops servers that nobody uses; False when somebody does. The caller holds the starting lock."""
    descriptor = open_lock(var_dir / "users.lock")
    try:
        return _stop_if_alone(var_dir, descriptor)
    finally:
        close_lock(descriptor)


def stop_servers(var_dir: Path, *, deleted: bool = False) -> None:
    """Stops both servers. The caller holds users.lock alone."""
    redis_server.stop(var_dir, deleted=deleted)
    postgres.stop(var_dir, deleted=deleted)


def spawn_helper(var_dir: Path, task: str) -> int:
    """Starts a small Python process (`keeper` or `holder`) that outlives this one; answers its number."""
    package = Path(__file__).resolve().parent
    # Not by way of the package `config`, which loads Celery.
    code = (
        f"import sys; sys.path.insert(0, sys.argv[1]); from servers.keeper import {task}; {task}(sys.argv[2])"
    )
    command = [sys.executable, "-I", "-S", "-c", code, str(package.parent), str(var_dir)]
    log = var_dir / "log" / "keeper.log"
    ourselves = Account(os.geteuid(), os.getegid(), switch=False)
    return spawn(command, folder=Path("/"), log=log, account=ourselves)


def is_locked(path: Path) -> bool:
    """Whether some process holds the lock file alone."""
    descriptor = open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        close_lock(descriptor)


def _ensure_running(var_dir: Path, with_postgres: bool, with_redis: bool) -> None:
    state = load_state(var_dir)
    if not is_locked(var_dir / "keeper.lock"):
        _prepare_logs(var_dir)
        spawn_helper(var_dir, "keeper")
    missing_postgres = with_postgres and not (postgres.is_provisioned(state) and postgres.answers(state))
    missing_redis = with_redis and not redis_server.answers(state)
    if not (missing_postgres or missing_redis):
        return
    account = server_account(var_dir)
    programs = usable_by(account)
    if missing_redis:
        redis_server.ensure_running(var_dir, state, programs, account)
    if missing_postgres:
        postgres.ensure_running(var_dir, state, programs, account)


def _prepare_logs(var_dir: Path) -> None:
    logs = var_dir / "log"
    if not logs.exists():
        logs.mkdir(mode=0o700)
        give_to_folder_owner(logs)
    for log in logs.glob("*.log"):
        if log.stat().st_size > _LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))


def _leave(folder: Path) -> bool:
    _, descriptor = _used.pop(folder)
    try:
        return _stop_if_alone(folder, descriptor)
    finally:
        close_lock(descriptor)


def _stop_if_alone(folder: Path, descriptor: int) -> bool:
    # The keeper waits for the same lock and may get it first: then we wait until it has stopped the servers.
    # Only other users refuse us every time.
    for _ in range(3):
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        stop_servers(folder)
        return True
    return False


def _detach_at_exit(folder: Path, number: int) -> None:
    if os.getpid() == number and folder.exists():
        detach(folder)
