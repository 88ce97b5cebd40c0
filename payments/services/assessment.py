"""The standing check: how every unpaid dispatch that took place stands, and what is in its way (rules.md §5).

`check_month` judges everything, `check_experts` the dispatches of a few experts, by the same engine into the same
rows. Each batch is one transaction that sees one moment and is repeated when another check wrote its rows meanwhile,
in halves where that goes on: so an older view never replaces a newer one, neither check waits long for the other, and
the check of everything ends on the busiest day, too (docs/adr/0017-live-findings.md).
"""

import datetime as dt
import time
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, TypeVar

from django.db import OperationalError, connection

from core import clock
from core.errors import DomainError
from core.jobs.progress import Progress
from core.programme.selectors import RuleBook

from ..calculation import Calculation, Scope
from ..calculation.expert_results import CALCULATING
from ..calculation.facts import expert_batches
from .finding_rows import columns_of, drop_others, keep, kind_of
from .locks import one_check, one_view

# Another check wrote the same rows, or two waited for each other: seen anew, it is done again.
_REPEATABLE = ("40001", "40P01")
_ATTEMPTS = 5
# A large batch is cut sooner than it is tried again: the less it holds, the fewer write beside it.
_ATTEMPTS_WHOLE = 2
_PAUSE_SECONDS = 0.05
# A person waits for the answer: what takes longer is left to the background.
_PATIENCE = "SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '3s'"

Answer = TypeVar("Answer")


def check_month(*, progress: Progress | None = None) -> dict[str, Any]:
    """Checks every unpaid dispatch that has taken place, as of now, and keeps what is found.

    Answers a moment of the database that all of it has seen (`snapshot`), how many dispatches and how many findings.
    When another check of everything is under way it leaves the work to that one.
    """
    with one_check() as free:
        if not free:
            return {"skipped": True}
        return _check(progress or Progress())


def check_experts(*, experts: Collection[int], waits: bool = False) -> int:
    """Checks the unpaid dispatches of these experts (ids) at once; answers how many there were.

    `waits`: a person waits, so that locks and statements are given up after a few seconds (OperationalError).
    """
    book = RuleBook()
    rules = book(clock.today()) or book.newest()
    if rules is None or not experts:
        return 0
    named = sorted(set(experts))

    def judge() -> int:
        if waits:
            with connection.cursor() as cursor:
                cursor.execute(_PATIENCE)
        now = clock.now()
        calculation = Calculation(Scope(now, tuple(named)), rules, book)
        dispatches = 0
        for batch in calculation.batches(Progress()):
            columns = columns_of(batch, book, now)
            keep(columns)
            dispatches += len(columns["dispatches"])
        drop_others(now, named)
        return dispatches

    return _one_moment(judge)


def _check(progress: Progress) -> dict[str, Any]:
    now = clock.now()
    with connection.cursor() as cursor:
        # before anything is read: every batch sees at least this, what comes later makes the check stale
        cursor.execute("SELECT pg_current_snapshot()::text")
        snapshot = cursor.fetchone()[0]
    book = RuleBook()
    rules = book(now.date()) or book.newest()
    if rules is None:
        raise DomainError("支出基準が登録されていません。管理画面で支出基準を登録してください。")
    calculation = Calculation(Scope(now), rules, book)
    batches = expert_batches(calculation.scope)
    total = sum(count for _, count in batches)
    done = dispatches = findings = 0
    for experts, count in batches:
        progress.report(done, total, CALCULATING)
        judged, found = _batch(calculation, experts, book, now)
        dispatches, findings, done = dispatches + judged, findings + found, done + count
    _one_moment(lambda: drop_others(clock.now()))
    progress.report(total, total, CALCULATING)
    return {"snapshot": snapshot, "as_of": now.isoformat(), "dispatches": dispatches, "findings": findings}


def _batch(calculation: Calculation, experts: list[int], book: RuleBook, now: dt.datetime) -> tuple[int, int]:
    """Judges these experts; answers how many dispatches and how many findings there were."""
    whole = len(experts) > 1 and not connection.in_atomic_block
    try:
        return _one_moment(
            partial(_judged, calculation, experts, book, now), _ATTEMPTS_WHOLE if whole else _ATTEMPTS
        )
    except OperationalError as conflict:
        if not (whole and _is_conflict(conflict)):
            raise
    middle = len(experts) // 2
    halves = [_batch(calculation, half, book, now) for half in (experts[:middle], experts[middle:])]
    return sum(judged for judged, _ in halves), sum(found for _, found in halves)


def _judged(
    calculation: Calculation, experts: list[int], book: RuleBook, now: dt.datetime
) -> tuple[int, int]:
    columns = columns_of(calculation.results(experts), book, now)
    keep(columns)
    return len(columns["dispatches"]), len(columns["found"])


def _one_moment(work: Callable[[], Answer], attempts: int = _ATTEMPTS) -> Answer:
    """Does the work in one transaction with one view of the database, anew when another check was faster."""
    nested = connection.in_atomic_block
    for attempt in range(1, attempts + 1):
        try:
            with one_view():
                return work()
        except OperationalError as conflict:
            if nested or attempt == attempts or not _is_conflict(conflict):
                raise
        # whoever was faster is likely to have ended by then
        time.sleep(_PAUSE_SECONDS * attempt)
    raise AssertionError("unreachable")


def _is_conflict(failure: OperationalError) -> bool:
    return getattr(failure.__cause__, "sqlstate", "") in _REPEATABLE


__all__ = ["check_experts", "check_month", "kind_of"]
