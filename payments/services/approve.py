"""Approving a run: the second person's decision, after which nothing of it changes any more."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import IntegrityError, OperationalError, connection, transaction

from core.audit.acting import acting
from core.errors import DomainError
from core.jobs.progress import Progress
from core.programme.selectors import RuleBook

from ..calculation.queries import ENDED
from ..files.bank_file import bank_file, payer_copy
from ..models import PayoutRun
from .compute import recomputed_digest
from .dates import check_pay_date, payment_rules
from .locks import hold_evidence_still, one_at_a_time
from .rights import require_approver, require_two_persons

if TYPE_CHECKING:
    from accounts.models import User

# What a calculation depends on. The bank master leaves no history: its rows say themselves who wrote them.
DEPENDS_ON = (
    "dispatch_dispatch", "dispatch_checkevent", "dispatch_declaration", "dispatch_travelline", "dispatch_company",
    "dispatch_waiver", "experts_expert", "institutions_institution", "programme_ruleset", "payments_payer",
)  # fmt: skip

# xmin has 32 of the 64 bits that the snapshot counts with; the last number given out supplies the others.
CHANGED_SINCE = """
WITH newest AS (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS number)
SELECT EXISTS (
    SELECT 1 FROM audit_change
     WHERE transaction >= pg_snapshot_xmin(%(snapshot)s::pg_snapshot)::text::bigint
       AND "table" = ANY(%(tables)s)
       AND NOT pg_visible_in_snapshot(transaction::text::xid8, %(snapshot)s::pg_snapshot)
) OR EXISTS (
    SELECT 1 FROM banks_master m, newest
     WHERE NOT pg_visible_in_snapshot(
               (newest.number - mod(newest.number - m.xmin::text::bigint, 4294967296))::text::xid8,
               %(snapshot)s::pg_snapshot)
)
"""

# The calculation wrote the same a moment ago: only who differs is written again.
COPY_PAYEES = """
UPDATE payments_payout p
   SET name = e.name, address = e.address, payee_class = e.payee_class, invoice_number = e.invoice_number,
       bank_code = e.bank_code, branch_code = e.branch_code, account_type = e.account_type,
       account_number = e.account_number, account_holder_kana = e.account_holder_kana,
       bank_name = coalesce(b.name, ''), bank_kana = coalesce(b.kana, ''),
       branch_name = coalesce(br.name, ''), branch_kana = coalesce(br.kana, '')
  FROM experts_expert e
  LEFT JOIN banks_bank b ON b.code = e.bank_code
  LEFT JOIN banks_branch br ON br.bank_id = b.id AND br.code = e.branch_code
 WHERE p.run_id = %s AND e.id = p.expert_id
   AND (p.name, p.address, p.payee_class, p.invoice_number, p.bank_code, p.branch_code, p.account_type,
        p.account_number, p.account_holder_kana, p.bank_name, p.bank_kana, p.branch_name, p.branch_kana)
       IS DISTINCT FROM
       (e.name, e.address, e.payee_class, e.invoice_number, e.bank_code, e.branch_code, e.account_type,
        e.account_number, e.account_holder_kana, coalesce(b.name, ''), coalesce(b.kana, ''),
        coalesce(br.name, ''), coalesce(br.kana, ''))
"""

COPY_CLIENTS = """
UPDATE payments_payoutline l SET client_name = c.name
  FROM dispatch_dispatch d JOIN dispatch_company c ON c.id = d.company_id
 WHERE l.run_id = %s AND l.item = '謝金' AND d.id = l.dispatch_id
"""

SCHEDULE = f"""
UPDATE dispatch_dispatch d SET status = 'scheduled', updated_at = now()
  FROM payments_payoutline l
 WHERE l.run_id = %s AND l.item = '謝金' AND d.id = l.dispatch_id AND d.status NOT IN {ENDED}
"""


def approve_run(
    *, run: PayoutRun, actor: "User", progress: Progress | None = None, digest: str | None = None
) -> PayoutRun:
    """The run becomes final: payer and payees are copied, its dispatches are scheduled for payment.

    `digest` is of the result the person was shown; another one since then is refused. Refuses the maker, a person without the right, a run that isn't computed or pays nothing, and data that
    changed since the calculation. The database itself checks that lines = payouts = totals.
    """
    require_approver(actor)
    progress = progress or Progress()
    try:
        with one_at_a_time(), acting(actor, "approve_run"):
            return _approve(run.pk, actor, progress, digest)
    except (IntegrityError, OperationalError) as refused:
        raise DomainError(_explained(refused)) from refused


def _explained(refused: Exception) -> str:
    diagnosis = getattr(refused.__cause__, "diag", None)
    if getattr(refused.__cause__, "sqlstate", "") == "55P03":
        return "データの取り込みが続いているため承認できません。終わってから、もう一度承認してください。"
    return (diagnosis and diagnosis.message_primary) or str(refused)


def _approve(run_id: int, actor: "User", progress: Progress, digest: str | None) -> PayoutRun:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', '60s', true)")
    hold_evidence_still()
    run = (
        PayoutRun.objects.select_for_update(of=("self",))
        .select_related("payer", "maker")
        .filter(pk=run_id)
        .first()
    )
    if run is None:
        raise DomainError("この月次支払は破棄されています。一覧を開き直してください。")
    if run.status != PayoutRun.Status.COMPUTED:
        raise DomainError(
            f"月次支払 {run.name} は{run.get_status_display()}のため承認できません。"
            "承認できるのは計算が終わった月次支払だけです。"
        )
    require_two_persons(run.maker, actor)
    if digest is not None and digest != run.digest:
        raise DomainError(
            f"確認画面を開いた後に月次支払 {run.name} が計算し直されました。内容をもう一度確認してから承認してください。",
            code="changed",
        )
    if run.payee_count == 0:
        raise DomainError(f"月次支払 {run.name} には支払がありません。破棄してください。")
    book = RuleBook()
    check_pay_date(book, run.month, run.pay_date, past_allowed=True)
    progress.report(1, 4, "計算後の変更がないか確かめています")
    if changed_since_computed(run) and recomputed_digest(run) != run.digest:
        raise DomainError(
            f"月次支払 {run.name} の計算後にデータが変わりました。計算をやり直してください。", code="changed"
        )
    progress.report(2, 4, "支払先の情報を写しています")
    rules = payment_rules(book, run.month, run.pay_date)
    with connection.cursor() as cursor:
        cursor.execute(COPY_PAYEES, [run.pk])
        cursor.execute(COPY_CLIENTS, [run.pk])
    run.payer_copy = payer_copy(run.payer)
    bank_file(
        run, run.payer_copy, rules
    )  # what the bank would refuse must show before the approval, not after
    progress.report(3, 4, "派遣を支払予定にしています")
    move_dispatches(run, "schedule", SCHEDULE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        run.approved_at = cursor.fetchone()[0]
    run.approver = actor
    run.status = PayoutRun.Status.APPROVED
    run.save(update_fields=["approver", "approved_at", "payer_copy", "status"])
    progress.report(4, 4, "承認しました")
    return run


def changed_since(snapshot: str, tables: Sequence[str] = DEPENDS_ON) -> bool:
    """Whether anything in these tables was committed that this snapshot (pg_current_snapshot()) could not see."""
    with connection.cursor() as cursor:
        cursor.execute(CHANGED_SINCE, {"snapshot": snapshot, "tables": list(tables)})
        return bool(cursor.fetchone()[0])


def changed_since_computed(run: PayoutRun) -> bool:
    """Whether anything the calculation of the run depends on changed since; it need not change the result."""
    return changed_since(run.snapshot)


def move_dispatches(run: PayoutRun, action: str, statement: str) -> None:
    """Takes all dispatches of the run one step of the transition table further; all or none."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.transition', %s, true)", [action])
        cursor.execute(statement, [run.pk])
        moved = cursor.rowcount
        cursor.execute("SELECT set_config('app.transition', '', true)")
    if moved != run.dispatch_count:
        raise DomainError(
            f"月次支払 {run.name} の派遣 {run.dispatch_count}件のうち {moved}件しか状態を進められません。"
            "計算をやり直してください。"
        )
