"""Where pictures and documents lie: encrypted, each under a random name, in 256 folders; what belongs to nobody is found."""

import logging
import secrets
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from .vault import Vault

log = logging.getLogger(__name__)

_THUMBNAIL = ".thumbnail"
# A file is written before its row. One that still has no row after so long has lost its process.
_ORPHAN_SECONDS = 7 * 24 * 60 * 60


class Shelf:
    """One kind of files below EVIDENCE_DIR. `known` answers the stored names of its rows that begin so."""

    def __init__(self, name: str, known: Callable[[str], Iterable[str]]) -> None:
        self._name = name
        self._known = known

    def _vault(self, stored_name: str) -> Vault:
        return Vault(Path(settings.EVIDENCE_DIR) / self._name / stored_name[:2])

    def path_of(self, stored_name: str) -> Path:
        """Where a kept file lies."""
        return self._vault(stored_name).path_of(stored_name)

    def keep(self, content: bytes, thumbnail: bytes) -> str:
        """Writes both, encrypted and flushed to the disk, and answers the random name they lie under.

        Raises core.files.vault.StorageFull when there is no room; neither of them stays then.
        """
        name = secrets.token_hex(24)
        vault = self._vault(name)
        try:
            vault.save(name, [content])
            vault.save(name + _THUMBNAIL, [thumbnail])
            vault.flush()
        except BaseException:
            self.destroy(name)
            raise
        return name

    def destroy(self, stored_name: str) -> None:
        """Deletes both, if they are there."""
        vault = self._vault(stored_name)
        vault.delete(stored_name)
        vault.delete(stored_name + _THUMBNAIL)

    def opened(self, stored_name: str) -> BinaryIO:
        """The kept file, decrypted while it is read. FileNotFoundError, core.files.cipher.Damaged."""
        return self._vault(stored_name).open(stored_name)

    def opened_thumbnail(self, stored_name: str) -> BinaryIO:
        """The thumbnail, a JPEG. FileNotFoundError, core.files.cipher.Damaged."""
        return self._vault(stored_name).open(stored_name + _THUMBNAIL)

    def sweep(self) -> int:
        """Deletes files that no row knows, a week after they were written; answers how many. Missing ones are logged."""
        gone = 0
        for number in range(256):
            shard = f"{number:02x}"
            vault = self._vault(shard)
            names = [name for stored in self._known(shard) for name in (stored, stored + _THUMBNAIL)]
            known = {vault.path_of(name) for name in names}
            found = set(vault.folder.iterdir()) if vault.folder.is_dir() else set()
            for path in found - known:
                if path.stat().st_mtime < time.time() - _ORPHAN_SECONDS:
                    path.unlink(missing_ok=True)
                    gone += 1
            # what was added since the folder was read has its file
            lost = [path for path in known - found if not path.exists()]
            if lost:
                log.error("%s files of %s are missing in %s", len(lost), self._name, shard)
        return gone
