"""The close of a month beside the same result by set-based SQL."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.scratch import ROOT, copied_database, prepare, scratch_database

DISPATCHES, EXPERTS = 11_500, 7_000


@contextmanager
def loaded_month(dispatches: int, experts: int) -> Iterator[dict[str, str]]:
    """The environment of a database with a month of this size, as it lies after a night: vacuumed and analysed."""
    from django.db import connections

    from accounts.models import Role, User
    from benchmarks.generate import Month
    from core.audit.acting import SYSTEM
    from core.exchange.services import load_folder

    with scratch_database("close") as environment, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        Month(dispatches, experts=experts).write(folder)
        load_folder(folder, actor=SYSTEM)
        User.objects.create(username="maker", role=Role.OFFICE_OPERATOR)
        User.objects.create(username="checker", role=Role.OFFICE_APPROVER)
        with connections["owner"].cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")
        yield environment


def close_once(environment: dict[str, str], how: str) -> dict[str, Any]:
    """Closes a copy of the month, `ours` or `bound`: seconds per step, MB, fingerprint of the rows."""
    with copied_database(environment, how) as copy:
        command = [sys.executable, "-m", "benchmarks.speed.close_step", how]
        done = subprocess.run(command, env=copy, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


if __name__ == "__main__":
    prepare()
    with loaded_month(int(sys.argv[1]), int(sys.argv[2])) as env:
        for _ in range(int(sys.argv[3])):
            for how in ("ours", "bound"):
                print(how, close_once(env, how), flush=True)
