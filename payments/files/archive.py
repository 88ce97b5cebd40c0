"""All files of a run in one ZIP; the same files give the same bytes."""

import zipfile

from core.files.vault import Vault

from ..models import PayoutRun

_UNIX = 3
_MODE = 0o100644


def write_archive(run: PayoutRun, store: Vault, names: list[str], target: str) -> None:
    """Adds a ZIP of the named files of a store to it, by name, dated with the pay date.

    Stored, not deflated: the notices are compressed already, and different zlibs deflate to different bytes.
    """
    date = (run.pay_date.year, run.pay_date.month, run.pay_date.day, 0, 0, 0)
    with store.create(target) as out, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(names):
            entry = zipfile.ZipInfo(f"{run.name}/{name}", date)
            entry.create_system = _UNIX
            entry.external_attr = _MODE << 16
            with store.open(name) as content:
                archive.writestr(entry, content.read())
