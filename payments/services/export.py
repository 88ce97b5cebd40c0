"""Exporting a run: its files are written, their names and hashes recorded; the bytes are always the same."""

from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from core import clock
from core.audit.acting import acting
from core.errors import DomainError
from core.jobs.progress import Progress
from core.programme.selectors import RuleBook

from ..files.archive import write_archive
from ..files.folder import empty, fresh_folder, publish, refuse_other_runs, resolved, staging, sweep
from ..files.writer import WrittenFile, write_files
from ..models import PayoutRun, RunFile
from .dates import payment_rules
from .draft import OPEN
from .locks import one_at_a_time
from .rights import require_maker

if TYPE_CHECKING:
    from accounts.models import User


def export_folder(run: PayoutRun) -> Path:
    """Where the files of a run lie for download."""
    return Path(settings.EXPORT_DIR) / run.name


def export_archive(run: PayoutRun) -> Path:
    """Where all files of a run lie as one ZIP for download."""
    return export_folder(run) / f"{run.name}.zip"


def export_run(
    *, run: PayoutRun, directory: Path | None = None, actor: "User", progress: Progress | None = None
) -> PayoutRun:
    """Writes the files of an approved run to `directory`, or to the place of downloads with a ZIP of them all.

    Again for an exported run the same files come out. Refuses a run that isn't approved and a folder that holds
    another run's files.
    """
    require_maker(actor)
    with one_at_a_time():
        target = resolved(directory if directory is not None else export_folder(run))
        if directory is not None:
            refuse_other_runs(target, run.name)
        sweep(target)
        with staging(target) as staged:
            return export_staged(run, target, staged, owned=directory is None, actor=actor, progress=progress)


def export_staged(
    run: PayoutRun,
    target: Path,
    staged: Path,
    *,
    actor: "User",
    owned: bool = False,
    progress: Progress | None = None,
) -> PayoutRun:
    """Writes the files into `staged`, moves them to `target` and records them. An `owned` target is replaced."""
    run = PayoutRun.objects.select_related("payer").get(pk=run.pk)
    if run.status in OPEN:
        raise DomainError(f"月次支払 {run.name} は承認されていないため出力できません。先に承認してください。")
    folder = fresh_folder(staged)
    rules = payment_rules(RuleBook(), run.month, run.pay_date)
    written = write_files(run, folder, rules, progress or Progress())
    _check_against_first(run, written)
    if owned:
        empty(target)
        write_archive(run, folder, [file.name for file in written], folder / export_archive(run).name)
    publish(folder, target)
    return _record(run, written, actor)


def _check_against_first(run: PayoutRun, written: list[WrittenFile]) -> None:
    before = {file.name: file.sha256 for file in RunFile.objects.filter(run=run)}
    if before and before != {file.name: file.sha256 for file in written}:
        raise DomainError(
            f"月次支払 {run.name} の出力が最初の出力と一致しません。システム管理者に連絡してください。"
        )


def _record(run: PayoutRun, written: list[WrittenFile], actor: "User") -> PayoutRun:
    with acting(actor, "export_run"):
        row = PayoutRun.objects.select_for_update().get(pk=run.pk)
        if not RunFile.objects.filter(run=row).exists():
            RunFile.objects.bulk_create(
                RunFile(run=row, name=file.name, size=file.size, sha256=file.sha256) for file in written
            )
        if row.status == PayoutRun.Status.APPROVED:
            row.status = PayoutRun.Status.EXPORTED
            row.exported_at = clock.now()
            row.save(update_fields=["status", "exported_at"])
        return row
