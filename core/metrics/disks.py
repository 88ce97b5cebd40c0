"""How full the disks are."""

import shutil
from pathlib import Path

from .registry import Reading


def disk_readings(name: str, folder: Path) -> list[Reading]:
    """How full the disk of a folder is, as `df` counts: what only root may use counts for nothing.

    While the folder isn't made the one above it is asked. OSError when the disk doesn't answer.
    """
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    ratio = usage.used / ((usage.used + usage.free) or 1)
    return [
        Reading("disk_used_ratio", ratio, {"folder": name}),
        Reading("disk_free_bytes", usage.free, {"folder": name}),
    ]
