"""One close in a process of its own: by the product's services (`ours`) or by set-based SQL (`bound`).

`python -m benchmarks.speed.close_step ours|bound` works on the database of DATABASE_URL and answers one line of
JSON: seconds per step, peak memory, and fingerprints of the rows it wrote. Payment notices are left out.
"""

import datetime as dt
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.scratch import prepare

MONTH, PAY_DAY, CUTOFF = dt.date(2021, 7, 1), dt.date(2021, 8, 25), "2021-08-01 00:00:00+09"
SQL = Path(__file__).resolve().parent / "bound"

# What both must have written, in an order that doesn't depend on keys.
ROWS = {
    "payouts": "SELECT to_jsonb(p) - '{id,run_id}'::text[] FROM payments_payout p ORDER BY expert_code",
    "lines": "SELECT to_jsonb(l) - '{id,run_id,payout_id}'::text[] FROM payments_payoutline l"
    " ORDER BY dispatch_id, item, line_no",
    "holds": "SELECT to_jsonb(h) - '{id,run_id}'::text[] FROM payments_runhold h ORDER BY dispatch_id, code",
    "run": "SELECT status, dispatch_count, payee_count, fee, travel, gross, withholding, net, consumption_tax,"
    " maker_id, approver_id FROM payments_payoutrun",
    "dispatches": "SELECT id, status FROM dispatch_dispatch ORDER BY id",
    "steps": "SELECT dispatch_id, action, from_status, to_status, actor_id FROM dispatch_statuschange"
    " WHERE action = 'schedule' ORDER BY dispatch_id",
}

LISTS = {
    "payouts": "SELECT expert_code, name, dispatch_count, fee, travel, gross, withholding, net, consumption_tax"
    " FROM payments_payout WHERE run_id = {run} ORDER BY expert_code",
    "payout_lines": "SELECT p.expert_code, d.number, l.item, l.amount, l.explanation FROM payments_payoutline l"
    " JOIN payments_payout p ON p.id = l.payout_id JOIN dispatch_dispatch d ON d.id = l.dispatch_id"
    ' WHERE l.run_id = {run} ORDER BY p.expert_code, d.number, l.item COLLATE "C", l.line_no',
    "holds": "SELECT d.number, h.kind, h.code, h.reason, h.expected, h.actual FROM payments_runhold h"
    " JOIN dispatch_dispatch d ON d.id = h.dispatch_id WHERE h.run_id = {run}"
    ' ORDER BY d.number, h.kind COLLATE "C", h.code',
    "withholding": "SELECT payee_class, count(*), sum(gross), sum(withholding) FROM payments_payout"
    " WHERE run_id = {run} GROUP BY payee_class ORDER BY payee_class",
}


class Laps:
    """Seconds between calls, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Ends the step `name`."""
        now = time.perf_counter()
        self.seconds[name], self._last = now - self._last, now


def _no_notices(*_: object) -> Iterator[object]:
    return iter(())


def ours(folder: Path) -> Laps:
    """The product's own services, one after the other; its lists and its bank file, no notices."""
    from accounts.models import User
    from payments.services import approve_run, compute_run, draft_run, export_run

    maker, checker = User.objects.get(username="maker"), User.objects.get(username="checker")
    laps = Laps()
    run = draft_run(month=MONTH, pay_date=PAY_DAY, actor=maker, past_allowed=True)
    run = compute_run(run=run, actor=maker)
    laps.lap("compute")
    run = approve_run(run=run, actor=checker)
    laps.lap("approve")
    with patch("payments.files.writer.draw_notices", _no_notices):
        export_run(run=run, directory=folder / "files", actor=maker)
    laps.lap("export")
    return laps


def bound(folder: Path) -> Laps:
    """The same result by statements over sets, and the lists by COPY."""
    from django.db import connections

    from accounts.models import User
    from core.audit.acting import acting  # noqa: F401 - names below are what it tells the database

    maker, checker = User.objects.get(username="maker"), User.objects.get(username="checker")
    connection = connections["owner"]
    connection.ensure_connection()
    raw: Any = connection.connection
    laps = Laps()
    with raw.transaction(), raw.cursor() as cursor:
        _tell(cursor, maker, "compute_run")
        cursor.execute("SET LOCAL work_mem = '64MB'; SET LOCAL jit = off")
        cursor.execute(
            "INSERT INTO payments_payoutrun (month, ordinal, name, status, cutoff, pay_date, maker_id, payer_id,"
            " dispatch_count, payee_count, fee, travel, gross, withholding, net, consumption_tax, snapshot, digest)"
            " SELECT %s, 1, '2021-07', 'draft', %s, %s, %s, min(id), 0, 0, 0, 0, 0, 0, 0, 0, '', '' FROM payments_payer"
            " RETURNING id",
            [MONTH, CUTOFF, PAY_DAY, maker.pk],
        )
        (run,) = cursor.fetchone()
        for name in ("facts", "findings", "lines"):
            _script(cursor, name, run, checker.pk)
    laps.lap("compute")
    with raw.transaction(), raw.cursor() as cursor:
        _tell(cursor, checker, "approve_run")
        _script(cursor, "approval", run, checker.pk)
    laps.lap("approve")
    for name, query in LISTS.items():
        statement = f"COPY ({query.format(run=run)}) TO STDOUT (FORMAT csv, HEADER)"
        with (
            raw.cursor() as cursor,
            cursor.copy(statement) as copy,
            (folder / f"{name}.csv").open("wb") as file,
        ):
            for block in copy:
                file.write(block)
    with raw.transaction(), raw.cursor() as cursor:
        _tell(cursor, maker, "export_run")
        cursor.execute(
            "UPDATE payments_payoutrun SET status = 'exported', exported_at = now() WHERE id = %s", [run]
        )
    laps.lap("export")
    return laps


def _tell(cursor: Any, actor: Any, act: str) -> None:
    cursor.execute(
        "SELECT set_config('app.actor_id', %s, true), set_config('app.actor_name', %s, true),"
        " set_config('app.action', %s, true)",
        [str(actor.pk), actor.get_full_name(), act],
    )


def _script(cursor: Any, name: str, run: int, checker: int) -> None:
    text = (SQL / f"{name}.sql").read_text(encoding="utf-8")
    for place, value in (("run", run), ("checker", checker), ("cutoff", CUTOFF), ("pay_day", PAY_DAY)):
        text = text.replace(f"%({place})s", f"'{value}'" if place in ("cutoff", "pay_day") else str(value))
    cursor.execute(text)


def fingerprints() -> dict[str, str]:
    """SHA-256 over the rows that the close wrote, by kind."""
    from django.db import connections

    found = {}
    with connections["owner"].cursor() as cursor:
        for name, query in ROWS.items():
            rows = f"SELECT string_agg(x::text, E'\\n') FROM ({query}) x"
            cursor.execute(f"SELECT encode(sha256(convert_to(({rows}), 'UTF8')), 'hex')")
            found[name] = cursor.fetchone()[0]
    return found


def main(how: str) -> None:
    """Closes once and says how long it took."""
    prepare()
    closes: dict[str, Callable[[Path], Laps]] = {"ours": ours, "bound": bound}
    with tempfile.TemporaryDirectory() as temporary:
        before = resource.getrusage(resource.RUSAGE_SELF)
        laps = closes[how](Path(temporary))
        after = resource.getrusage(resource.RUSAGE_SELF)
    steps = laps.seconds
    answer = {
        **steps,
        "whole": sum(steps.values()),
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "memory": after.ru_maxrss / 1024,
        "rows": fingerprints(),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1])
