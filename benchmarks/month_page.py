"""The office's pages on a generated month: queries and milliseconds, at two sizes.

`python -m benchmarks.month_page [dispatches]`
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.scratch import prepare, scratch_database

PAGES = (
    "months/{month}/",
    "months/{month}/?kind=保留",
    "dispatches/",
    "dispatches/{number}/",
    "queue/",
    "queue/?turn=office&sort=-yen",
    "queue/?code={code}&page=3",
    "queue/clean/",
    "dispatches/{held}/?queue=1&turn=office",
    "",
)
REPEATS = 15


def main(dispatches: int) -> None:
    """Prints one line per page: queries, median and highest milliseconds of the view alone."""
    prepare()
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from accounts.services import create_user
    from benchmarks.generate import Month
    from core.audit.acting import SYSTEM
    from core.exchange.services import load_folder
    from core.jobs.progress import Progress
    from core.jobs.registry import KINDS
    from dispatch.models import Dispatch, Finding
    from office.months import months_with_visits

    with scratch_database("pages"):
        with tempfile.TemporaryDirectory() as folder:
            Month(dispatches).write(Path(folder))
            load_folder(folder, actor=SYSTEM)
        KINDS["check_month"].run({"job_id": 0}, Progress())
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        user = create_user(username="bench", role="office_operator", actor=SYSTEM)
        client = Client()
        client.force_login(user)
        first = Dispatch.objects.order_by("number").first()
        assert first is not None
        held = Finding.objects.filter(kind="保留").select_related("dispatch").order_by("pk").last()
        assert held is not None
        month = f"{months_with_visits()[0]:%Y-%m}"
        print(f"office pages: {dispatches:,} dispatches")
        for page in PAGES:
            url = "/office/" + page.format(
                month=month, number=first.number, held=held.dispatch.number, code=held.code
            )
            times = []
            for _ in range(REPEATS):
                with CaptureQueriesContext(connection) as queries:
                    before = time.perf_counter()
                    answer = client.get(url)
                    times.append((time.perf_counter() - before) * 1000)
                assert answer.status_code == 200, (url, answer.status_code)
            print(
                f"  {url:46} {len(queries):3} queries  median {statistics.median(times):6.1f} ms"
                f"  highest {max(times):6.1f} ms"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 11_500)
