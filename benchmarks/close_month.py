"""The close of a generated month, step by step: seconds, dispatches per second, peak memory.

`python -m benchmarks.close_month [dispatches …] [--without-history]` measures each size on a database of its own; without
notices the export writes the tables and the bank file alone. Beside a bound: `python -m benchmarks.speed close`.
"""

import datetime as dt
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from benchmarks.scratch import ROOT, prepare, scratch_database, switch_history_off

SIZES = (11_500, 115_000)
# Above this many dispatches the notices are left out: they have a benchmark of their own.
WITH_NOTICES = 11_500


def _no_notices(*_: object) -> Iterator[object]:
    return iter(())


def _steps(folder: Path) -> None:
    from accounts.models import User
    from payments.services import approve_run, compute_run, draft_run, export_run

    maker, checker = User.objects.get(username="maker"), User.objects.get(username="checker")
    laps = [time.perf_counter()]
    run = draft_run(month=dt.date(2021, 7, 1), pay_date=dt.date(2021, 8, 25), actor=maker, past_allowed=True)
    run = compute_run(run=run, actor=maker)
    laps.append(time.perf_counter())
    run = approve_run(run=run, actor=checker)
    laps.append(time.perf_counter())
    with patch("payments.files.writer.draw_notices", _no_notices):
        export_run(run=run, directory=folder / "tables", actor=maker)
    laps.append(time.perf_counter())
    compute, approve, export = (after - before for before, after in zip(laps, laps[1:], strict=False))
    whole = laps[-1] - laps[0]
    held = run.holds.values("dispatch").distinct().count()
    seen = run.dispatch_count + held
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"  {seen:9,} dispatches ({run.dispatch_count:,} paid to {run.payee_count:,})  compute {compute:6.2f} s"
        f"  approve {approve:6.2f} s  export {export:6.2f} s  whole {whole:6.2f} s"
        f"  {seen / whole:8,.0f} dispatches/s  {memory:5.0f} MB resident"
    )


def _as_a_command(environment: dict[str, str], folder: Path) -> None:
    command = [sys.executable, str(ROOT / "manage.py"), "close_month", "2021-07", "--maker", "maker"]
    before = time.perf_counter()
    subprocess.run(
        [*command, "--checker", "checker", "--pay-date", "2021-08-25", "--output", str(folder / "out")],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    seconds = time.perf_counter() - before
    notices = len(list((folder / "out" / "notices").iterdir()))
    print(f"            as a command, with {notices:,} notices on {os.cpu_count()} cores  {seconds:6.2f} s")


def measure(dispatches: int, *, as_a_command: bool, history: bool = True) -> None:
    """Loads a month of this size into a database of its own and closes it."""
    from accounts.models import Role, User
    from benchmarks.generate import Month
    from core.audit.acting import SYSTEM
    from core.exchange.services import load_folder

    with scratch_database("close") as environment, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if not history:
            switch_history_off()
        (folder / "month").mkdir()
        Month(dispatches).write(folder / "month")
        load_folder(folder / "month", actor=SYSTEM)
        User.objects.create(username="maker", role=Role.OFFICE_OPERATOR)
        User.objects.create(username="checker", role=Role.OFFICE_APPROVER)
        if as_a_command:
            _as_a_command(environment, folder)
        else:
            _steps(folder)


def main(sizes: tuple[int, ...], *, history: bool = True) -> None:
    """Prints a line per size."""
    prepare()
    print("close_month" if history else "close_month, without history")
    for size in sizes:
        measure(size, as_a_command=False, history=history)
        if size <= WITH_NOTICES:
            measure(size, as_a_command=True, history=history)


if __name__ == "__main__":
    given = [argument for argument in sys.argv[1:] if argument != "--without-history"]
    main(tuple(int(argument) for argument in given) or SIZES, history="--without-history" not in sys.argv)
