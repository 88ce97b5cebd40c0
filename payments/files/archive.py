"""All files of a run in one ZIP; the same files give the same bytes."""

import zipfile
from pathlib import Path

from ..models import PayoutRun
from .folder import sync

_UNIX = 3
_MODE = 0o100644


def write_archive(run: PayoutRun, folder: Path, names: list[str], target: Path) -> None:
    """Writes the named files of the folder, by name, dated with the pay date.

    Stored, not deflated: the notices are compressed already, and different zlibs deflate to different bytes.
    """
    date = (run.pay_date.year, run.pay_date.month, run.pay_date.day, 0, 0, 0)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(names):
            entry = zipfile.ZipInfo(f"{run.name}/{name}", date)
            entry.create_system = _UNIX
            entry.external_attr = _MODE << 16
            archive.writestr(entry, (folder / name).read_bytes())
    sync(target)
