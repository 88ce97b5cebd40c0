"""Where backups lie: a folder of encrypted files that says nothing to whoever has no key (settings.FIELD_KEYS).

    sets/<name>/   one backup of the database: base.tar.gz, database-manifest, listing of the kept files, set.json
    files/<full>/  kept files, each time what is new: <moment>.tar with <moment>.json
    wal/           PostgreSQL's log, one file for each finished segment
    state.json     what was done last

Every file is bound to its place, so none can be put where another was; a set or a listing appears when it is whole.
"""

import datetime as dt
import gzip
import hashlib
import io
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from core.errors import DomainError
from core.files.cipher import Damaged, DecryptingReader, EncryptingWriter
from core.secrets import Unreadable

FULL, INCREMENTAL = "full", "incremental"
BASE, DATABASE_MANIFEST, LISTING, SET = "base.tar.gz", "database-manifest", "listing.json", "set.json"
_BLOCK = 1 << 20
_STAMP = "%Y%m%dT%H%M%S.%fZ"


class BackupError(DomainError):
    """A backup can't be made, read or restored: says what, why and what next."""


class WithoutKey(BackupError):
    """What is kept may be whole, but no key of ours opens it."""


@dataclass(frozen=True)
class Set:
    """One backup of the database. A full one stands by itself; an incremental one builds on `parent`."""

    name: str
    kind: str
    full: str
    parent: str
    started: dt.datetime
    ended: dt.datetime
    # the first segment of the log that is needed to make it whole, and the line of history it is of
    first_segment: str
    sha256: dict[str, str]
    bytes: int
    # the log reached so far when the set was done (ISO), and marks of the keys what is inside needs (core.secrets)
    complete: str = ""
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """What was written: plain bytes and their digest."""

    sha256: str
    bytes: int


def stamp(moment: dt.datetime) -> str:
    """A moment as part of a file name, in UTC; names sort as moments do."""
    return moment.astimezone(dt.UTC).strftime(_STAMP)


def moment_of(text: str) -> dt.datetime:
    """The moment behind `stamp`."""
    return dt.datetime.strptime(text, _STAMP).replace(tzinfo=dt.UTC)


class Repository:
    """A folder of backups. One process at a time writes (core/backup/taking.py holds the lock)."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def prepare(self) -> None:
        """Makes the folders, readable by us alone, and removes what a killed writer left."""
        for name in ("", "sets", "files", "wal"):
            (self.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(self.folder / "incoming", ignore_errors=True)
        (self.folder / "incoming").mkdir(mode=0o700)

    @contextmanager
    def writing(self, place: str, staged: Path | None = None) -> Iterator["Measuring"]:
        """A file to write plain bytes to; it stands at `place` (or at `staged` for now) after the block ended well."""
        target = staged or self.folder / place
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self.folder / "incoming" / secrets.token_hex(8)
        try:
            with open(partial, "xb", opener=_private) as file:
                writer = EncryptingWriter(file, place)
                measuring = Measuring(cast(IO[bytes], writer))
                yield measuring
                writer.finish()
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, target)
            _sync_folder(target.parent)
        finally:
            partial.unlink(missing_ok=True)

    def opened(self, place: str) -> BinaryIO:
        """The plain bytes of a file. BackupError when it is missing, damaged or under no key of ours."""
        try:
            file = (self.folder / place).open("rb")
        except FileNotFoundError:
            raise BackupError(f"控えの {place} がありません。別の世代から戻してください。") from None
        try:
            return io.BufferedReader(_Told(DecryptingReader(file, place), place), 1 << 20)
        except (Damaged, Unreadable) as error:
            file.close()
            raise _broken(place, error) from None

    def files(self) -> list[str]:
        """The places of every kept file, sorted; what is being written isn't among them."""
        found = [
            str(path.relative_to(self.folder))
            for name in ("sets", "files", "wal")
            for path in (self.folder / name).rglob("*")
            if path.is_file()
        ]
        return sorted([*found, *(["state.json"] if (self.folder / "state.json").exists() else [])])

    def write_json(self, place: str, value: Any, staged: Path | None = None) -> Measured:
        """Keeps a value."""
        with self.writing(place, staged) as file:
            file.write(json.dumps(value, ensure_ascii=False).encode())
        return file.measured

    def read_json(self, place: str) -> Any:
        """A kept value. BackupError."""
        with self.opened(place) as file:
            return json.loads(file.read())

    # -- sets

    def sets(self) -> list[Set]:
        """Every backup whose description is whole, oldest first; `lost_sets` names the others. WithoutKey."""
        return [one for one in self._described().values() if one is not None]

    def set_names(self) -> list[str]:
        """The names of all backups, oldest first, whether they can be read or not."""
        folder = self.folder / "sets"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def lost_sets(self) -> list[str]:
        """Names of backups whose description is damaged or gone: nothing can begin with them. WithoutKey."""
        return [name for name, one in self._described().items() if one is None]

    def _described(self) -> dict[str, Set | None]:
        found: dict[str, Set | None] = {}
        without_key: WithoutKey | None = None
        for name in self.set_names():
            found[name] = None
            try:
                found[name] = self._set(name)
            except WithoutKey as error:
                without_key = error
            except BackupError:
                continue
        # one file that our keys don't open, beside others that they do, is damaged; all of them: the key is another
        if without_key and not any(found.values()) and not self.state():
            raise without_key
        return found

    def _set(self, name: str) -> Set:
        row = self.read_json(f"sets/{name}/{SET}")
        for field in ("started", "ended"):
            row[field] = dt.datetime.fromisoformat(row[field])
        return Set(**row | {"keys": tuple(row.get("keys", ()))})

    def add_set(self, new: Set, staging: Path) -> None:
        """The set of `staging` appears, whole."""
        row = asdict(new) | {"started": new.started.isoformat(), "ended": new.ended.isoformat()}
        self.write_json(f"sets/{new.name}/{SET}", row, staging / SET)
        os.rename(staging, self.folder / "sets" / new.name)
        _sync_folder(self.folder / "sets")

    def chain(self, last: Set) -> list[Set]:
        """The sets `last` needs, from its full one to itself. BackupError when one is missing."""
        by_name = {one.name: one for one in self.sets()}
        chain = [last]
        while chain[0].parent:
            if chain[0].parent not in by_name:
                raise BackupError(
                    f"控え {chain[0].name} の元になる {chain[0].parent} がありません。別の世代から戻してください。"
                )
            chain.insert(0, by_name[chain[0].parent])
        return chain

    def remove_set(self, name: str) -> None:
        """A set and, of a full one, its kept files are gone; half of it never passes for a set."""
        for folder in (self.folder / "sets" / name, self.folder / "files" / name):
            if folder.exists():
                gone = self.folder / "incoming" / secrets.token_hex(8)
                os.rename(folder, gone)
                shutil.rmtree(gone)

    # -- the log

    def segments(self) -> list[str]:
        """Names of the kept files of the log, sorted."""
        folder = self.folder / "wal"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def keep_segment(self, source: Path) -> None:
        """Keeps one file of the log with its time. BackupError when another of this name is kept already."""
        place = f"wal/{source.name}"
        if (self.folder / place).exists():
            with self.opened_segment(source.name) as kept, source.open("rb") as given:
                if digest_of(kept) == digest_of(given):
                    return
            raise BackupError(
                f"控えに、内容の違う同じ名前のログ {source.name} があります。"
                "別のデータベースが同じ控えの場所に書いていないか確かめてください。"
            )
        changed = source.stat()
        with (
            self.writing(place) as file,
            gzip.GzipFile("", "wb", 1, cast(IO[bytes], file), mtime=0) as packed,
            source.open("rb") as given,
        ):
            shutil.copyfileobj(given, packed, 1 << 20)
        os.utime(self.folder / place, ns=(changed.st_mtime_ns, changed.st_mtime_ns))

    def opened_segment(self, name: str) -> BinaryIO:
        """The bytes of one file of the log."""
        return cast(BinaryIO, gzip.GzipFile("", "rb", fileobj=self.opened(f"wal/{name}")))

    def segment_time(self, name: str) -> dt.datetime:
        """When PostgreSQL finished this file of the log."""
        return dt.datetime.fromtimestamp((self.folder / "wal" / name).stat().st_mtime, dt.UTC)

    # -- what was done last

    def state(self) -> dict[str, str]:
        """What was done last, as texts; empty when nothing was, or when it can't be read.

        `complete`: the moment (ISO) the log reaches, with `segment`; `collected`: the last files; `checked`: the set read last; `verified`: the moment (ISO) everything
        was read; `problem`: what was wrong then, in words; `damaged`: the sets that were, `accepted`: the places of problems
        people know of, both parted by blanks.
        """
        try:
            return cast(dict[str, str], self.read_json("state.json"))
        except BackupError:
            return {}

    def damaged(self) -> set[str]:
        """The names of the sets that were found damaged when everything was read."""
        return set(self.state().get("damaged", "").split())

    def note(self, **changed: str) -> None:
        """Changes what was done last."""
        self.write_json("state.json", self.state() | changed)


class Measuring(io.RawIOBase):
    """Counts and digests what passes through to `target`."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self._digest = hashlib.sha256()
        self._bytes = 0

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any) -> int:
        """Takes any number of bytes."""
        view = memoryview(data).cast("B")
        self._digest.update(view)
        self._bytes += len(view)
        self._target.write(view)
        return len(view)

    @property
    def measured(self) -> Measured:
        """What has passed until now."""
        return Measured(self._digest.hexdigest(), self._bytes)


class _Told(io.RawIOBase):
    """Reads on; damage met on the way is told with the name of the file."""

    def __init__(self, reader: DecryptingReader, place: str) -> None:
        self._reader, self._place = reader, place

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        try:
            return self._reader.readinto(target)
        except (Damaged, Unreadable) as error:
            raise _broken(self._place, error) from None

    def close(self) -> None:
        if not self.closed:
            self._reader.close()
        super().close()


def _broken(place: str, error: Exception) -> BackupError:
    if isinstance(error, Unreadable):
        return WithoutKey(
            f"控えの {place} を復号できる鍵がありません。別に保管した鍵（FIELD_KEYS）を戻してから、もう一度実行してください。"
        )
    return BackupError(f"控えの {place} が壊れています（{error}）。別の世代から戻してください。")


def digest_of(file: BinaryIO | IO[bytes]) -> str:
    """The SHA-256 of what is left of a file."""
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
