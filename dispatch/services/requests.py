"""What the office allows beyond the rules: WEB support, limits, short notice (C3, C6)."""

from core import clock
from core.audit.acting import Actor, acting
from core.errors import DomainError

from ..models import ApprovalRequest, Dispatch
from ..transitions import PLANNED
from . import telling
from .applying import ask_for
from .steps import change, locked, person, require_reason, require_status

_SETS = {ApprovalRequest.Kind.WEB: "web_approved", ApprovalRequest.Kind.LIMIT: "limit_exception"}


def request_approval(*, dispatch: Dispatch, kind: str, reason: str, actor: Actor) -> ApprovalRequest:
    """Asks the office for another approval of a dispatch that has not taken place, e.g. after a refusal."""
    reason = require_reason(reason, "申請の理由")
    if kind not in ApprovalRequest.Kind.values:
        raise DomainError("申請の種類を選んでください。")
    with acting(actor, "request_approval", reason):
        row = locked(dispatch, actor, "request_approval")
        require_status(row, PLANNED, "例外承認の申請")
        return ask_for(row, kind, reason, actor)


def decide_request(
    *, request: ApprovalRequest, approved: bool, reason: str, actor: Actor, edit_token: str = ""
) -> ApprovalRequest:
    """Approves or refuses a request; an approval sets WEB事前承認 or 上限例外承認 of the dispatch."""
    reason = require_reason(reason, "判断の理由")
    with acting(actor, "decide_request", reason):
        row = locked(request.dispatch, actor, "decide_request", edit_token)
        found = ApprovalRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
        if found.decided_at is not None:
            raise DomainError("この申請は既に判断されています。画面を更新してください。")
        require_status(row, PLANNED, "例外承認の判断")
        found.approved, found.decision_reason = approved, reason
        found.decided_by, found.decided_at = person(actor), clock.now()
        found.save(update_fields=["approved", "decision_reason", "decided_by", "decided_at"])
        column = _SETS.get(ApprovalRequest.Kind(found.kind))
        if approved and column:
            change(row, **{column: True})
        if not row.approval_requests.filter(decided_at=None).exists():
            telling.settle(row, actor, telling.REQUEST)
        answer = "承認" if approved else "不承認"
        telling.tell_institution(
            row,
            telling.NEWS if approved else telling.REFUSED,
            f"派遣 {row.number} の{found.get_kind_display()}: {answer}",
            actor,
            reason[:200],
        )
        return found
