"""Every list and queue of every role at ten years of data: queries, p50, p95, rows the database read for it.

    python -m benchmarks.lists [dispatches] [tasks] [--only part-of-an-address] [--every]

Each list is measured as the first role that may open it sees it, and with every further role only where `--every` asks
for it: roles of one surface differ in which lists they may open, not in the rows a list reads.

The rows are those of `benchmarks.ten_years`: what is current is a small part, and a list that reads the rest for it
shows here. They stay in the benchmarks' own server for the next time. Writes docs/evidence/lists.md and lists.json;
`build/lists/` holds for each list how the database ran each of its queries (EXPLAIN ANALYZE, BUFFERS). The bound of a
run is the one thing a list can't do faster: reading fifty dispatches by an index.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator
from typing import Any

from benchmarks import pages, ten_years
from benchmarks.lists_report import write_report
from benchmarks.scratch import ROOT, kept_database, prepare

PLACE = ROOT / "build" / "lists"
REPEATS = 10
# The lists that pages of dispatches, in `benchmarks.pages`, leave out.
OFFICE = (
    *pages.OFFICE,
    "dispatches/?q=田",
    "dispatches/?q=12",
    "dispatches/?sort=-visited_from",
    "dispatches/?kind=保留",
    "dispatches/?expert=E000000",
    "inquiries/?state=answered",
    "escalations/",
    "escalations/?state=closed",
    "signals/?state=decided",
    "tasks/?kind=late",
    "experts/",
    "experts/?q=高",
    "experts/?order=name&page=40",
    "experts/report/",
    "registrations/",
    "registrations/?q=見本123",
    "registrations/?state=approved&page=100",
    "changes/",
    "changes/?state=all",
    "changes/?state=made&q=見本123",
    "renewal/",
    "renewal/{year}/",
    "renewal/{year}/?group=",
    "appointments/",
    "appointments/{year}/",
    "appointments/{next_year}/",
    "institutions/",
    "institutions/?q=試験商工会1",
    "yorozu/",
    "rosters/",
    "rosters/{roster}/",
    "months/",
    "months/2021-07/?kind=保留",
    "months/2015-07/",
    "runs/",
    "runs/{run}/",
    "runs/{run}/?tab=lines",
    "imports/",
    "exports/",
    "mails/",
    "mails/?q=e1234",
    "mails/?state=failed",
    "history/?table=dispatch_dispatch",
    "history/",
    "history/accesses/",
    "people/",
    "people/?q=E00123",
    "sign-ins/",
    "sign-ins/?q=E00123",
    "administration/",
    "texts/",
    "jobs/",
    "jobs/?status=failed",
)
PORTAL = (
    *pages.PORTAL,
    "figures/",
    "registrations/",
    "dispatches/?q=田",
)
PHONE = (*pages.PHONE, "appointment/", "profile/", "renewal/", "fees/?by=fiscal")
SURFACES = (("office", OFFICE), ("portal", PORTAL), ("expert", PHONE))
# Pages of one thing; benchmarks.pages measures them.
_ONE_THING = ("{number}", "{held}", "{own}", "{client}/", "{case}/", "{mine}", "{coming}", "{reportable}")


def known() -> dict[str, str]:
    """What the addresses name."""
    from experts.appointment.models import Round
    from experts.renewal.models import Campaign
    from institutions.models import Roster
    from payments.models import PayoutRun

    year = Campaign.objects.order_by("-fiscal_year").values_list("fiscal_year", flat=True)[0]
    return pages.facts() | {
        "year": str(year),
        "next_year": str(Round.objects.order_by("-fiscal_year").values_list("fiscal_year", flat=True)[0]),
        "roster": str(Roster.objects.order_by("pk").values_list("pk", flat=True)[0]),
        "run": PayoutRun.objects.filter(month__gte="2021-04-01")
        .order_by("-dispatch_count")
        .values_list("name", flat=True)[0],
    }


def everybody() -> Iterator[tuple[str, str, tuple[str, ...], Any]]:
    """Each role: its name, its surface, the surface's addresses, and a person."""
    from accounts.models import Role

    for role in Role.values:
        kind = "portal" if role.startswith("institution") else "expert" if role == "expert" else "office"
        yield role, kind, dict(SURFACES)[kind], _person(role, kind)


def _person(role: str, kind: str) -> Any:
    from accounts.models import User
    from accounts.services import create_user
    from core.audit.acting import SYSTEM, acting
    from institutions.models import Institution, Member

    found = User.objects.filter(username=f"bench_{role}").first()
    if found is None:
        found = create_user(username=f"bench_{role}", role=role, actor=SYSTEM)
    if kind == "portal" and not Member.objects.filter(user=found).exists():
        with acting(SYSTEM, "benchmark"):
            Member.objects.create(user=found, institution=Institution.objects.get(code=pages.INSTITUTION))
    return found


def rows_read(plan: dict[str, Any]) -> int:
    """Rows that the scans of a plan (FORMAT JSON) took out of tables and indexes, those thrown away included."""
    read = 0
    if "Scan" in plan["Node Type"] and "Relation Name" in plan:
        each = plan["Actual Rows"] + sum(
            plan.get(name, 0) for name in ("Rows Removed by Filter", "Rows Removed by Index Recheck")
        )
        read = round(each * plan["Actual Loops"])
    return read + sum(rows_read(part) for part in plan.get("Plans", ()))


def explain(queries: list[str]) -> list[dict[str, Any]]:
    """How the database runs each of these, as far as they only read."""
    from django.db import connection

    found = []
    with connection.cursor() as cursor:
        for sql in queries:
            if not sql.lstrip().upper().startswith(("SELECT", "WITH")) or "set_config" in sql:
                continue
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}")
            plan = cursor.fetchone()[0][0]
            found.append({"sql": sql, "rows_read": rows_read(plan["Plan"]), "plan": plan})
    return found


def walk(only: str = "", *, every: bool = False) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Prints a line per list a role may open; answers them, and the bound as it was beside each."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from dispatch.models import Dispatch

    facts, table, bounds = known(), [], []
    measured: set[str] = set()
    for role, kind, addresses, person in everybody():
        client = Client(headers={"Host": "localhost"})
        client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
        for page in addresses:
            url = f"/{kind}/{page.format(**facts)}"
            if (
                any(thing in page.partition("?")[0] for thing in _ONE_THING)
                or only not in url
                or url in measured
            ):
                continue
            with CaptureQueriesContext(connection) as captured:
                status = client.get(url).status_code
            if status in (302, 403, 404):
                continue
            if status != 200:
                raise SystemExit(f"{role} {url}: {status}")
            if not every:
                measured.add(url)
            plans = explain([query["sql"] for query in captured])
            # beside each list, so that the ratio is to the machine as it is then
            bare = pages.measure(lambda: list(Dispatch.objects.order_by("number")[:50]), REPEATS)
            bounds.append({"list": url, "p50_ms": round(bare.median, 2), "p95_ms": round(bare.p95, 2)})
            found = pages.measure(lambda url=url, client=client: client.get(url), REPEATS)  # type: ignore[misc]
            worst = max(plans, key=lambda plan: plan["plan"]["Execution Time"], default=None)
            line = {
                "role": role,
                "list": url,
                "queries": found.queries,
                "p50_ms": round(found.median, 1),
                "p95_ms": round(found.p95, 1),
                "ratio": round(found.median / bare.median, 1),
                "rows_read": sum(plan["rows_read"] for plan in plans),
                "slowest_query_ms": round(worst["plan"]["Execution Time"], 1) if worst else 0.0,
            }
            table.append(line)
            name = re.sub(r"[^\w=-]+", "_", f"{role}{url}").strip("_")
            (PLACE / f"{name}.json").write_text(json.dumps(plans, ensure_ascii=False, indent=1))
            print(
                f"  {role:20} {url:48} {found.queries:3} queries  p50 {found.median:6.1f} ms"
                f"  p95 {found.p95:6.1f} ms  x{line['ratio']:5.1f}  slowest query {line['slowest_query_ms']:6.1f} ms"
                f"  rows read {line['rows_read']:>9,}",
                flush=True,
            )
    return table, bounds


def main(dispatches: int, tasks: int, only: str = "", *, every: bool = False) -> None:
    """Prints one line per list, the three slowest at the end; writes the report when every list was measured."""
    prepare()
    # a line per request, or per list a role may not open, would hide the table
    logging.disable(logging.WARNING)
    from django.conf import settings
    from django.db import connection

    settings.MFA_REQUIRED = False
    PLACE.mkdir(parents=True, exist_ok=True)
    shape = ten_years.shape(dispatches, tasks)
    with kept_database("ten_years", shape, lambda: ten_years.make(dispatches, tasks)):
        print(f"lists: {shape}")
        table, bounds = walk(only, every=every)
        counts = ten_years.counted()
        connection.close()
    if not only:
        write_report(table, bounds, counts)
    print("  slowest:")
    for line in sorted(table, key=lambda line: -line["p50_ms"])[:10]:
        print(f"    {line['role']} {line['list']}: p50 {line['p50_ms']} ms, rows read {line['rows_read']:,}")


if __name__ == "__main__":
    wanted = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else ""
    given = [int(word) for word in sys.argv[1:] if word.isascii() and word.isdigit()]
    main(
        given[0] if given else 115_000,
        given[1] if len(given) > 1 else 285_000,
        wanted,
        every="--every" in sys.argv,
    )
