"""Backups under the newest key: what `manage.py rotate_keys` does with them."""

import os
import secrets

from core.files.cipher import Damaged, rewrap
from core.secrets import Unreadable, key_marks

from .repository import Repository
from .taking import alone


def rewrap_backups(repository: Repository) -> int:
    """Puts the own key of every file of the repository under the newest key of the ring; answers how many changed.

    The content stays byte for byte, so that it stays what was verified. Whoever is killed begins again. A damaged file
    is left to the check (core/backup/checking.py).
    """
    changed = 0
    if not repository.folder.is_dir():
        return changed
    for place in repository.files():
        # a file at a time, so that the log is collected meanwhile
        with alone(repository):
            changed += _rewrap(repository, place)
    return changed


def missing_keys(repository: Repository) -> dict[str, list[str]]:
    """Of each backup the marks of keys that what is inside needs and that FIELD_KEYS lacks; only of those that need one.

    A backup holds values that were encrypted when it was made. Its own files open with the newest key, those don't.
    """
    ring = set(key_marks())
    # a value under the newest key of that time and older ones that `rotate_keys` had not yet reached
    lacking = {one.name: [mark for mark in one.keys if mark not in ring] for one in repository.sets()}
    return {name: marks for name, marks in lacking.items() if marks}


def last_needing_old_keys(repository: Repository) -> str:
    """The name of the youngest backup with values that the newest key alone doesn't open; empty when there is none."""
    newest = key_marks()[0]
    return max((one.name for one in repository.sets() if set(one.keys) - {newest}), default="")


def _rewrap(repository: Repository, place: str) -> bool:
    path = repository.folder / place
    partial = repository.folder / "incoming" / secrets.token_hex(8)
    try:
        with path.open("rb") as old, open(partial, "xb", opener=_private) as new:
            if not rewrap(old, new):
                return False
            new.flush()
            os.fsync(new.fileno())
        status = path.stat()
        # the time of a segment says which moment it is from
        os.utime(partial, ns=(status.st_atime_ns, status.st_mtime_ns))
        os.replace(partial, path)
        return True
    except (FileNotFoundError, Damaged, Unreadable):
        return False
    finally:
        partial.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
