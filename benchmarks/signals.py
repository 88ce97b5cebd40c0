"""The look after fraud and the check of one act, on a generated month: seconds of the first and the second look, and
milliseconds of a live check.

`python -m benchmarks.signals [dispatches]`
"""

import datetime as dt
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.scratch import prepare, scratch_database

ACTS = 100


def main(dispatches: int) -> None:
    """Prints what the looks and the checks take."""
    prepare()
    from django.db import connection

    from benchmarks.generate import Month
    from core.audit.acting import SYSTEM
    from core.exchange.services import load_folder
    from dispatch.after_change import Changed
    from dispatch.models import Dispatch
    from dispatch.services.signals import look_for_signals
    from payments.services.assessment import check_month
    from payments.services.live import judge_changed

    with scratch_database("signals"):
        with tempfile.TemporaryDirectory() as folder:
            # a month of late, so that it lies within what is looked at
            last = dt.datetime.now(dt.UTC).replace(day=1) - dt.timedelta(days=28)
            Month(dispatches, f"{last:%Y-%m}").write(Path(folder))
            load_folder(folder, actor=SYSTEM)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        check_month()
        print(f"signals and live checks: {dispatches:,} dispatches")
        for which in ("first", "second"):
            before = time.perf_counter()
            counts = look_for_signals(actor=SYSTEM)
            found = sum(counts.values())
            print(f"  {which} look    {time.perf_counter() - before:7.2f} s  {found:,} found")
        touched = list(Dispatch.objects.order_by("pk").values_list("pk", "expert_id"))
        times = []
        for dispatch, expert in random.Random(1).sample(touched, min(ACTS, len(touched))):
            before = time.perf_counter()
            judge_changed(Changed(frozenset({dispatch}), frozenset({expert}), frozenset(), at_once=True))
            times.append((time.perf_counter() - before) * 1000)
        print(f"  live check     median {statistics.median(times):6.1f} ms  highest {max(times):6.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 115_000)
