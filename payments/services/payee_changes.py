"""A payee's data changed while a run that has read them is on its way: who is told, and what the run's page says.

A run that isn't approved pays what the register says when it is calculated again; its approval is refused meanwhile
(the digest has moved). An approved run pays to the account that was copied at its approval (docs/architecture.md §2).
"""

from dataclasses import dataclass
from typing import Final

from django.db.models import Exists, F, OuterRef, Q

from accounts.models import Role
from core.audit.acting import Actor
from core.notify.services import close_tasks, open_task
from dispatch.after_change import note
from experts.changes.models import ChangeRequest
from experts.models import Expert

from ..models import Payout, PayoutRun

Status = PayoutRun.Status
TASK: Final = "run_payee_changed"
# Runs whose payees were read and that no bank has paid yet.
ON_ITS_WAY: Final = (Status.COMPUTED, Status.APPROVED, Status.EXPORTED)
_COPIED: Final = {
    "name": "氏名",
    "address": "住所",
    "payee_class": "源泉区分",
    "invoice_number": "登録番号",
    "bank_code": "銀行",
    "branch_code": "支店",
    "account_type": "預金種目",
    "account_number": "口座番号",
    "account_holder_kana": "口座名義",
}
# so many are named; after a load of the whole register it may be everybody
_MOST: Final = 10
_ACCOUNT: Final = frozenset(
    {"bank_code", "branch_code", "account_type", "account_number", "account_holder_kana"}
)


@dataclass(frozen=True, slots=True)
class Outdated:
    """A payee of a run whose registered data are no longer what the run has."""

    code: str
    name: str
    fields: tuple[str, ...]

    @property
    def account(self) -> bool:
        """Whether the money would go to the account of before."""
        return bool(_ACCOUNT.intersection(self.fields))

    @property
    def titles(self) -> str:
        """What changed, in words; the parts of an account are one."""
        plain = [_COPIED[name] for name in self.fields if name not in _ACCOUNT]
        return "・".join((["振込口座"] if self.account else []) + plain)


def outdated_payees(run: PayoutRun) -> list[Outdated]:
    """Payees whose register says otherwise than the run, by code. One query; none for a run not on its way.

    Only who was touched since the calculation is compared: sealed values are read one by one.
    """
    if run.status not in ON_ITS_WAY or run.computed_at is None:
        return []
    made = ChangeRequest.objects.filter(expert=OuterRef("expert"), state=ChangeRequest.State.MADE)
    touched = (
        Payout.objects.filter(run=run)
        # a transaction's clock stands at its beginning: one that began before the calculation may end after it
        .filter(Q(expert__updated_at__gte=F("run__computed_at")) | Exists(made))
        .select_related("expert")
        .order_by("expert_code")
    )
    found = []
    for payout in touched:
        changed = tuple(name for name in _COPIED if getattr(payout, name) != getattr(payout.expert, name))
        if changed:
            found.append(Outdated(payout.expert_code, payout.expert.name, changed))
    return found


def warning_of(run: PayoutRun) -> list[str]:
    """What the page of a run says about payees changed since, one sentence each; nothing of it stops the run."""
    found = outdated_payees(run)
    said = [
        f"専門家 {each.code} {each.name} の登録（{each.titles}）が、計算の後に変わりました。{_what_next(run, each)}"
        for each in found[:_MOST]
    ]
    if len(found) > _MOST:
        said.append(f"ほかに {len(found) - _MOST}人の支払先の登録が、計算の後に変わりました。")
    return said


def _what_next(run: PayoutRun, found: Outdated) -> str:
    if run.status == Status.COMPUTED:
        return "計算をやり直すと、新しい内容で支払います。"
    if found.account:
        return "承認済みのため、この支払データは変更前の口座に振り込みます。口座が使えるかを本人に確かめてください。"
    return "承認済みのため、この支払データは変更前の内容で支払います。"


def warn_of_change(expert: Expert, fields: frozenset[str], actor: Actor) -> None:
    """Opens a task for operators and approvers about every run that has the expert's old data. In the act's transaction."""
    if not fields.intersection(_COPIED):
        return
    runs = PayoutRun.objects.filter(status__in=ON_ITS_WAY, payouts__expert=expert).order_by("pk").distinct()
    for run in runs:
        again = run.status == Status.COMPUTED
        for role in (Role.OFFICE_OPERATOR, Role.OFFICE_APPROVER):
            open_task(
                code=TASK,
                object=run,
                title=f"支払データ {run.name} の支払先の登録が、計算の後に変わりました",
                path=f"/office/runs/{run.name}/",
                actor=actor,
                role=role,
                note=f"専門家 {expert.code} {expert.name}。"
                + ("計算をやり直してください。" if again else "承認済みのため、変更前の内容で支払います。"),
            )


def judge_expert(expert: Expert, fields: frozenset[str], actor: Actor) -> None:
    """Lets the expert's findings be judged once the act is committed: what held the payments may be gone, or new."""
    note(experts=(expert.pk,))


def settle_warnings(run: PayoutRun, actor: Actor) -> None:
    """The run has the new data, is gone or was paid: nothing waits any more."""
    close_tasks(code=TASK, object=run, actor=actor)
