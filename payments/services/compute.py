"""Computing a run: what is payable becomes payouts and lines, what is not is recorded with its reason."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, connection
from psycopg import sql

from core import clock
from core.audit.acting import acting
from core.errors import DomainError
from core.jobs.progress import Progress
from core.programme.selectors import RuleBook

from ..calculation import Calculation, ExpertResult, Scope
from ..models import PayoutRun, RunRuleSet
from .dates import payment_rules
from .draft import OPEN
from .locks import one_at_a_time, one_view
from .payee_changes import settle_warnings
from .result import PAYOUT_COLUMNS, RunResult, payout_row
from .rights import require_maker

if TYPE_CHECKING:
    from accounts.models import User

Row = Sequence[Any]
# What a run wrote before it is computed again, children first.
ROWS = ("payments_runhold", "payments_payoutline", "payments_payout", "payments_runruleset")


def compute_run(*, run: PayoutRun, actor: "User", progress: Progress | None = None) -> PayoutRun:
    """Calculates the run anew from the data of this moment and replaces its rows. One transaction.

    Refuses a run that is approved or gone. Answers the run with its totals (rules.md §4).
    """
    require_maker(actor)
    try:
        with one_at_a_time(), one_view(), acting(actor, "compute_run"):
            return _compute(run.pk, progress or Progress(), actor)
    except OperationalError as conflict:
        if getattr(conflict.__cause__, "sqlstate", "") == "40001":
            raise DomainError(
                "計算中にほかの処理がこの月次支払を変更しました。もう一度計算してください。", code="busy"
            ) from conflict
        raise


def _compute(run_id: int, progress: Progress, actor: "User") -> PayoutRun:
    run = PayoutRun.objects.select_for_update(of=("self",)).select_related("payer").filter(pk=run_id).first()
    if run is None:
        raise DomainError("この月次支払は破棄されています。一覧を開き直してください。")
    if run.status not in OPEN:
        raise DomainError(f"月次支払 {run.name} は{run.get_status_display()}のため計算し直せません。")
    with connection.cursor() as cursor:
        for table in ROWS:
            cursor.execute(f"DELETE FROM {table} WHERE run_id = %s", [run.pk])
        cursor.execute("SELECT pg_current_snapshot()::text")
        run.snapshot = cursor.fetchone()[0]
    book = RuleBook()
    rules = payment_rules(book, run.month, run.pay_date)
    calculation = Calculation(Scope(run.cutoff), rules, book)
    result = RunResult.of(run)
    for batch in calculation.batches(progress):
        result.add(batch)
        write_batch(run, batch)
    RunRuleSet.objects.bulk_create(RunRuleSet(run=run, rule_set=used) for used in book.used.values())
    for name, value in vars(result.totals).items():
        setattr(run, name, value)
    run.digest = result.digest
    run.computed_at = clock.now()
    run.status = PayoutRun.Status.COMPUTED
    run.save()
    settle_warnings(run, actor)
    return run


def recomputed_digest(run: PayoutRun) -> str:
    """The digest of a calculation from the data of now; writes nothing."""
    book = RuleBook()
    calculation = Calculation(Scope(run.cutoff), payment_rules(book, run.month, run.pay_date), book)
    result = RunResult.of(run)
    for batch in calculation.batches(Progress()):
        result.add(batch)
    return result.digest


def write_batch(run: PayoutRun, results: list[ExpertResult]) -> None:
    """Adds the payouts, lines and holds of some experts to the run."""
    paid = [result for result in results if result.month.totals is not None]
    payouts = dict(
        zip((result.account.expert_id for result in paid), _new_payout_ids(len(paid)), strict=True)
    )
    _copy(
        "payments_payout",
        ("id", "run_id", "expert_id", *PAYOUT_COLUMNS),
        (
            (payouts[result.account.expert_id], run.pk, result.account.expert_id, *payout_row(result))
            for result in paid
        ),
    )
    _copy(
        "payments_payoutline",
        ("run_id", "payout_id", "expert_id", "dispatch_id", "item", "line_no", "day", "amount", "explanation"),
        (
            (
                run.pk, payouts[result.account.expert_id], result.account.expert_id,
                result.dispatch_ids[line.number], line.item, line.line_no, line.day, line.amount, line.explanation,
            )
            for result in paid
            for line in result.month.lines
        ),
    )  # fmt: skip
    _copy(
        "payments_runhold",
        ("run_id", "dispatch_id", "kind", "code", "reason", "expected", "actual"),
        (
            (
                run.pk,
                result.dispatch_ids[number],
                found.kind,
                found.code,
                found.reason,
                found.expected,
                found.actual,
            )
            for result in results
            for number, found in result.month.holds
        ),
    )


def _new_payout_ids(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('payments_payout', 'id')) FROM generate_series(1, %s)",
            [count],
        )
        return [number for (number,) in cursor.fetchall()]


def _copy(table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(sql.Identifier(column) for column in columns)
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
