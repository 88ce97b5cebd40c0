"""Files beside the database: receipts, certificates, letters, waiting uploads, signed history, this place's settings.

They are copied as they lie, which is encrypted. Nearly all of them never change, so each collection takes what changed
since the one before (by the time the file system itself keeps); a full backup takes everything.
"""

import datetime as dt
import hashlib
import io
import os
import secrets
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from .repository import BackupError, Repository, WithoutKey, digest_of, moment_of, stamp

# A clock of the file system runs in ticks; what is taken twice does no harm.
_SLACK = dt.timedelta(seconds=2)
# A file is written before the row that knows it, maybe on another machine. One too many is swept later; one too few is lost.
_WRITTEN_BEFORE = dt.timedelta(seconds=60)
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Root:
    """A folder whose files are kept, or (with `names`) some of its files. `grows`: files are added, never changed."""

    name: str
    folder: Path
    grows: bool = False
    names: tuple[str, ...] = ()

    def files(self) -> Iterator[tuple[str, os.stat_result]]:
        """Every whole file with its name in the backup."""
        if self.names:
            paths = [self.folder / name for name in self.names]
        else:
            paths = [
                Path(folder, name) for folder, _, names in os.walk(self.folder) for name in sorted(names)
            ]
        for path in paths:
            if path.name.endswith(".partial"):
                continue
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue
            if stat.S_ISREG(status.st_mode):
                yield f"{self.name}/{path.relative_to(self.folder)}", status


@dataclass(frozen=True)
class Entry:
    """One kept file in one collection."""

    sha256: str
    bytes: int
    written: float


def list_files(roots: list[Root]) -> list[str]:
    """The names of all files there are now."""
    return [name for root in roots for name, _ in root.files()]


def collect_files(repository: Repository, roots: list[Root], full: str, now: dt.datetime) -> int:
    """Keeps what is new since the last collection of this full backup (all, at the first); answers how many."""
    earlier = collections(repository, full)
    since = (moment_of(earlier[-1]) - _SLACK).timestamp() if earlier else 0.0
    chosen = [
        (root, name)
        for root in roots
        for name, status in root.files()
        if max(status.st_ctime, status.st_mtime) >= since
    ]
    if earlier and not chosen:
        return 0
    place = f"files/{full}/{stamp(now)}"
    entries: dict[str, list[str | int | float]] = {}
    with (
        repository.writing(f"{place}.tar") as target,
        tarfile.open(fileobj=cast(IO[bytes], target), mode="w|", bufsize=_BLOCK) as tar,
    ):
        for root, name in chosen:
            try:
                file = (root.folder / name.partition("/")[2]).open("rb")
            except FileNotFoundError:
                continue  # ended its life meanwhile
            with file:
                status = os.fstat(file.fileno())
                member = tarfile.TarInfo(name)
                member.size, member.mtime = status.st_size, int(status.st_mtime)
                digesting = _Digesting(file)
                tar.addfile(member, cast(IO[bytes], digesting))
                entries[name] = [digesting.digest.hexdigest(), status.st_size, status.st_mtime]
    # the listing last: a collection counts when it has one. It names the one before, so that none goes unnoticed.
    repository.write_json(f"{place}.json", {"earlier": earlier[-1] if earlier else "", "files": entries})
    repository.note(collected=f"{full}/{stamp(now)}")
    return len(entries)


def collections(repository: Repository, full: str) -> list[str]:
    """The moments (as in names) of a full backup's collections, oldest first."""
    folder = repository.folder / "files" / full
    return sorted(path.name[:-5] for path in folder.glob("*.json")) if folder.is_dir() else []


def restore_files(
    repository: Repository,
    full: str,
    known: set[str],
    listed_at: str,
    to: dt.datetime,
    roots: list[Root],
) -> tuple[int, list[str]]:
    """Writes the files as they were at the moment `to`; answers how many, and which couldn't be. What is there and equal stays.

    `known` are all files of the collection `listed_at`; what was deleted before isn't brought back. Where a collection
    is damaged, another generation that has the same content does as well. BackupError where a listing is damaged.
    """
    by_name = {root.name: root for root in roots}
    source: dict[str, tuple[str, Entry]] = {}
    for moment in collections(repository, full):
        later = moment > listed_at
        for name, entry in _listing(repository, full, moment)[1].items():
            root = by_name.get(name.partition("/")[0])
            if root is None or not (later or name in known):
                continue
            slack = _WRITTEN_BEFORE if root.grows else dt.timedelta()
            if entry.written <= (to + slack).timestamp():
                source[name] = (moment, entry)
    wanted: dict[str, dict[str, Entry]] = {}
    for name, (moment, entry) in source.items():
        wanted.setdefault(moment, {})[name] = entry
    lost: dict[str, Entry] = {}
    for moment, entries in wanted.items():
        lost |= _restore(repository, f"files/{full}/{moment}.tar", entries, by_name)[0]
    for other in sorted(repository.set_names(), reverse=True) if lost else []:
        for moment in collections(repository, other) if other != full else []:
            lost = _from_elsewhere(repository, other, moment, lost, by_name)
    return len(source) - len(lost), sorted(lost)


def _from_elsewhere(
    repository: Repository, full: str, moment: str, lost: dict[str, Entry], roots: dict[str, Root]
) -> dict[str, Entry]:
    """Brings what another generation has of the lost files, with the same content; answers what is lost still."""
    try:
        there = _listing(repository, full, moment)[1]
    except BackupError:
        return lost
    same = {
        name: entry for name, entry in lost.items() if name in there and there[name].sha256 == entry.sha256
    }
    if not same:
        return lost
    left = _restore(repository, f"files/{full}/{moment}.tar", same, roots)[0]
    return {name: entry for name, entry in lost.items() if name not in same or name in left}


def check_collection(repository: Repository, full: str, moment: str) -> None:
    """Reads one collection as a whole. BackupError where it isn't what was written, or the one before it is gone."""
    earlier, entries = _listing(repository, full, moment)
    if earlier and earlier not in collections(repository, full):
        raise BackupError(f"控えの files/{full}/{earlier}.json がありません。別の世代から戻してください。")
    left, why = _restore(repository, f"files/{full}/{moment}.tar", entries, None)
    if left or why:
        raise why or BackupError(
            f"控えの files/{full}/{moment}.tar に {len(left)} 個のファイルがありません（{min(left)} など）。"
        )


def _listing(repository: Repository, full: str, moment: str) -> tuple[str, dict[str, Entry]]:
    """The moment of the collection before, and what this one has."""
    kept = repository.read_json(f"files/{full}/{moment}.json")
    return str(kept["earlier"]), {name: Entry(*values) for name, values in kept["files"].items()}


def _restore(
    repository: Repository, place: str, entries: dict[str, Entry], roots: dict[str, Root] | None
) -> tuple[dict[str, Entry], BackupError | None]:
    """Writes (or, without roots, reads) files of one collection; answers those that couldn't be, and why."""
    left = dict(entries)
    why: BackupError | None = None
    try:
        with repository.opened(place) as file, tarfile.open(fileobj=file, mode="r|", bufsize=_BLOCK) as tar:
            for member in tar:
                if (entry := left.get(member.name)) is None:
                    continue
                content = cast(BinaryIO, tar.extractfile(member))
                if roots is None:
                    correct = digest_of(content) == entry.sha256
                else:
                    root, _, relative = member.name.partition("/")
                    correct = _write(roots[root].folder, relative, content, entry)
                if correct:
                    del left[member.name]
                else:
                    why = BackupError(f"控えの {place} の {member.name} が、控えたときの内容と違います。")
    except WithoutKey:
        raise
    except BackupError as error:
        why = error
    except tarfile.TarError as error:
        why = BackupError(f"控えの {place} が壊れています（{error}）。")
    return left, why


def _write(folder: Path, relative: str, content: BinaryIO, entry: Entry) -> bool:
    target = folder / relative
    if not target.resolve().is_relative_to(folder.resolve()):
        raise BackupError(f"控えの中の名前 {relative} は戻す場所の外を指しています。")
    if target.is_file() and target.stat().st_size == entry.bytes:
        with target.open("rb") as present:
            if digest_of(present) == entry.sha256:
                return True
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = target.with_name(f"{secrets.token_hex(8)}.partial")
    digest = hashlib.sha256()
    try:
        with open(partial, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            while block := content.read(_BLOCK):
                digest.update(block)
                file.write(block)
            os.fsync(file.fileno())
        if digest.hexdigest() != entry.sha256:
            return False
        os.utime(partial, (entry.written, entry.written))
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return True


class _Digesting(io.RawIOBase):
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self.digest.update(block)
        return block
