"""What history costs and how fast it answers: loading and closing with and without it, then a full year of it.

`python -m benchmarks.history [--dispatches 11500] [--rows 3000000] [--only cost|year]`. The year is written by SQL
into a scratch database: rows of history as the tables make them, and one access row for six of them.
"""

import argparse
import datetime as dt
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.scratch import prepare, scratch_database, switch_history_off

# Seconds that a search and the reach of an incident may take (security.md R-036).
SEARCH_LIMIT, REACH_LIMIT = 1.0, 60.0
LOAD_LIMIT, CLOSE_LIMIT = 1.5, 1.3

YEAR_OF_CHANGES = """
INSERT INTO audit_change (at, transaction, "table", row_id, operation, old, new, actor_id, actor_name, action, reason,
                          request_id, address, database_role)
SELECT now() - interval '365 days' + g * (interval '365 days' / %(rows)s), 3 + g * 500 / %(rows)s, kind.name,
       1 + g / 20, CASE WHEN g %% 4 = 0 THEN 'I' ELSE 'U' END,
       CASE WHEN g %% 4 > 0 THEN jsonb_build_object('id', 1 + g / 20, 'status', 'applied', kind.reference, 1 + g / 60) END,
       jsonb_build_object('id', 1 + g / 20, 'number', 'D' || g / 20, 'status', 'approved', 'report', repeat('支援', 40),
                          kind.reference, 1 + g / 60),
       CASE WHEN g %% 3 > 0 THEN 1 + g %% 400 END, CASE WHEN g %% 3 > 0 THEN '利用者' || g %% 400 ELSE '' END,
       'save', '', CASE WHEN g %% 3 > 0 THEN md5((g / 5)::text) ELSE '' END,
       CASE WHEN g %% 3 > 0 THEN '192.0.2.' || g %% 250 ELSE '' END, 'dispatch_app'
  FROM generate_series(1, %(rows)s) AS g,
       LATERAL (SELECT (ARRAY['dispatch_dispatch', 'dispatch_checkevent', 'dispatch_travelline', 'experts_expert',
                              'dispatch_declaration', 'dispatch_company'])[1 + g %% 6] AS name,
                       CASE WHEN g %% 6 IN (1, 2, 4) THEN 'dispatch_id' ELSE 'company_id' END AS reference) AS kind
"""
YEAR_OF_ACCESSES = """
INSERT INTO audit_access (actor_id, actor_name, what, "table", row_ids, label, reason, fields, row_count, request_id,
                          address)
SELECT 1 + g %% 400, '利用者' || g %% 400, CASE g %% 50 WHEN 0 THEN 'export' ELSE 'view' END, 'dispatch_dispatch',
       CASE g %% 50 WHEN 0 THEN ARRAY(SELECT generate_series(g, g + 200)) ELSE ARRAY[1 + g %% 110000] END,
       '', '', '{}', 1, md5(g::text), '192.0.2.' || g %% 250
  FROM generate_series(1, %(rows)s / 6) AS g
"""


def _seconds(act: Callable[[], object]) -> float:
    before = time.perf_counter()
    act()
    return time.perf_counter() - before


def _load_and_close(dispatches: int, *, history: bool) -> tuple[float, float, int]:
    from accounts.models import Role, User
    from benchmarks.generate import Month
    from core.audit.acting import SYSTEM
    from core.audit.models import Change
    from core.exchange.services import load_folder
    from payments.services import approve_run, compute_run, draft_run

    def close() -> None:
        run = draft_run(
            month=dt.date(2021, 7, 1), pay_date=dt.date(2021, 8, 25), actor=maker, past_allowed=True
        )
        approve_run(run=compute_run(run=run, actor=maker), actor=checker)

    with scratch_database("history") as _, tempfile.TemporaryDirectory() as folder:
        if not history:
            switch_history_off()
        Month(dispatches).write(Path(folder))
        load = _seconds(lambda: load_folder(Path(folder), actor=SYSTEM))
        maker = User.objects.create(username="maker", role=Role.OFFICE_OPERATOR)
        checker = User.objects.create(username="checker", role=Role.OFFICE_APPROVER)
        return load, _seconds(close), Change.objects.count()


def cost(dispatches: int, rounds: int = 3) -> None:
    """Loading and closing, alternately with and without history; the best of each counts, for a busy machine."""
    with_history, without = [], []
    for _ in range(rounds):
        without.append(_load_and_close(dispatches, history=False))
        with_history.append(_load_and_close(dispatches, history=True))
    print(
        f"history: {dispatches:,} dispatches, best of {rounds}; rows of history:"
        f" {with_history[0][2]:,} with, {without[0][2]:,} without"
    )
    for place, title, limit in ((0, "load", LOAD_LIMIT), (1, "close (compute, approve)", CLOSE_LIMIT)):
        on, off = min(row[place] for row in with_history), min(row[place] for row in without)
        print(f"  {title:25} {on:6.2f} s with, {off:6.2f} s without: × {on / off:.2f} (limit {limit})")


def year(rows: int) -> None:
    """Searches, sealing and checking on a year of history."""
    from django.db import connection, connections

    from core.audit import searching
    from core.audit.incident import reach
    from core.audit.models import Change
    from core.audit.sealing import seal_audit
    from core.audit.searching import Criteria
    from core.audit.verifying import verify_audit

    with scratch_database("year") as _:
        owner = connections["owner"]
        with owner.cursor() as cursor:
            written = _seconds(lambda: cursor.execute(YEAR_OF_CHANGES, {"rows": rows}))
            cursor.execute(YEAR_OF_ACCESSES, {"rows": rows})
            cursor.execute("ANALYZE audit_change, audit_access")
            cursor.execute("SELECT pg_size_pretty(pg_total_relation_size('audit_change'))")
            size = cursor.fetchone()[0]
        owner.close()
        print(f"history: a year of {rows:,} changes ({size}), written in {written:.0f} s")
        now = dt.datetime.now(dt.UTC)
        tables = ["dispatch_dispatch", "dispatch_checkevent", "dispatch_travelline", "experts_expert",
                  "dispatch_declaration", "dispatch_company", "payments_payoutrun"]  # fmt: skip
        month = {"since": now - dt.timedelta(days=200), "until": now - dt.timedelta(days=170)}
        searches = {
            "newest": Criteria(tables),
            "person": Criteria(tables, actors=[17]),
            "person, old month": Criteria(tables, actors=[17], **month),
            "system, old month": Criteria(tables, by_system=True, **month),
            "person without history": Criteria(tables, actors=[999_999]),
            "one dispatch with its parts": Criteria(tables, objects=[("dispatch_dispatch", 20_000)]),
            "address": Criteria(tables, address="192.0.2.77"),
            "address that never came": Criteria(tables, address="198.51.100.1"),
            "request": Criteria(tables, request_id="c4ca4238a0b923820dcc509a6f75849b"),
            "old month": Criteria(tables, **month),
            "one table": Criteria(["experts_expert"]),
            "rare table": Criteria(["payments_payoutrun"]),
            "rare table, old month": Criteria(["payments_payoutrun"], **month),
        }
        for title, criteria in searches.items():
            for find in (searching.changes, searching.accesses):

                def search(find: Callable = find, criteria: Criteria = criteria) -> None:  # type: ignore[type-arg]
                    searching.page(find(criteria), None)

                seconds = min(_seconds(search), _seconds(search))
                mark = "" if seconds <= SEARCH_LIMIT else "   TOO SLOW"
                print(f"  {find.__name__:9} {title:28} {seconds * 1000:8.1f} ms{mark}")
        third = searching.page(searching.changes(Criteria(tables, actors=[17])), None)[1]
        print(
            f"  next page of a person {_seconds(lambda: searching.page(searching.changes(Criteria(tables, actors=[17])), third)) * 1000:.1f} ms"
        )
        for title, criteria in {
            "one person's year": Criteria(tables, actors=[17]),
            "one address, a month": Criteria(tables, address="192.0.2.77", **month),
            "everything of a week": Criteria(
                tables, since=now - dt.timedelta(days=207), until=now - dt.timedelta(days=200)
            ),
        }.items():
            records = 0
            before = time.perf_counter()
            for _ in reach(criteria):
                records += 1
            seconds = time.perf_counter() - before
            mark = "" if seconds <= REACH_LIMIT else "   TOO SLOW"
            print(f"  reach     {title:28} {seconds:8.2f} s, {records:,} records{mark}")
        sealed = 0

        def seal() -> None:
            nonlocal sealed
            sealed = seal_audit()[0]

        seconds = _seconds(seal)
        print(f"  seal_audit {sealed:,} rows in {seconds:.1f} s ({sealed / seconds:,.0f} rows/s)")
        result = verify_audit()
        seconds = _seconds(verify_audit)
        print(f"  verify_audit {result.head.rows:,} rows in {seconds:.1f} s: {result.problem or 'whole'}")
        with connection.cursor() as cursor:
            for title, queryset in {
                "person": searching.changes(searches["person, old month"]),
                "newest": searching.changes(searches["newest"]),
            }.items():
                statement, parameters = queryset.order_by("-at", "-pk")[:51].query.sql_with_params()
                cursor.execute(f"EXPLAIN {statement}", parameters)
                plan = [line.strip() for (line,) in cursor.fetchall()]
                print(f"  plan of {title}: {next(line for line in plan if 'Scan' in line)}")
        assert Change.objects.count() >= rows


def main() -> None:
    """Both parts, or one."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--dispatches", type=int, default=11_500)
    arguments.add_argument("--rows", type=int, default=3_000_000)
    arguments.add_argument("--only", choices=("cost", "year"))
    given = arguments.parse_args()
    prepare()
    if given.only != "year":
        cost(given.dispatches)
    if given.only != "cost":
        year(given.rows)


if __name__ == "__main__":
    main()
