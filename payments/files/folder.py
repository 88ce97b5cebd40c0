"""Where a run's files go: written beside the target, moved in when all are there, never over another run's files."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
    except FileNotFoundError:
        return None
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
    if not target.parent.is_dir():
        return []
    return [
        path
        for path in target.parent.iterdir()
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
    """A new folder beside the target to write into. While it stands, the call that made it has not ended."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=STAGING_SUFFIX, dir=target.parent))
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


def publish(folder: Path, target: Path) -> None:
    """Moves the finished files into the target: at once where it can be, else the summary first, which names them.

    Whatever the target holds of the same run is replaced; refuses files of the same name that say something else.
    """
    ours = folder / SUMMARY
    theirs = target / SUMMARY
    if theirs.exists() and theirs.read_bytes() != ours.read_bytes():
        raise DomainError(
            f"出力先 {target} には内容の異なる同じ名前の月次支払のファイルがあります。空のフォルダーを指定してください。",
            code="occupied",
        )
    try:
        if target.exists():
            target.rmdir()
        folder.rename(target)
    except OSError:
        _move_one_by_one(folder, target)
    sync(target)
    sync(target.parent)


def _move_one_by_one(folder: Path, target: Path) -> None:
    (target / FOLDER).mkdir(exist_ok=True)
    os.replace(folder / SUMMARY, target / SUMMARY)
    sync(target)
    wanted = {path.name for path in (folder / FOLDER).iterdir()}
    for path in sorted((folder / FOLDER).iterdir()):
        os.replace(path, target / FOLDER / path.name)
    for path in list((target / FOLDER).iterdir()):
        if path.name not in wanted:
            path.unlink()
    for name in TABLES:
        os.replace(folder / name, target / name)
    sync(target / FOLDER)
