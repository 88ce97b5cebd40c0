"""Every list and queue of every role at ten years of data: queries, p50, p95, rows the database read for it.

    python -m benchmarks.lists [dispatches] [tasks]

115,000 dispatches and 285,000 tasks, most of them long paid and done, as in a database in its tenth year: what is
current is a small part, and a list that reads the rest for it shows here. Statuses are set in the scratch database by
its owner, past the guards; payouts aren't made. The table is printed, `build/lists/lists.json` holds it as data, and
beside it stands for each list how the database ran each of its queries (EXPLAIN ANALYZE).
"""

import json
import logging
import re
import sys
from collections.abc import Iterator
from typing import Any

from benchmarks import pages
from benchmarks.scratch import ROOT, prepare, scratch_database, switch_history_off

PLACE = ROOT / "build" / "lists"
REPEATS = 15
# Of 20 dispatches so many are of earlier months and paid.
PAID_OF_20 = 19
MONTHS = 119
SURFACES = (("office", pages.OFFICE), ("portal", pages.PORTAL), ("expert", pages.PHONE))
# Pages of one thing; benchmarks.pages measures them.
_ONE_THING = ("{number}", "{held}", "{own}", "{client}/", "{case}/", "{mine}", "{coming}", "{reportable}")

_AGE = """
UPDATE dispatch_dispatch d
   SET status = 'paid', status_since = d.approved_at - moved.by,
       planned_from = d.planned_from - moved.by, planned_to = d.planned_to - moved.by,
       visited_from = d.visited_from - moved.by, visited_to = d.visited_to - moved.by,
       reported_at = d.reported_at - moved.by, attested_at = d.attested_at - moved.by,
       approved_at = d.approved_at - moved.by
  FROM (SELECT id, make_interval(months => 1 + (id %% %(months)s)::int) AS by FROM dispatch_dispatch) moved
 WHERE moved.id = d.id AND d.status = 'approved' AND (d.id / 30) %% 20 < %(paid)s
   AND d.visited_from < '2022-01-01'
"""
_TASKS = """
INSERT INTO {table} (code, object, title, note, path, person_id, role, opened_at, closed_at)
SELECT 'dispatch_news', 'D' || n, '派遣 D' || n, '', '/office/tasks/', p.ids[1 + n %% cardinality(p.ids)], '',
       now() - make_interval(mins => n * 18), CASE WHEN n > %(open)s THEN now() - make_interval(mins => n * 18 - 5) END
  FROM generate_series(1, %(count)s) n, (SELECT array_agg(id ORDER BY id) AS ids FROM accounts_user) p
"""


def age(tasks: int) -> None:
    """Most dispatches become those of the nine years before, paid; and so many tasks, one of a hundred open."""
    from django.db import connections

    from core.notify.models import Task

    table = Task._meta.db_table
    with connections["owner"].cursor() as cursor:
        for name in ("dispatch_dispatch", table):
            cursor.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
        cursor.execute(_AGE, {"months": MONTHS, "paid": PAID_OF_20})
        cursor.execute(_TASKS.format(table=table), {"count": tasks, "open": tasks // 100})
        for name in ("dispatch_dispatch", table):
            cursor.execute(f"ALTER TABLE {name} ENABLE TRIGGER USER")


def everybody(people: dict[str, Any]) -> Iterator[tuple[str, str, tuple[str, ...], Any]]:
    """Each role: its name, its surface, the surface's addresses, and a person."""
    from accounts.models import Role
    from accounts.services import create_user
    from core.audit.acting import SYSTEM, acting
    from institutions.models import Institution, Member

    known = {str(person.role): person for person in people.values()}
    for role in Role.values:
        kind = "portal" if role.startswith("institution") else "expert" if role == "expert" else "office"
        if role not in known:
            known[role] = create_user(username=f"bench_{role}", role=role, actor=SYSTEM)
            if kind == "portal":
                with acting(SYSTEM, "benchmark"):
                    Member.objects.create(
                        user=known[role], institution=Institution.objects.get(code=pages.INSTITUTION)
                    )
        yield role, kind, dict(SURFACES)[kind], known[role]


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


def walk(people: dict[str, Any]) -> list[dict[str, Any]]:
    """Prints a line per list a role may open, and answers them as data; what it may not open is left out."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    facts, table = pages.facts(), []
    for role, kind, addresses, person in everybody(people):
        client = Client(headers={"Host": "localhost"})
        client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
        for page in addresses:
            url = f"/{kind}/{page.format(**facts)}"
            if any(thing in page.partition("?")[0] for thing in _ONE_THING):
                continue
            with CaptureQueriesContext(connection) as captured:
                status = client.get(url).status_code
            if status in (302, 403, 404):
                continue
            if status != 200:
                raise SystemExit(f"{role} {url}: {status}")
            plans = explain([query["sql"] for query in captured])
            found = pages.measure(lambda url=url, client=client: client.get(url), REPEATS)  # type: ignore[misc]
            line = {
                "role": role,
                "list": url,
                "queries": found.queries,
                "p50_ms": round(found.median, 1),
                "p95_ms": round(found.p95, 1),
                "rows_read": sum(plan["rows_read"] for plan in plans),
            }
            table.append(line)
            name = re.sub(r"[^\w=-]+", "_", f"{role}{url}").strip("_")
            (PLACE / f"{name}.json").write_text(json.dumps(plans, ensure_ascii=False, indent=1))
            print(
                f"  {role:20} {url:48} {found.queries:3} queries  p50 {found.median:6.1f} ms"
                f"  p95 {found.p95:6.1f} ms  rows read {line['rows_read']:>9,}",
                flush=True,
            )
    return table


def main(dispatches: int, tasks: int) -> None:
    """Prints one line per list, the three slowest at the end."""
    prepare()
    # a line per request, or per list a role may not open, would hide the table
    logging.disable(logging.WARNING)
    from django.conf import settings
    from django.db import connection

    from payments.services.assessment import check_month

    settings.MFA_REQUIRED = False
    PLACE.mkdir(parents=True, exist_ok=True)
    with scratch_database("lists"):
        switch_history_off()
        pages.load(dispatches)
        people = pages.open_work()
        age(tasks)
        check_month()
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        print(f"lists: {dispatches:,} dispatches of ten years, {tasks:,} tasks")
        table = walk(people)
        connection.close()
    (PLACE / "lists.json").write_text(json.dumps(table, ensure_ascii=False, indent=1))
    print("  slowest:")
    for line in sorted(table, key=lambda line: -line["p95_ms"])[:3]:
        print(f"    {line['role']} {line['list']}: p95 {line['p95_ms']} ms, rows read {line['rows_read']:,}")


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(given[0] if given else 115_000, given[1] if len(given) > 1 else 285_000)
