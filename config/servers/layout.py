"""Where things lie under VAR_DIR, the secrets and addresses of the servers, and the lock files.

servers.json   passwords and the socket folder (0600)
servers.lock   held shortly by whoever starts or stops servers
users.lock     held shared by every process that uses the servers
keeper.lock    held by the process that stops the servers after the last user
hold.lock      held by `python -m config.servers start`
postgres/data  redis/  log/
"""

import contextlib
import fcntl
import json
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import quote

from .errors import ServersError
from .privileges import Account, give_to_folder_owner, server_account

DATABASE = "dispatch"
SUPERUSER = "postgres"
OWNER, APP, SEALER, READONLY = "dispatch_owner", "dispatch_app", "dispatch_sealer", "dispatch_readonly"
REDIS = "redis"
# A socket's path has at most 107 bytes; what we append to the folder is shorter than 30.
_LONGEST_SOCKET_FOLDER = 75
_SHORT_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - each folder in them is private

# Descriptors of lock files: a forked child gives them up, so that it neither keeps the servers
# running after its parent nor stops them before.
_open_descriptors: set[int] = set()


@dataclass(frozen=True)
class Endpoints:
    """Addresses of the project's own servers, each with its password."""

    database_url: str
    database_owner_url: str
    sealer_url: str
    readonly_url: str
    superuser_url: str
    redis_url: str


@dataclass(frozen=True)
class State:
    """What servers.json holds."""

    socket_dir: str
    passwords: dict[str, str]
    # False: a test cluster that may lose data when the machine stops.
    durable: bool
    # Version of the roles and rights that the cluster has; 0: none yet.
    provisioned: int = 0

    def database_url(self, role: str, database: str = DATABASE) -> str:
        """The address of `database` for `role`; the socket folder stands in the query."""
        return (
            f"postgresql://{role}:{self.passwords[role]}@/{database}?host={quote(self.socket_dir, safe='')}"
        )

    def redis_socket(self) -> str:
        """The path of Redis's socket."""
        return f"{self.socket_dir}/redis.sock"

    def endpoints(self) -> Endpoints:
        """The addresses people and settings use."""
        return Endpoints(
            database_url=self.database_url(APP),
            database_owner_url=self.database_url(OWNER),
            sealer_url=self.database_url(SEALER),
            readonly_url=self.database_url(READONLY),
            superuser_url=self.database_url(SUPERUSER),
            redis_url=f"unix://:{self.passwords[REDIS]}@{quote(self.redis_socket())}?db=0",
        )


def load_state(var_dir: Path) -> State:
    """The recorded state of `var_dir`, made on first use; the socket folder exists and is ours afterwards.

    Cheap and safe to call from many processes at once: only the first one writes.
    """
    account = _prepare(var_dir)
    state = _read(var_dir)
    if state is None or not _socket_folder_is_ours(state.socket_dir, account):
        with exclusive(var_dir / "servers.lock"):
            state = _read(var_dir)
            if state is None:
                state = _fresh_state(account)
                save_state(var_dir, state)
            elif not _socket_folder_is_ours(state.socket_dir, account):
                state = replace(state, socket_dir=_new_socket_folder(account))
                save_state(var_dir, state)
    return state


def save_state(var_dir: Path, state: State) -> None:
    """Records `state` in one step, readable by the owner of VAR_DIR only."""
    target = var_dir / "servers.json"
    temporary = var_dir / f"servers.json.{secrets.token_hex(4)}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(state), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    give_to_folder_owner(temporary)
    os.replace(temporary, target)


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Holds the lock file `path` alone for the block, waiting for whoever has it."""
    descriptor = open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        close_lock(descriptor)


def open_lock(path: Path) -> int:
    """Opens a lock file, making it when it isn't there; answers the descriptor, not yet locked."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        give_to_folder_owner(path)
    except FileExistsError:
        descriptor = os.open(path, os.O_RDWR)
    _open_descriptors.add(descriptor)
    return descriptor


def close_lock(descriptor: int) -> None:
    """Closes a lock file; the lock goes with it."""
    _open_descriptors.discard(descriptor)
    os.close(descriptor)


def _forget_descriptors_in_child() -> None:
    for descriptor in _open_descriptors:
        os.close(descriptor)
    _open_descriptors.clear()


os.register_at_fork(after_in_child=_forget_descriptors_in_child)


def _prepare(var_dir: Path) -> Account:
    try:
        var_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        account = server_account(var_dir)
        if not os.access(var_dir, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError
    except OSError as error:
        raise ServersError(
            f"{var_dir} に書き込めません。所有者を確かめるか、VAR_DIR で別のフォルダーを指定してください。"
        ) from error
    return account


def _read(var_dir: Path) -> State | None:
    path = var_dir / "servers.json"
    try:
        return State(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise ServersError(
            f"{path} は別の利用者のものです。"
            "その利用者で実行するか、VAR_DIR で別のフォルダーを指定してください。"
        ) from error
    except (ValueError, TypeError) as error:
        raise ServersError(
            f"{path} が壊れています。控えから戻すか、データを捨ててよければ {var_dir} を消してください。"
        ) from error


def _fresh_state(account: Account) -> State:
    names = (SUPERUSER, OWNER, APP, SEALER, READONLY, REDIS)
    return State(
        socket_dir=_new_socket_folder(account),
        passwords={name: secrets.token_urlsafe(24) for name in names},
        durable=os.environ.get("EMBEDDED_FSYNC", "on").lower() != "off",
    )


def _socket_folder_is_ours(folder: str, account: Account) -> bool:
    """Makes the folder again when it went away (a restart empties /tmp); False when the name is taken."""
    try:
        os.mkdir(folder, 0o700)
        if account.switch:
            os.chown(folder, account.uid, account.gid)
    except FileExistsError:
        pass
    except OSError:
        return False
    status = os.lstat(folder)
    return stat.S_ISDIR(status.st_mode) and status.st_uid == account.uid and not status.st_mode & 0o077


def _new_socket_folder(account: Account) -> str:
    for parent in dict.fromkeys((tempfile.gettempdir(), *_SHORT_FOLDERS)):
        folder = f"{parent}/dispatch-{secrets.token_hex(4)}"
        if len(os.fsencode(folder)) > _LONGEST_SOCKET_FOLDER or not _can_enter(Path(parent), account):
            continue
        if _socket_folder_is_ours(folder, account):
            return folder
    raise ServersError(
        "一時フォルダーに接続用のフォルダーを作れません。TMPDIR に書き込める短い場所を指定してください。"
    )


def _can_enter(folder: Path, account: Account) -> bool:
    for step in (folder, *folder.parents):
        status = step.stat()
        shift = 6 if status.st_uid == account.uid else 3 if status.st_gid == account.gid else 0
        if not (status.st_mode >> shift) & 1:
            return False
    return True
