"""Writes all files of a run to a folder or a store and answers what it wrote."""

import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, Any, Protocol, cast

from core.jobs.progress import Progress
from rules.ruleset import RuleSet

from ..documents.notice import Notice
from ..models import Payout, PayoutRun, RunHold
from . import tables
from .bank_file import bank_file, copied_payer
from .cells import ENCODING, write_csv
from .folder import SUMMARY
from .notice_press import draw_notices
from .notices import notice_name, notices

DRAWING = "支払通知書を作成しています"


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file of a run: its name below the folder, size in bytes, SHA-256."""

    name: str
    size: int
    sha256: str


class Outlet(Protocol):
    """Where files go: a plain folder (folder.Folder) or a store that encrypts (core.files.vault.Vault)."""

    def create(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A file to write to, whole once the block has ended well."""


class _Counted(io.RawIOBase):
    """Hands bytes on, counts them and takes their SHA-256."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = 0
        self.hash = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._file.write(data)
        self.hash.update(data)
        self.size += len(data)
        return len(data)


def write_files(run: PayoutRun, outlet: Outlet, rules: RuleSet, progress: Progress) -> list[WrittenFile]:
    """Writes the files of an approved run; `rules` are those of its payment."""
    written = [
        _table(outlet, "payouts.csv", tables.PAYOUTS, tables.payout_rows(run)),
        _table(outlet, "payout_lines.csv", tables.LINES, tables.line_rows(run)),
        _table(outlet, "holds.csv", tables.HOLDS, tables.hold_rows(run)),
        _table(outlet, "withholding.csv", tables.WITHHOLDING, tables.withholding_rows(run, rules)),
        _bytes(outlet, "zengin.txt", bank_file(run, copied_payer(run), rules)),
    ]

    def take(notice: Notice, pdf: bytes) -> WrittenFile:
        return _bytes(outlet, notice_name(notice.payee_code), pdf)

    for done, file in enumerate(draw_notices(notices(run, rules), run.payee_count, take), start=1):
        written.append(file)
        progress.report(done, run.payee_count, DRAWING)
    written.sort(key=lambda file: file.name)
    written.append(_bytes(outlet, SUMMARY, summary(run, written)))
    return written


def _table(outlet: Outlet, name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> WrittenFile:
    with outlet.create(name) as out:
        counted = _Counted(out)
        text = io.TextIOWrapper(cast(IO[bytes], counted), encoding=ENCODING, newline="")
        write_csv(text, header, rows)
        text.flush()
        text.detach()
    return WrittenFile(name, counted.size, counted.hash.hexdigest())


def _bytes(outlet: Outlet, name: str, content: bytes) -> WrittenFile:
    with outlet.create(name) as out:
        out.write(content)
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
