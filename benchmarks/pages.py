"""Queues, lists and pages of all surfaces at 115,000 dispatches: queries, median and p95 of each, and its slowest query.

    python -m benchmarks.pages [dispatches] [--explain]

One institution has a thirtieth of all dispatches, one expert two hundred visits over the year; findings come from the
check of the month. Each page is asked for as a browser does, with its middleware and templates; the first answer is
not counted. The ratio is to the one thing a page can't do faster: reading fifty dispatches by an index. `--explain`
shows how the database runs the slowest query of each page, and how many rows it read for it.
"""

import datetime as dt
import logging
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.generate import Month
from benchmarks.scratch import prepare, scratch_database, switch_history_off

EXPERTS = 7_000
HEAVY_EVERY = 30
INSTITUTION = "K00001"
EXPERT = "E000000"
# Months of the heavy expert's further visits: one a day at most, so that none overlaps another.
OTHER_MONTHS = (
    "2021-04",
    "2021-05",
    "2021-06",
    "2021-08",
    "2021-09",
    "2021-11",
    "2021-12",
    "2022-01",
    "2022-02",
)
REPEATS = 20
_BATCH = 1_000

# (whose page, address). {…} are facts of the data, see `facts`.
OFFICE = (
    "",
    "queue/",
    "queue/?turn=office",
    "queue/?turn=institution&late=1",
    "queue/?kind=保留&sort=-yen",
    "queue/?month=2021-07&code={code}",
    "queue/?institution={institution}",
    "queue/?q={number}",
    "queue/?page=40",
    "queue/clean/",
    "travel/",
    "travel/?q=試験1234",
    "reception/",
    "reception/?q=試験1234",
    "requests/",
    "requests/?state=decided",
    "inquiries/",
    "inquiries/?q=試験1234",
    "signals/",
    "tasks/",
    "dispatches/",
    "dispatches/?q=株式会社試験12345",
    "dispatches/?q=見本123",
    "dispatches/?q=該当なしのことば",
    "dispatches/?month=2021-07&status=approved",
    "dispatches/?month=2021-07&page=200",
    "dispatches/{number}/",
    "dispatches/{held}/",
    "experts/?q=見本123",
    "months/2021-07/",
)
PORTAL = (
    "",
    "dispatches/",
    "dispatches/?q=株式会社試験12345",
    "dispatches/?q=該当なしのことば",
    "dispatches/?page=20",
    "dispatches/{own}/",
    "approvals/",
    "inquiries/",
    "clients/",
    "clients/?q=株式会社試験12345",
    "clients/{client}/",
    "cases/",
    "cases/{case}/",
    "experts/",
    "experts/?q=見本123",
    "experts/?case={case}",
    "people/",
)
PHONE = (
    "",
    "dispatches/",
    "dispatches/?q=見本町1",
    "dispatches/?page=3",
    "dispatches/{mine}/",
    "visits/{coming}/",
    "dispatches/{reportable}/report/",
    "dispatches/{reportable}/declarations/",
    "inquiries/",
    "fees/",
    "tokens/",
)


class HeavyMonth(Month):
    """A month of 7,000 experts in which one institution has a large share."""

    def __init__(self, dispatches: int) -> None:
        super().__init__(dispatches)
        self.experts = min(EXPERTS, dispatches)

    def dispatches(self) -> Iterator[list[object]]:
        """As in every month; every thirtieth belongs to the one institution."""
        for n, row in enumerate(super().dispatches()):
            if n % HEAVY_EVERY == 0:
                row[1] = INSTITUTION
            yield row


@dataclass(frozen=True, slots=True)
class Measured:
    """One page: how often it asked the database, and how long it took."""

    queries: int
    median: float
    p95: float
    slowest: tuple[float, str]


def load(dispatches: int) -> None:
    """The register, the month and the heavy expert's year."""
    from core.audit.acting import SYSTEM
    from core.exchange.services import load_folder

    with tempfile.TemporaryDirectory() as folder:
        HeavyMonth(dispatches).write(Path(folder))
        assert load_folder(folder, actor=SYSTEM).ok
    for name in OTHER_MONTHS:
        month = Month(20, name)
        month.experts, month.companies = 1, 10
        with tempfile.TemporaryDirectory() as folder:
            month.write(Path(folder))
            for known in ("payer", "institutions", "experts", "companies"):
                (Path(folder) / f"{known}.csv").unlink()
            assert load_folder(folder, actor=SYSTEM).ok


def open_work() -> dict[str, Any]:
    """People of each surface, and what waits for them: applications, requests, inquiries, cases. Answers the people."""
    from accounts.services import create_user
    from core import clock
    from core.audit.acting import SYSTEM, acting
    from dispatch.models import ApprovalRequest, Case, Dispatch, Inquiry
    from dispatch.services.signals import look_for_signals
    from experts.models import Expert
    from institutions.models import Institution, Member

    people = {
        "office": create_user(username="bench_office", role="office_operator", actor=SYSTEM),
        "portal": create_user(username="bench_portal", role="institution_chief", actor=SYSTEM),
        "expert": create_user(username="bench_expert", role="expert", actor=SYSTEM),
    }
    body = Institution.objects.get(code=INSTITUTION)
    now = clock.now()
    _set_back()
    with acting(SYSTEM, "benchmark"):
        Member.objects.create(user=people["portal"], institution=body)
        Expert.objects.filter(code=EXPERT).update(user=people["expert"])
        some = list(Dispatch.objects.filter(status__in=("applied", "accepted")).order_by("pk")[:600])
        ApprovalRequest.objects.bulk_create(
            ApprovalRequest(dispatch=row, kind="limit", reason="継続の支援のため", asked_at=now)
            for row in some
        )
        asked = Dispatch.objects.filter(status="approved").order_by("pk").values_list("pk", flat=True)[::100]
        heavy = body.dispatches.filter(status="approved").order_by("pk").values_list("pk", flat=True)[::40]
        Inquiry.objects.bulk_create(
            Inquiry(
                dispatch_id=pk,
                asked_of="institution" if n % 2 else "expert",
                question="開始時刻の違いについてお知らせください。",
                asked_by=people["office"],
                asked_at=now - dt.timedelta(days=n % 20),
                due_on=clock.today() + dt.timedelta(days=7 - n % 20),
                **(
                    {"answer": "入力を誤りました。", "answered_at": now, "answered_by": people["portal"]}
                    if n % 3 == 0
                    else {}
                ),
            )
            for n, pk in enumerate([*asked, *heavy])
        )
        companies = body.dispatches.order_by("pk").values_list("company", flat=True).distinct()[:2_000]
        Case.objects.bulk_create(
            Case(
                code=f"B2021-{n:06}",
                institution=body,
                company_id=company,
                topic="販路開拓",
                problem="新しい客層への売り方が定まらない。",
                why_not_alone="専門の知識が要るため。",
                state="closed" if n % 3 else "open",
            )
            for n, company in enumerate(companies)
        )
    look_for_signals(actor=SYSTEM)
    return people


def _set_back() -> None:
    """Some dispatches stand where files never leave them: before the visit, before the report. In the scratch database
    alone, by its owner, past the guards of the way a dispatch goes."""
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE dispatch_dispatch DISABLE TRIGGER USER")
        cursor.execute(
            "SELECT id FROM dispatch_dispatch WHERE approved_at IS NULL AND status IN ('visited', 'reported')"
            " ORDER BY id"
        )
        open_ones = [pk for (pk,) in cursor.fetchall()]
        for status, part in (("accepted", 0), ("applied", 1), ("confirmed", 2)):
            cursor.execute(_TO_COME, [status, open_ones[part::8]])
        cursor.execute(
            "SELECT d.id FROM dispatch_dispatch d JOIN experts_expert e ON e.id = d.expert_id WHERE e.code = %s"
            " AND d.status = 'approved' ORDER BY d.id LIMIT 40",
            [EXPERT],
        )
        mine = [pk for (pk,) in cursor.fetchall()]
        cursor.execute(_TO_COME, ["confirmed", mine[:4]])
        cursor.execute(_TO_COME, ["applied", mine[4:6]])
        cursor.execute(
            "UPDATE dispatch_dispatch SET status = 'visited', status_since = now(), approved_at = NULL, report = '',"
            " reported_at = NULL, attested_at = NULL WHERE id = ANY(%s)",
            [mine[6:10]],
        )
        cursor.execute("ALTER TABLE dispatch_dispatch ENABLE TRIGGER USER")


_TO_COME = """
UPDATE dispatch_dispatch
   SET status = %s, status_since = now(), visited_from = NULL, visited_to = NULL, report = '', reported_at = NULL,
       attested_at = NULL, approved_at = NULL, planned_from = planned_from + interval '6 years',
       planned_to = planned_to + interval '6 years'
 WHERE id = ANY(%s)
"""


def facts() -> dict[str, str]:
    """What the addresses name."""
    from dispatch.models import Case, Dispatch, Finding

    def number(**wanted: Any) -> str:
        return str(Dispatch.objects.filter(**wanted).order_by("number").values_list("number", flat=True)[0])

    held = Finding.objects.filter(kind="保留").select_related("dispatch").order_by("pk")[0]
    own = Dispatch.objects.filter(institution__code=INSTITUTION, status="approved").order_by("number")[0]
    case = Case.objects.filter(institution__code=INSTITUTION, state="open").order_by("pk")[0]
    return {
        "code": held.code,
        "held": held.dispatch.number,
        "number": number(status="approved"),
        "institution": INSTITUTION,
        "own": own.number,
        "client": own.company.code,
        "case": case.code,
        "mine": number(expert__code=EXPERT, status="approved"),
        "coming": number(expert__code=EXPERT, status="confirmed"),
        "reportable": number(expert__code=EXPERT, status="visited"),
    }


def measure(ask: Callable[[], Any], repeats: int = REPEATS) -> Measured:
    """Asks for a page so often, after once that isn't counted."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        ask()
    with CaptureQueriesContext(connection) as captured:
        ask()
    queries = len(captured)  # before anything else resets the log
    slowest = max(((float(query["time"]) * 1000, query["sql"]) for query in captured), default=(0.0, ""))
    times = []
    for _ in range(repeats):
        before = time.perf_counter()
        ask()
        times.append((time.perf_counter() - before) * 1000)
    return Measured(queries, statistics.median(times), statistics.quantiles(times, n=20)[-1], slowest)


def explained(sql: str) -> tuple[list[str], int]:
    """How the database runs a query, and how many rows the parts of its plan that read tables have read."""
    from django.db import connection

    if not sql.lstrip().upper().startswith(("SELECT", "WITH")):
        return [], 0
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF) {sql}")
        lines = [line for (line,) in cursor.fetchall()]
    read = 0
    for n, line in enumerate(lines):
        found = re.search(r"Scan.*actual time=\S+ rows=([\d.]+) loops=(\d+)", line)
        if found:
            read += int(float(found[1]) * int(found[2]))
            for following in lines[n + 1 : n + 6]:
                removed = re.search(r"Rows Removed by \S+: (\d+)", following)
                if removed:
                    read += int(removed[1]) * int(found[2])
                if "->" in following:
                    break
    return lines, read


def walk(people: dict[str, Any], *, explain: bool, repeats: int = REPEATS, only: str = "") -> None:
    """Prints one line per page, slowest query included."""
    from django.db import connection
    from django.test import Client

    from dispatch.models import Dispatch

    known = facts()
    for surface, folder, pages in (
        ("office", "office", OFFICE),
        ("portal", "portal", PORTAL),
        ("expert", "expert", PHONE),
    ):
        # once per surface, so that the ratio is to the machine as it is then
        bare = measure(lambda: list(Dispatch.objects.order_by("number")[:50]), repeats)
        print(f"  {surface}: bare indexed page of 50: median {bare.median:.1f} ms  p95 {bare.p95:.1f} ms")
        client = Client(headers={"Host": "localhost"})
        client.force_login(people[surface], backend="allauth.account.auth_backends.AuthenticationBackend")
        for page in pages:
            url = f"/{folder}/{page.format(**known)}"
            if only not in url:
                continue

            def ask(url: str = url, client: Client = client) -> None:
                answer = client.get(url)
                if answer.status_code != 200:
                    raise SystemExit(f"{url}: {answer.status_code}")

            found = measure(ask, repeats)
            print(
                f"  {url:52} {found.queries:3} queries  median {found.median:6.1f} ms  p95 {found.p95:6.1f} ms"
                f"  x{found.median / bare.median:5.1f}  slowest query {found.slowest[0]:5.0f} ms"
            )
            if explain:
                lines, read = explained(found.slowest[1])
                print(f"      rows read: {read:,}\n      {found.slowest[1][:2000]}")
                for line in lines:
                    print(f"        {line}")
    connection.close()


def main(dispatches: int, *, explain: bool) -> None:
    """Prints one line per page."""
    prepare()
    logging.disable(logging.INFO)  # a line per request would hide the measurements
    from django.conf import settings
    from django.db import connection

    from payments.services.assessment import check_month

    settings.MFA_REQUIRED = False
    with scratch_database("pages"):
        switch_history_off()
        load(dispatches)
        people = open_work()
        check_month()
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        print(f"pages: {dispatches:,} dispatches, {EXPERTS:,} experts")
        walk(people, explain=explain)


if __name__ == "__main__":
    given = [word for word in sys.argv[1:] if not word.startswith("--")]
    main(int(given[0]) if given else 115_000, explain="--explain" in sys.argv)
