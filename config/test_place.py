"""Where the tests keep their servers and data. As a command it prints the folder.

Each test that commits gets a clone of a database of two thousand files, which most disks make in half a second and
memory in a twentieth of it.
"""

import hashlib
import os
import shutil
import sys
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent
MEMORY = Path("/dev/shm")  # noqa: S108 - the folder of our own in it is made for its owner alone, or not used
ROOM = 4 * 1024**3


def place(memory: Path = MEMORY, room: int = ROOM) -> Path:
    """A folder of this checkout's own: in memory where `room` bytes are free and it is ours alone, else `build/test`.

    Once taken it stays taken, also when others have filled the memory since.
    """
    own = memory / f"dispatch-test-{hashlib.sha256(os.fsencode(BASE)).hexdigest()[:8]}-{os.getuid()}"
    try:
        if not own.exists() and shutil.disk_usage(memory).free < room:
            return BASE / "build" / "test"
        own.mkdir(mode=0o700, exist_ok=True)
        found = own.lstat()
    except OSError:
        return BASE / "build" / "test"
    is_ours = own.is_dir() and not own.is_symlink() and found.st_uid == os.getuid()
    return own if is_ours else BASE / "build" / "test"


if __name__ == "__main__":
    sys.stdout.write(f"{place()}\n")
