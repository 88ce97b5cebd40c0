"""Bringing everything back as it was at a moment: database by PostgreSQL's own tools, kept files beside it."""

import datetime as dt
import gzip
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from config.servers.privileges import Account, make_folder
from config.servers.processes import ENVIRONMENT
from core.clock import JST

from .calendar import is_segment, leading_to
from .cluster import Cluster, NoProgram
from .kept_files import Root, restore_files
from .repository import BASE, LISTING, BackupError, Repository, Set, WithoutKey

_BLOCK = 1 << 20
# Segments are kept by the time PostgreSQL finished them; these many after the moment are enough to pass it.
_SEGMENTS_AFTER = 2
LOG_NAME = "wal-restore"
# what recovery is told, and what is taken back once it has ended
RECOVERY_SETTINGS = (
    "restore_command",
    "recovery_target_time",
    "recovery_target_action",
    "recovery_target_timeline",
)


@dataclass(frozen=True)
class Restored:
    """What was brought back: the moment, the backup it began with, how many segments of the log and files.

    `lost` are files that no backup has whole; everything else is there.
    """

    to: dt.datetime
    begun_with: str
    segments: int
    files: int
    lost: list[str]


def newest_moment(repository: Repository) -> dt.datetime:
    """The last moment everything can be brought back to. BackupError when there is no backup."""
    if not repository.sets():
        raise BackupError(
            f"{repository.folder} に控えがありません。控えの場所（BACKUP_DIR）を確かめてください。"
        )
    noted = repository.state().get("complete") or repository.sets()[-1].complete
    return dt.datetime.fromisoformat(noted)


def to_begin_with(repository: Repository, to: dt.datetime) -> list[Set]:
    """The backups that lead to that moment, the newest first. BackupError when the moment can't be reached."""
    newest = newest_moment(repository)
    if to > newest:
        raise BackupError(
            f"控えは {_words(newest)} までです。それより後の {_words(to)} には戻せません。時刻を直してください。"
        )
    leading = leading_to(repository.sets(), to, repository.damaged())
    if not leading:
        first = repository.sets()[0]
        raise BackupError(
            f"最も古い控えは {_words(first.ended)} のものです。それより前の {_words(to)} には戻せません。"
        )
    return leading


def prepare_data(
    *,
    repository: Repository,
    cluster: Cluster,
    account: Account,
    folder: Path,
    to: dt.datetime,
    durable: bool = True,
) -> tuple[Set, int]:
    """Makes `folder`/data, which PostgreSQL can be started on and recovers to the moment, and its log beside it.

    Answers the backup it began with and how many segments there are. `folder` is new and belongs to `account`.
    """
    last = _put_together(repository, cluster, account, folder, to, durable=durable)
    segments = _bring_log(repository, last, folder / LOG_NAME, to, account)
    with (folder / "data" / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
        settings.write(
            f'restore_command = \'cp "../{LOG_NAME}/%f" "%p"\'\n'
            f"recovery_target_time = '{to.astimezone(dt.UTC).isoformat()}'\n"
            "recovery_target_action = 'promote'\n"
            "recovery_target_timeline = 'latest'\n"
        )
    signal = folder / "data" / "recovery.signal"
    signal.touch(mode=0o600)
    _give(folder / "data", account)
    return last, segments


def _put_together(
    repository: Repository,
    cluster: Cluster,
    account: Account,
    folder: Path,
    to: dt.datetime,
    *,
    durable: bool,
) -> Set:
    """Makes `folder`/data of the newest backup that is whole; where one is damaged, an older one and more log do as well."""
    first: BackupError | None = None
    for last in to_begin_with(repository, to):
        try:
            _unpack(repository, cluster, account, folder, repository.chain(last), durable=durable)
        except (WithoutKey, NoProgram):
            raise
        except BackupError as error:
            first = first or error
            shutil.rmtree(folder)
            make_folder(folder, account)
        else:
            return last
    assert first
    raise first


def _unpack(
    repository: Repository,
    cluster: Cluster,
    account: Account,
    folder: Path,
    chain: list[Set],
    *,
    durable: bool,
) -> None:
    names = []
    for number, one in enumerate(chain):
        part = folder / f"part-{number}"
        make_folder(part, account)
        try:
            with (
                repository.opened(f"sets/{one.name}/{BASE}") as packed,
                gzip.GzipFile("", "rb", fileobj=packed) as plain,
                tarfile.open(fileobj=cast(BinaryIO, plain), mode="r|", bufsize=_BLOCK) as tar,
            ):
                tar.extractall(part, filter="tar")
        except (tarfile.TarError, EOFError, gzip.BadGzipFile) as error:
            raise BackupError(
                f"控え {one.name} の {BASE} が壊れています（{error}）。別の世代から戻してください。"
            ) from None
        _give(part, account)
        names.append(part.name)
    if len(names) == 1:
        os.rename(folder / names[0], folder / "data")
    else:
        sync = [] if durable else ["--no-sync"]
        _run(cluster, "pg_combinebackup", [*names, "--output", "data", *sync], folder, account)
        for name in names:
            shutil.rmtree(folder / name)
    # that what was put together is what the server had, file by file
    _run(cluster, "pg_verifybackup", ["--no-parse-wal", "--quiet", "data"], folder, account)


def bring_files(
    repository: Repository, last: Set, to: dt.datetime, roots: list[Root]
) -> tuple[int, list[str]]:
    """The kept files of the moment; answers how many, and which no backup has whole. What is there and equal stays."""
    listing = repository.read_json(f"sets/{last.name}/{LISTING}")
    return restore_files(repository, last.full, set(listing["files"]), str(listing["moment"]), to, roots)


def _bring_log(repository: Repository, last: Set, target: Path, to: dt.datetime, account: Account) -> int:
    make_folder(target, account)
    after = written = 0
    for name in repository.segments():
        if is_segment(name):
            if name[8:] < last.first_segment[8:] or after >= _SEGMENTS_AFTER:
                continue
            after += repository.segment_time(name) > to
        elif not name.endswith(".history"):
            continue
        with repository.opened_segment(name) as kept, (target / name).open("xb") as file:
            _copy_sparsely(kept, file)
        written += 1
    _give(target, account)
    return written


def _copy_sparsely(source: BinaryIO, target: BinaryIO) -> None:
    """A segment that was finished early is mostly zeros: they need no place on the disk."""
    size = 0
    while block := source.read(_BLOCK):
        size += len(block)
        if any(block):
            target.write(block)
        else:
            target.seek(len(block), os.SEEK_CUR)
    target.truncate(size)


def _run(cluster: Cluster, name: str, arguments: list[str], folder: Path, account: Account) -> None:
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own program
        [cluster.program(name), *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        umask=0o077,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **account.popen_arguments(),
    )
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise BackupError(
            f"控えからデータベースを組み立てられません（{name}: {lines[-1] if lines else done.returncode}）。"
            "別の時刻（前の世代）を指定してください。"
        )


def _give(folder: Path, account: Account) -> None:
    if not account.switch:
        return
    for place, _, names in os.walk(folder):
        for name in ("", *names):
            os.lchown(os.path.join(place, name) if name else place, account.uid, account.gid)


def _words(moment: dt.datetime) -> str:
    return moment.astimezone(JST).strftime("%Y年%-m月%-d日 %H:%M:%S")
