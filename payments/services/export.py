"""Exporting a run: its files are written, their names and hashes recorded; the bytes are always the same."""

from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from core import clock
from core.audit.acting import acting
from core.errors import DomainError
from core.files.vault import Vault
from core.jobs.progress import Progress
from core.programme.selectors import RuleBook
from rules.ruleset import RuleSet

from ..files.archive import write_archive
from ..files.folder import Folder, fresh_folder, publish, refuse_other_runs, resolved, staging, sweep, sync
from ..files.notices import FOLDER
from ..files.writer import WrittenFile, write_files
from ..models import PayoutRun, RunFile
from .dates import payment_rules
from .draft import OPEN
from .locks import one_at_a_time
from .rights import require_maker

if TYPE_CHECKING:
    from accounts.models import User

_WITH_FILES = (PayoutRun.Status.EXPORTED, PayoutRun.Status.TRANSFERRED, PayoutRun.Status.CLOSED)


def downloads(run: PayoutRun) -> Vault:
    """Where the files of a run and a ZIP of them all wait for download, encrypted."""
    return Vault(Path(settings.EXPORT_DIR) / run.name)


def archive_name(run: PayoutRun) -> str:
    """What the ZIP of all files is called."""
    return f"{run.name}.zip"


def export_run(
    *, run: PayoutRun, directory: Path | None = None, actor: "User", progress: Progress | None = None
) -> PayoutRun:
    """Writes the files of an approved run to `directory` as they are, or encrypted to the place of downloads.

    Again for an exported run the same files come out. Refuses a run that isn't approved and a folder that holds
    another run's files.
    """
    require_maker(actor)
    with one_at_a_time():
        if directory is None:
            return _export_for_download(run, actor, progress or Progress())
        target = resolved(directory)
        refuse_other_runs(target, run.name)
        sweep(target)
        with staging(target) as staged:
            return export_staged(run, target, staged, actor=actor, progress=progress)


def export_staged(
    run: PayoutRun, target: Path, staged: Path, *, actor: "User", progress: Progress | None = None
) -> PayoutRun:
    """Writes the files into `staged`, moves them to `target` and records them."""
    run = _approved(run)
    folder = fresh_folder(staged)
    written = write_files(run, Folder(folder), _rules(run), progress or Progress())
    for path in (folder / FOLDER, folder):
        path.mkdir(exist_ok=True)
        sync(path)
    _check_against_first(run, written)
    publish(folder, target)
    return _record(run, written, actor)


def _export_for_download(run: PayoutRun, actor: "User", progress: Progress) -> PayoutRun:
    """The frozen rows give the same bytes each time, so each file may take the place of an older one at once."""
    run = _approved(run)
    store = downloads(run)
    try:
        store.clear_remains()
        written = write_files(run, store, _rules(run), progress)
        _check_against_first(run, written)
        write_archive(run, store, [file.name for file in written], archive_name(run))
    except OSError as wrong:
        raise DomainError(f"出力ファイルを書き込めません（{wrong.strerror}）。") from wrong
    return _record(run, written, actor)


def expire_downloads() -> int:
    """Deletes files that have waited for download longer than settings.EXPORT_KEEP_HOURS; answers how many."""
    folder = Path(settings.EXPORT_DIR)
    seconds = settings.EXPORT_KEEP_HOURS * 60 * 60
    names = PayoutRun.objects.filter(status__in=_WITH_FILES).values_list("name", flat=True)
    return sum(Vault(folder / name).sweep(seconds) for name in names if (folder / name).is_dir())


def _approved(run: PayoutRun) -> PayoutRun:
    run = PayoutRun.objects.select_related("payer").get(pk=run.pk)
    if run.status in OPEN:
        raise DomainError(f"月次支払 {run.name} は承認されていないため出力できません。先に承認してください。")
    return run


def _rules(run: PayoutRun) -> RuleSet:
    return payment_rules(RuleBook(), run.month, run.pay_date)


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
