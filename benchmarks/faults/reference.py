"""The same months closed one after the other on a copy that nobody disturbs: files and seconds.

`python -m benchmarks.faults.reference FOLDER MONTH…` closes them in the database the environment names.
"""

import datetime as dt
import json
import sys
import time
from pathlib import Path


def main(folder: str, *months: str) -> None:
    """Prints {month: {compute, export}} in seconds; FOLDER/<month> holds the files."""
    import django

    django.setup()
    from accounts.models import User
    from benchmarks.faults.story import pay_date
    from payments.services import approve_run, compute_run, draft_run, export_run

    maker, checker = (User.objects.get(username=name) for name in ("tanto", "shonin"))
    seconds = {}
    for month in months:
        first = dt.date.fromisoformat(f"{month}-01")
        run = draft_run(month=first, pay_date=pay_date(month), actor=maker, past_allowed=True)
        began = time.monotonic()
        run = compute_run(run=run, actor=maker)
        computed = time.monotonic()
        run = approve_run(run=run, actor=checker)
        approved = time.monotonic()
        export_run(run=run, directory=Path(folder) / month, actor=maker)
        seconds[month] = {
            "compute": computed - began,
            "export": time.monotonic() - approved,
            "payouts": run.payee_count,
        }
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
