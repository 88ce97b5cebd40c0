"""Folders of encrypted files. Nobody can guess a file's name on the disk: it is a keyed fingerprint of its own name."""

import errno
import io
import os
import secrets as random
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from core import secrets
from core.errors import DomainError

from .cipher import Damaged, DecryptingReader, EncryptingWriter, rewrap

_PARTIAL = ".partial"
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def random_name() -> str:
    """A name nobody can guess."""
    return random.token_urlsafe(24)


class StorageFull(DomainError):
    """There is no room for a file; nothing of it was kept."""

    def __init__(self) -> None:
        super().__init__(
            "サーバの保存場所に空きがないため、ファイルを保存できませんでした。書きかけのファイルは残していません。"
            "システム管理者へお知らせください。空きができたら、同じ操作をもう一度行ってください。",
            code="storage_full",
        )


class Vault:
    """One folder. Names are any text; a file appears when it is whole."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def _path(self, name: str) -> Path:
        return self.folder / secrets.fingerprint(f"file {name}")

    @contextmanager
    def create(self, name: str) -> Iterator[IO[bytes]]:
        """A file to write plain bytes to. It takes the place of an older one once the block ends well.

        Raises StorageFull when there is no room; nothing half-written stays.
        """
        partial = self.folder / f"{random.token_hex(8)}{_PARTIAL}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(partial, "xb", opener=_private) as file:
                writer = EncryptingWriter(file, self._path(name).name)
                yield cast(IO[bytes], writer)
                writer.finish()
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, self._path(name))
        except OSError as trouble:
            if trouble.errno in _NO_ROOM:
                raise StorageFull from trouble
            raise
        finally:
            partial.unlink(missing_ok=True)

    def save(self, name: str, chunks: Iterable[bytes]) -> None:
        """Keeps these bytes under a name."""
        with self.create(name) as file:
            for chunk in chunks:
                file.write(chunk)

    def flush(self) -> None:
        """Makes the names of the files last through a loss of power, as `create` makes their bytes."""
        for folder in (self.folder, self.folder.parent):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def open(self, name: str) -> io.BufferedReader:
        """The plain bytes of a file, decrypted while they are read. FileNotFoundError, cipher.Damaged, Unreadable."""
        file = self._path(name).open("rb")
        try:
            return io.BufferedReader(
                DecryptingReader(file, self._path(name).name), io.DEFAULT_BUFFER_SIZE * 8
            )
        except BaseException:
            file.close()
            raise

    def size(self, name: str) -> int:
        """How many plain bytes a file has. FileNotFoundError."""
        with self.open(name) as file:
            return file.seek(0, io.SEEK_END)

    def path_of(self, name: str) -> Path:
        """Where a file of this name lies; for whoever looks for files that nobody knows."""
        return self._path(name)

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return self._path(name).is_file()

    def delete(self, name: str) -> None:
        """Removes a file, if there is one."""
        self._path(name).unlink(missing_ok=True)

    def clear_remains(self) -> None:
        """Removes what writers left that were killed. Only for whoever alone writes to the folder."""
        if self.folder.is_dir():
            for path in self.folder.glob(f"*{_PARTIAL}"):
                path.unlink(missing_ok=True)

    def sweep(self, seconds: float) -> int:
        """Removes whatever is older; answers how many files."""
        gone = 0
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                if path.is_file() and path.stat().st_mtime < time.time() - seconds:
                    path.unlink(missing_ok=True)
                    gone += 1
        return gone


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def rewrap_files(folder: Path) -> int:
    """Puts every encrypted file below a folder under the newest key, one after the other; answers how many."""
    changed = 0
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        if not path.is_file() or path.name.endswith(_PARTIAL):
            continue
        new = path.with_name(f"{random.token_hex(8)}{_PARTIAL}")
        try:
            with path.open("rb") as old, open(new, "xb", opener=_private) as file:
                done = rewrap(old, file)
                os.fsync(file.fileno())
            if done:
                os.utime(new, (path.stat().st_atime, path.stat().st_mtime))
                os.replace(new, path)
                changed += 1
        except (FileNotFoundError, Damaged):  # gone meanwhile; or not one of ours
            continue
        finally:
            new.unlink(missing_ok=True)
    return changed
