"""Which operating-system user the servers run as, and who owns what they write.

PostgreSQL refuses to run as root. A process started by root therefore gives its servers to an
unprivileged user, always the same one for one VAR_DIR.
"""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ServersError


@dataclass(frozen=True)
class Account:
    """An operating-system user; `switch` tells whether we have to become that user to start a server."""

    uid: int
    gid: int
    switch: bool

    def popen_arguments(self) -> dict[str, Any]:
        """Arguments of subprocess.Popen that make the child this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}


def server_account(var_dir: Path) -> Account:
    """The user the servers run as: ourselves; for root the owner of the data, else postgres or nobody."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    for folder in (var_dir / "postgres", var_dir):
        try:
            status = folder.stat()
        except FileNotFoundError:
            continue
        if status.st_uid != 0:
            return Account(status.st_uid, status.st_gid, switch=True)
    for name in ("postgres", "nobody", "daemon"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid, switch=True)
    raise ServersError(
        "PostgreSQL は root では動きません。nobody などの利用者を作るか、"
        "DATABASE_URL と REDIS_URL を設定してください。"
    )


def give_to_folder_owner(path: Path) -> None:
    """Leaves what root wrote to the owner of the folder it lies in, who may come back as an ordinary user."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def make_folder(path: Path, account: Account) -> None:
    """Makes a private folder of `account` unless it is there already."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return
    if account.switch:
        os.chown(path, account.uid, account.gid)
