"""Where receipts lie: encrypted, each under a random name, in 256 folders; and what belongs to nobody is found."""

import logging
import secrets
import time
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from core.files.vault import Vault

from .models import Receipt

log = logging.getLogger(__name__)

_THUMBNAIL = ".thumbnail"
# A file is written before its row. One that still has no row after so long has lost its process.
_ORPHAN_SECONDS = 7 * 24 * 60 * 60


def _vault(stored_name: str) -> Vault:
    return Vault(Path(settings.EVIDENCE_DIR) / "receipts" / stored_name[:2])


def keep(content: bytes, thumbnail: bytes) -> str:
    """Writes both, encrypted and flushed to the disk, and answers the random name they lie under."""
    name = secrets.token_hex(24)
    vault = _vault(name)
    vault.save(name, [content])
    vault.save(name + _THUMBNAIL, [thumbnail])
    return name


def destroy(stored_name: str) -> None:
    """Deletes both, if they are there."""
    vault = _vault(stored_name)
    vault.delete(stored_name)
    vault.delete(stored_name + _THUMBNAIL)


def opened(stored_name: str) -> BinaryIO:
    """The kept file, decrypted while it is read. FileNotFoundError, core.files.cipher.Damaged."""
    return _vault(stored_name).open(stored_name)


def opened_thumbnail(stored_name: str) -> BinaryIO:
    """The thumbnail, a JPEG. FileNotFoundError, core.files.cipher.Damaged."""
    return _vault(stored_name).open(stored_name + _THUMBNAIL)


def sweep() -> int:
    """Deletes files that no row knows, a week after they were written; answers how many. Missing files are logged."""
    gone = 0
    for number in range(256):
        shard = f"{number:02x}"
        vault = _vault(shard)
        names = Receipt.objects.filter(stored_name__startswith=shard).values_list("stored_name", flat=True)
        known = {path for name in names for path in (vault.path_of(name), vault.path_of(name + _THUMBNAIL))}
        found = set(vault.folder.iterdir()) if vault.folder.is_dir() else set()
        for path in found - known:
            if path.stat().st_mtime < time.time() - _ORPHAN_SECONDS:
                path.unlink(missing_ok=True)
                gone += 1
        # what was added since the folder was read has its file
        lost = [path for path in known - found if not path.exists()]
        if lost:
            log.error("%s files of receipts are missing in %s", len(lost), shard)
    return gone
