"""Writes all files of a run into a folder and answers what it wrote."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.jobs.progress import Progress
from rules.ruleset import RuleSet

from ..documents.notice import Notice
from ..models import Payout, PayoutRun, RunHold
from . import tables
from .bank_file import bank_file, copied_payer
from .cells import ENCODING, write_csv
from .folder import SUMMARY, sync
from .notice_press import draw_notices
from .notices import FOLDER, notice_name, notices

DRAWING = "支払通知書を作成しています"


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file of a run: its name below the folder, size in bytes, SHA-256."""

    name: str
    size: int
    sha256: str


def write_files(run: PayoutRun, folder: Path, rules: RuleSet, progress: Progress) -> list[WrittenFile]:
    """Writes the files of an approved run into an empty folder; `rules` are those of its payment."""
    written = [
        _table(folder, "payouts.csv", tables.PAYOUTS, tables.payout_rows(run)),
        _table(folder, "payout_lines.csv", tables.LINES, tables.line_rows(run)),
        _table(folder, "holds.csv", tables.HOLDS, tables.hold_rows(run)),
        _table(folder, "withholding.csv", tables.WITHHOLDING, tables.withholding_rows(run, rules)),
        _bytes(folder, "zengin.txt", bank_file(run, copied_payer(run), rules)),
    ]
    (folder / FOLDER).mkdir()

    def take(notice: Notice, pdf: bytes) -> WrittenFile:
        return _bytes(folder, notice_name(notice.payee_code), pdf)

    for done, file in enumerate(draw_notices(notices(run, rules), run.payee_count, take), start=1):
        written.append(file)
        progress.report(done, run.payee_count, DRAWING)
    sync(folder / FOLDER)
    written.sort(key=lambda file: file.name)
    written.append(_bytes(folder, SUMMARY, summary(run, written)))
    sync(folder)
    return written


def _write(path: Path, write: Callable[[IO[str]], None]) -> None:
    with path.open("w", encoding=ENCODING, newline="") as out:
        write(out)


def _table(folder: Path, name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> WrittenFile:
    path = folder / name
    _write(path, lambda out: write_csv(out, header, rows))
    sync(path)
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return WrittenFile(name, path.stat().st_size, digest)


def _bytes(folder: Path, name: str, content: bytes) -> WrittenFile:
    path = folder / name
    path.write_bytes(content)
    sync(path)
    return WrittenFile(name, len(content), hashlib.sha256(content).hexdigest())


def summary(run: PayoutRun, files: Sequence[WrittenFile]) -> bytes:
    """summary.json: what the run is, its counts and totals (yen), and the SHA-256 of the other files."""
    holds = RunHold.objects.filter(run=run)
    content = {
        "run": run.name,
        "month": f"{run.month:%Y-%m}",
        "pay_date": run.pay_date.isoformat(),
        "counts": {
            "payouts": run.payee_count,
            "dispatches": run.dispatch_count,
            "transfers": Payout.objects.filter(run=run, net__gt=0).count(),
            "held_dispatches": holds.values("dispatch").distinct().count(),
            "findings": holds.count(),
        },
        "totals": {
            "fee": run.fee,
            "travel": run.travel,
            "gross": run.gross,
            "withholding": run.withholding,
            "net": run.net,
            "consumption_tax": run.consumption_tax,
        },
        "files": {file.name: file.sha256 for file in files},
    }
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()
