"""After the bank: the run was transferred, and is closed."""

from typing import TYPE_CHECKING

from core import clock
from core.audit.acting import acting
from core.errors import DomainError

from ..models import PayoutRun
from .approve import move_dispatches
from .locks import one_at_a_time
from .payee_changes import settle_warnings
from .rights import require_maker

if TYPE_CHECKING:
    from accounts.models import User

PAY = """
UPDATE dispatch_dispatch d SET status = 'paid', updated_at = now()
  FROM payments_payoutline l
 WHERE l.run_id = %s AND l.item = '謝金' AND d.id = l.dispatch_id AND d.status = 'scheduled'
"""


def _locked(run: PayoutRun, expected: str, doing: str) -> PayoutRun:
    row = PayoutRun.objects.select_for_update().get(pk=run.pk)
    if row.status != expected:
        wanted = PayoutRun.Status(expected).label
        raise DomainError(
            f"月次支払 {row.name} は{row.get_status_display()}のため{doing}。{wanted}のときに行ってください。"
        )
    return row


def mark_transferred(*, run: PayoutRun, actor: "User") -> PayoutRun:
    """The bank has transferred: the run and its dispatches are paid. Refuses a run that isn't exported."""
    require_maker(actor)
    with one_at_a_time(), acting(actor, "mark_transferred"):
        row = _locked(run, PayoutRun.Status.EXPORTED, "振込済にできません")
        move_dispatches(row, "pay", PAY)
        row.status = PayoutRun.Status.TRANSFERRED
        row.transferred_at = clock.now()
        row.save(update_fields=["status", "transferred_at"])
        settle_warnings(row, actor)
        return row


def close_run(*, run: PayoutRun, actor: "User") -> PayoutRun:
    """Nothing remains to be done for the run. Refuses a run that isn't transferred."""
    require_maker(actor)
    with one_at_a_time(), acting(actor, "close_run"):
        row = _locked(run, PayoutRun.Status.TRANSFERRED, "完了にできません")
        row.status = PayoutRun.Status.CLOSED
        row.closed_at = clock.now()
        row.save(update_fields=["status", "closed_at"])
        return row
