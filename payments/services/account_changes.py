"""Accounts of a run's payees that changed since their last payment without a request checked by one and made by another.

A file can bring other accounts into the register by one person's hand (exchange.md); whoever approves the run, who is
another person, is told which.
"""

from typing import Final

from django.db.models import Exists, F, OuterRef, Subquery

from experts.changes.models import ChangeRequest

from ..models import Payout, PayoutRun

Status = PayoutRun.Status
_APPROVED: Final = (Status.APPROVED, Status.EXPORTED, Status.TRANSFERRED, Status.CLOSED)
_ACCOUNT: Final = ("bank_code", "branch_code", "account_type", "account_number", "account_holder_kana")
_MOST: Final = 10


def changed_without_request(run: PayoutRun) -> list[Payout]:
    """The payouts of a calculated run whose account is another than at the payee's last approved payout, by code.

    Two queries at most: only whose register entry was touched since that approval is compared, sealed values one by one.
    """
    if run.status != Status.COMPUTED:
        return []
    last = Payout.objects.filter(expert=OuterRef("expert"), run__status__in=_APPROVED).order_by(
        "-run__approved_at", "-pk"
    )
    made = ChangeRequest.objects.filter(
        expert=OuterRef("expert"),
        kind=ChangeRequest.Kind.ACCOUNT,
        state=ChangeRequest.State.MADE,
        made_at__gte=OuterRef("since"),
    )
    touched = list(
        Payout.objects.filter(run=run)
        .annotate(last=Subquery(last.values("pk")[:1]), since=Subquery(last.values("run__approved_at")[:1]))
        .filter(expert__updated_at__gte=F("since"))
        .exclude(Exists(made))
        .order_by("expert_code")
    )
    if not touched:
        return []
    before = Payout.objects.in_bulk([payout.last for payout in touched])
    return [payout for payout in touched if _account(payout) != _account(before[payout.last])]


def _account(payout: Payout) -> tuple[str, ...]:
    return tuple(getattr(payout, name) for name in _ACCOUNT)


def warning_of_accounts(run: PayoutRun) -> list[str]:
    """What the page of a calculated run says to whoever approves it, in one sentence."""
    found = changed_without_request(run)
    if not found:
        return []
    named = "、".join(f"{payout.expert_code} {payout.name}" for payout in found[:_MOST])
    more = f" ほか{len(found) - _MOST}人" if len(found) > _MOST else ""
    return [
        f"前回の支払の後に、変更の申請と確認によらずに（ファイルの取込などで）振込口座が変わった専門家が{len(found)}人います"
        f"（{named}{more}）。承認の前に、届けや通帳の写しと見比べてください。"
    ]
