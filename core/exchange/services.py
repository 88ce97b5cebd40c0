"""Loading and exporting exchange files: for the commands, the office screen, the admin and the API."""

import io
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from django.db import connection, transaction

from core.audit.acting import Actor
from core.errors import DomainError

from . import engine, writing
from .csvfile import Unreadable
from .engine import LoadResult
from .models import Load
from .registry import table_named, tables
from .source import Source

ENDINGS = (".csv", ".xlsx")
_KEPT_PROBLEMS = 200


def known_file(name: str) -> str:
    """The register that a file's name means, or ""."""
    stem, ending = os.path.splitext(name)
    names = {table.name for table in tables()}
    return stem if ending.lower() in ENDINGS and stem in names else ""


def load_files(
    files: Mapping[str, BinaryIO], *, actor: Actor, dry_run: bool = False, source: str = "", preview: int = 0
) -> LoadResult:
    """Loads exchange files given by name (dispatches.csv, experts.xlsx …), all or nothing, and logs it.

    A dry run does everything and takes it back, unlogged. `preview`: how many new or changed rows per file to show.
    DomainError for a name that is no exchange file, two files of one register, or none.
    """
    if not files:
        raise DomainError("読み込むファイルがありません。")
    sources: dict[str, Source] = {}
    for name, file in files.items():
        known = known_file(name)
        if not known:
            raise DomainError(f"{name} は交換ファイルの名前ではありません。")
        if known in sources:
            raise DomainError(
                f"{sources[known].name} と {name} は同じデータです。どちらか一つにしてください。"
            )
        sources[known] = Source(table_named(known), name, file)
    result = engine.load(list(sources.values()), actor=actor, dry_run=dry_run, preview=preview)
    if not dry_run:
        _log(result, actor=actor, source=source or "、".join(files))
    return result


def load_folder(
    path: Path | str, *, actor: Actor, dry_run: bool = False, errors: Path | None = None
) -> LoadResult:
    """Loads whichever exchange files the folder holds.

    `errors`: where every bad row is written; after a clean load that file is gone. DomainError when there is no
    folder, no such file, or the errors can't be written.
    """
    folder = Path(path)
    files = exchange_files(folder)
    if errors is not None:
        _check_errors_path(errors, files)
    result = _load_paths(files, folder, actor=actor, dry_run=dry_run)
    if errors is not None:
        _report(result, errors)
    return result


def _check_errors_path(errors: Path, files: list[Path]) -> None:
    """Finds out before loading what would be awkward after it."""
    if errors.resolve() in [file.resolve() for file in files]:
        raise DomainError(f"誤りの一覧 {errors} は読み込むファイルと同じです。別の名前にしてください。")
    folder = errors.parent
    if (
        errors.is_dir()
        or not folder.is_dir()
        or (errors.exists() and not os.access(folder, os.W_OK | os.X_OK))
    ):
        raise DomainError(f"誤りの一覧を {errors} に書き込めません。別の場所を指定してください。")


def _report(result: LoadResult, errors: Path) -> None:
    try:
        if result.ok:
            errors.unlink(missing_ok=True)
        else:
            writing.write_errors(errors, result.problems)
    except OSError as error:
        done = "読み込みは終わりました" if result.ok and not result.dry_run else "何も変更していません"
        raise DomainError(f"誤りの一覧を {errors} に書き込めません（{error.strerror}）。{done}。") from error


def _load_paths(files: list[Path], folder: Path, *, actor: Actor, dry_run: bool) -> LoadResult:
    with ExitStack() as stack:
        opened: dict[str, BinaryIO] = {}
        for file in files:
            opened[file.name] = stack.enter_context(_opened(file))
        return load_files(opened, actor=actor, dry_run=dry_run, source=str(folder))


class _Unopened(io.BytesIO):
    """Stands for a file that can't be opened, so that the others are judged all the same."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def seek(self, *args: int) -> int:
        """Where reading begins: says why it can't."""
        raise Unreadable(self.reason, 0)


def _opened(file: Path) -> BinaryIO:
    if not file.is_file():
        return _Unopened("ファイルではありません。")
    try:
        return file.open("rb")
    except OSError as error:
        return _Unopened(f"開けません（{error.strerror}）。")


def exchange_files(folder: Path) -> list[Path]:
    """The exchange files of a folder, by name. DomainError when there is no folder or no such file."""
    if not folder.exists():
        raise DomainError(f"フォルダー {folder} がありません。")
    if not folder.is_dir():
        raise DomainError(f"{folder} はフォルダーではありません。")
    try:
        found = sorted(file for file in folder.iterdir() if known_file(file.name))
    except OSError as error:
        raise DomainError(f"フォルダー {folder} を読めません（{error.strerror}）。") from error
    if not found:
        names = "、".join(table.file_name for table in tables())
        raise DomainError(f"フォルダー {folder} に読み込めるファイルがありません（{names}）。")
    return found


def _log(result: LoadResult, *, actor: Actor, source: str) -> None:
    kept: list[dict[str, str | int]] = []
    for problem in result.problems:
        if len(kept) == _KEPT_PROBLEMS:
            break
        kept.append(
            {"file": problem.file, "line": problem.line, "column": problem.column, "value": problem.kept_value,
             "reason": problem.reason}
        )  # fmt: skip
    outcome = Load.Result.LOADED if result.changed else Load.Result.UNCHANGED
    Load.objects.create(
        actor_id=actor.pk,
        actor_name=actor.get_full_name()[:310],
        # a path may hold bytes that are no text
        source=source[-500:].encode("utf-8", "replace").decode(),
        result=outcome if result.ok else Load.Result.REFUSED,
        files=result.files,
        errors=kept,
        error_count=result.problems.count,
    )


def export_folder(path: Path | str) -> dict[str, int]:
    """Writes all registers as CSV files, as of one moment; answers rows per file. DomainError when it can't write."""
    folder = Path(path)
    counts = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with transaction.atomic():
            if len(connection.savepoint_ids) == 0:
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            for table in tables():
                counts[table.file_name] = writing.write_file(folder / table.file_name, table)
    except OSError as error:
        raise DomainError(f"フォルダー {folder} に書き込めません（{error.strerror}）。") from error
    return counts
