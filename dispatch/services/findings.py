"""What people say about findings that stop no payment (要確認)."""

from core import clock
from core.audit.acting import Actor, acting
from core.errors import DomainError

from ..advisories import KIND
from ..models import Dispatch, Finding, FindingReview
from .steps import locked, require_reason, somebody


def review_finding(*, dispatch: Dispatch, code: str, reason: str, actor: Actor) -> FindingReview:
    """An operator or approver has looked into a 要確認 and says what came of it; it comes back with other facts only."""
    reason = require_reason(reason, "確認の結果")
    with acting(actor, "review_finding", reason):
        row = locked(dispatch, actor, "review_finding")
        finding = Finding.objects.filter(dispatch=row, code=code).first()
        if finding is None:
            raise DomainError(f"派遣 {row.number} に確認事項 {code} はありません。画面を更新してください。")
        if finding.kind != KIND:
            raise DomainError(
                f"{code} は「{finding.kind}」です。確認だけでは終わりません。照会・訂正・差戻し、または解除をしてください。"
            )
        if FindingReview.objects.filter(dispatch=row, code=code, seen=finding.actual).exists():
            raise DomainError(f"派遣 {row.number} の {code} は既に確認されています。画面を更新してください。")
        return FindingReview.objects.create(
            dispatch=row,
            code=code,
            seen=finding.actual,
            reason=reason,
            reviewed_by=somebody(actor),
            reviewed_at=clock.now(),
        )
