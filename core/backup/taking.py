"""Making backups, by PostgreSQL's own tools, while work goes on; nothing of it lies on the disk unencrypted."""

import datetime as dt
import gzip
import io
import os
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import fasteners
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from core import clock
from core.secrets import key_marks

from .calendar import expired, needless_segments, parent_of_next
from .cluster import Cluster
from .kept_files import Root, collect_files, collections, list_files
from .repository import (
    BASE,
    DATABASE_MANIFEST,
    FULL,
    INCREMENTAL,
    LISTING,
    BackupError,
    Measured,
    Repository,
    Set,
    stamp,
)
from .verifying import verify_set

_BLOCK = 1 << 20
_ARCHIVE_SECONDS = 60
_MANIFEST_MEMBER = "backup_manifest"
_LABEL_MEMBER = "backup_label"


@contextmanager
def alone(repository: Repository) -> Iterator[None]:
    """One process at a time writes to a repository. BackupError when another one does."""
    repository.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = fasteners.InterProcessLock(str(repository.folder / "lock"))
    if not lock.acquire(blocking=True, timeout=60):
        raise BackupError("ほかの処理が控えを取っています。終わってから、もう一度実行してください。")
    try:
        repository.prepare()
        yield
    finally:
        lock.release()


def take_backup(*, repository: Repository, cluster: Cluster, roots: list[Root], kind: str = "") -> Set:
    """A backup of database and files, read again after writing; then what is past its time is deleted.

    `kind` is full or incremental; empty: what the calendar wants. BackupError; the older backups stay as they were.
    """
    with alone(repository):
        now = clock.now()
        sets = repository.sets()
        if sets and now <= sets[-1].started:  # the clock was set back: names still sort as backups were made
            now = sets[-1].started + dt.timedelta(seconds=1)
        line = _line_of_history(cluster)
        newest = repository.set_names()[-1] if repository.set_names() else ""
        parent = parent_of_next(
            sets, now, damaged=repository.damaged(), newest=newest, line=line, wanted=kind
        )
        kind = INCREMENTAL if parent else FULL
        name = f"{stamp(now)}-{kind}"
        staging = repository.folder / "incoming" / name
        database, first_segment, manifest = _copy_database(repository, cluster, name, staging, parent)
        full = parent.full if parent else name
        collect_files(repository, roots, full, clock.now())
        listing = repository.write_json(
            f"sets/{name}/{LISTING}",
            {"moment": collections(repository, full)[-1], "files": list_files(roots)},
            staging / LISTING,
        )
        complete = _collect_log(repository, cluster)[1]
        new = Set(
            name=name,
            kind=kind,
            full=full,
            parent=parent.name if parent else "",
            started=now,
            ended=clock.now(),
            first_segment=first_segment,
            sha256={
                BASE: database.sha256,
                DATABASE_MANIFEST: manifest.sha256,
                LISTING: listing.sha256,
            },
            bytes=database.bytes,
            complete=complete.isoformat(),
            keys=key_marks(),
        )
        repository.add_set(new, staging)
        try:
            verify_set(repository, new)
        except BackupError as error:
            # it was written wrongly: nothing may build on it, nothing older may go for it
            repository.note(problem=str(error), damaged=" ".join(sorted({*repository.damaged(), name})))
            raise
        repository.note(checked=new.name)
        remove_expired(repository)
        return new


def collect(*, repository: Repository, cluster: Cluster, roots: list[Root]) -> int:
    """Each minute: what was committed and kept until now can be restored. Answers how many files and segments came."""
    with alone(repository):
        sets = repository.sets()
        if not sets:
            return 0
        files = collect_files(repository, roots, sets[-1].full, clock.now())
        return files + _collect_log(repository, cluster)[0]


def remove_expired(repository: Repository) -> list[str]:
    """Deletes what belongs to no kept generation, and the log from before; answers the names of the sets."""
    sets, lost = repository.sets(), repository.lost_sets()
    gone = [one.name for one in expired(sets, repository.damaged())]
    if gone:
        oldest = next(one.name for one in sets if one.name not in gone)
        gone += [name for name in lost if name < oldest]
    for name in gone:
        repository.remove_set(name)
    for segment in needless_segments(repository.sets(), repository.segments()):
        (repository.folder / "wal" / segment).unlink()
    return gone


def collect_spool(repository: Repository, log_folder: Path) -> int:
    """Keeps the finished files of the log that lie ready, and takes them away; answers how many."""
    taken = 0
    for path in sorted(log_folder.iterdir()) if log_folder.is_dir() else []:
        if path.is_file() and not path.name.endswith(".part"):
            repository.keep_segment(path)
            path.unlink()
            taken += 1
    return taken


def _line_of_history(cluster: Cluster) -> str:
    with cluster.connect() as connection:
        row = connection.execute("SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)").fetchone()
    return str(row[0]) if row else ""


def _collect_log(repository: Repository, cluster: Cluster) -> tuple[int, dt.datetime]:
    """Lets PostgreSQL finish the segment it writes, waits for it, keeps it.

    Answers how many files of the log came and until which moment it reaches now.
    """
    with cluster.connect() as connection:
        # a commit with its time, so that recovery can stop at any moment before, also when nobody works
        row = connection.execute("SELECT clock_timestamp(), pg_current_xact_id()").fetchone()
        try:
            segment = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        except psycopg.errors.InsufficientPrivilege:
            raise BackupError(
                "控え用のロールに pg_switch_wal の権限がありません。アプリケーションのデータベースに接続して、"
                "docs/operations/backup.md の GRANT を実行してください。"
            ) from None
        assert row and segment
        complete, needed = cast(dt.datetime, row[0]), str(segment[0])
    if not cluster.log_folder.is_dir():
        raise BackupError(f"PostgreSQL がログを渡すフォルダー {cluster.log_folder} がありません。")
    taken = collect_spool(repository, cluster.log_folder)
    end = time.monotonic() + _ARCHIVE_SECONDS
    while needed not in repository.segments():
        if time.monotonic() > end:
            raise BackupError(
                f"PostgreSQL がログ {needed} を渡しません。archive_command とディスクの空きを確かめてください。"
            )
        time.sleep(0.1)
        taken += collect_spool(repository, cluster.log_folder)
    repository.note(complete=complete.isoformat(), segment=needed)
    return taken, complete


def _copy_database(
    repository: Repository, cluster: Cluster, name: str, staging: Path, parent: Set | None
) -> tuple[Measured, str, Measured]:
    """Streams pg_basebackup into the repository; answers what was written, the first segment needed, the manifest."""
    given = conninfo_to_dict(cluster.url)
    password = str(given.pop("password", "") or "")
    given.pop("dbname", None)
    command: list[str | Path] = [
        cluster.program("pg_basebackup"),
        *(
            "--dbname",
            make_conninfo(**{name: str(value) for name, value in given.items() if value is not None}),
            "--pgdata",
            "-",
            "--format",
            "tar",
            "--wal-method",
            "fetch",
        ),
        *("--checkpoint", "fast", "--no-password", "--label", name, "--manifest-checksums", "SHA256"),
    ]
    with tempfile.TemporaryDirectory(prefix="backup-") as folder, tempfile.TemporaryFile() as errors:
        if parent is not None:
            manifest_path = Path(folder) / "manifest"
            with repository.opened(f"sets/{parent.name}/{DATABASE_MANIFEST}") as kept:
                manifest_path.write_bytes(kept.read())
            command.append(f"--incremental={manifest_path}")
        process = subprocess.Popen(  # noqa: S603 - PostgreSQL's own program
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "PGPASSWORD": password, "LC_ALL": "C"},
        )
        try:
            with (
                repository.writing(f"sets/{name}/{BASE}", staging / BASE) as target,
                gzip.GzipFile("", "wb", 1, cast(IO[bytes], target), mtime=0) as packed,
            ):
                stream = _Tee(cast(IO[bytes], process.stdout), packed)
                label, manifest = _members(stream)
                if process.wait() != 0 or not label or not manifest:
                    errors.seek(0)
                    why = errors.read().decode(errors="replace").strip().splitlines()
                    raise BackupError(
                        f"データベースの控えを取れませんでした（{why[-1] if why else 'pg_basebackup が途中で終わりました'}）。"
                        "原因を直して、もう一度実行してください。前の控えはそのままです。"
                    )
        finally:
            process.kill()
            process.wait()
    with repository.writing(f"sets/{name}/{DATABASE_MANIFEST}", staging / DATABASE_MANIFEST) as kept_manifest:
        kept_manifest.write(manifest)
    # START WAL LOCATION: 0/2000028 (file 000000010000000000000002)
    first_segment = label.partition(b"(file ")[2].partition(b")")[0].decode()
    return target.measured, first_segment, kept_manifest.measured


def _members(stream: "_Tee") -> tuple[bytes, bytes]:
    """PostgreSQL's label and manifest out of the passing tar, which is read to its end."""
    found = {_LABEL_MEMBER: b"", _MANIFEST_MEMBER: b""}
    try:
        with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|", bufsize=_BLOCK) as tar:
            for member in tar:
                if member.name in found:
                    found[member.name] = cast(IO[bytes], tar.extractfile(member)).read()
    except tarfile.ReadError:
        pass  # the program ended before its time; its status and message say why
    while stream.read(_BLOCK):
        pass
    return found[_LABEL_MEMBER], found[_MANIFEST_MEMBER]


class _Tee(io.RawIOBase):
    """Whatever is read is written to another file as well."""

    def __init__(self, source: IO[bytes], target: gzip.GzipFile) -> None:
        self._source, self._target = source, target

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self._source.read(size)
        self._target.write(block)
        return block
