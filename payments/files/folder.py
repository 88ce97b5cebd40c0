"""Where a run's files go: written beside the target, moved in when all are there, never over another run's files."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from core.errors import DomainError

from .notices import FOLDER

SUMMARY = "summary.json"
TABLES = ("payouts.csv", "payout_lines.csv", "holds.csv", "withholding.csv", "zengin.txt")
STAGING_SUFFIX = ".partial"


def resolved(directory: Path) -> Path:
    """The target as an absolute path; refuses a file where a folder is wanted."""
    target = directory.expanduser().resolve()
    if target.exists() and not target.is_dir():
        raise DomainError(f"出力先 {directory} はファイルです。フォルダーを指定してください。")
    return target


def held_run(target: Path) -> str | None:
    """The name of the run whose files the folder holds; None when it holds nothing, "" when that can't be told."""
    try:
        entries = [entry for entry in target.iterdir() if not entry.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as wrong:
        raise DomainError(f"出力先 {target} を開けません（{wrong.strerror}）。") from wrong
    if not entries:
        return None
    try:
        summary = json.loads((target / SUMMARY).read_text(encoding="utf-8"))
        name = summary["run"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    known = {SUMMARY, FOLDER, *TABLES}
    return str(name) if all(entry.name in known for entry in entries) else ""


def refuse_other_runs(target: Path, run_name: str | None) -> None:
    """Refuses a folder with files, unless they are those of the run `run_name`."""
    held = held_run(target)
    if held is None or (held and held == run_name):
        return
    whose = f"既に月次支払 {held} のファイル" if held else "月次支払のものではないファイル"
    raise DomainError(
        f"出力先 {target} には{whose}があります。空のフォルダーを指定してください。", code="occupied"
    )


def _leftovers(target: Path) -> list[Path]:
    return [
        path
        for place in (target, target.parent)
        if place.is_dir()
        for path in place.iterdir()
        if path.name.startswith(f".{target.name}.") and path.name.endswith(STAGING_SUFFIX)
    ]


def has_leftovers(target: Path) -> bool:
    """Whether a call that wrote to the target was interrupted."""
    return bool(_leftovers(target))


def sweep(target: Path) -> None:
    """Removes what interrupted calls left beside the target."""
    for path in _leftovers(target):
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def staging(target: Path) -> Iterator[Path]:
    """A new hidden folder to write into, beside the target or, where that exists, in it: on the same disk.

    While it stands, the call that made it has not ended.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        place = target if target.is_dir() else target.parent
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=STAGING_SUFFIX, dir=place))
    except OSError as wrong:
        raise DomainError(f"出力先 {target} に書き込めません（{wrong.strerror}）。") from wrong
    try:
        yield folder
    except OSError as wrong:
        raise DomainError(f"出力先 {target} に書き込めません（{wrong.strerror}）。") from wrong
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fresh_folder(staged: Path) -> Path:
    """The folder within a staging folder that becomes the target, with the rights a new folder has."""
    folder = staged / "run"
    folder.mkdir()
    return folder


def sync(path: Path) -> None:
    """Makes sure a file or the list of a folder's files is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Folder:
    """A folder of plain files, as somebody takes delivery of them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def create(self, name: str) -> Iterator[IO[bytes]]:
        """A file to write to; on the disk when the block has ended."""
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            yield file
        sync(path)


def publish(folder: Path, target: Path) -> None:
    """Moves the finished files to the target: a new one at once, into one that exists the summary first.

    So whatever a kill leaves there says whose it is. What the target holds of the same run is replaced; refuses
    files of the same name that say something else.
    """
    ours = folder / SUMMARY
    theirs = target / SUMMARY
    if theirs.exists() and theirs.read_bytes() != ours.read_bytes():
        raise DomainError(
            f"出力先 {target} には内容の異なる同じ名前の月次支払のファイルがあります。空のフォルダーを指定してください。",
            code="occupied",
        )
    if target.exists():
        _move_into(folder, target)
    else:
        folder.rename(target)
    sync(target)
    sync(target.parent)


def _move_into(folder: Path, target: Path) -> None:
    os.replace(folder / SUMMARY, target / SUMMARY)
    sync(target)
    for source in sorted(path for path in folder.rglob("*") if path.is_file()):
        place = target / source.relative_to(folder)
        place.parent.mkdir(exist_ok=True)
        os.replace(source, place)
    (target / FOLDER).mkdir(exist_ok=True)
    sync(target / FOLDER)
