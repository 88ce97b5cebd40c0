"""The payee takes the own payment notice: drawn again from the frozen rows, the same bytes as were exported."""

import datetime as dt
import hashlib
from typing import TYPE_CHECKING

from accounts.rights import require
from core.audit.acting import acting
from core.audit.models import Access
from core.audit.services import record_view
from core.errors import DomainError
from core.programme.selectors import RuleBook

from ..documents.notice import notice_pdf
from ..files.notices import notice_name, notice_of
from ..models import Payout, PayoutRun, RunDownload, RunFile
from .dates import payment_rules

if TYPE_CHECKING:
    from accounts.models import User

# From the export on a run has notices; files for download expire, the frozen rows don't.
WITH_NOTICES = (PayoutRun.Status.EXPORTED, PayoutRun.Status.TRANSFERRED, PayoutRun.Status.CLOSED)


def take_own_notice(*, payout: int, actor: "User") -> tuple[str, bytes]:
    """The notice of an own payout as (file name, PDF); who takes it when is recorded first.

    Payout.DoesNotExist for another's payout. Refuses a run that isn't exported, and bytes that differ from those exported.
    """
    require(actor, "take_own_notice")
    row = Payout.objects.visible_to(actor).select_related("run", "expert").get(pk=payout, expert__user=actor)
    run, name = row.run, notice_name(row.expert_code)
    file = RunFile.objects.filter(run=run, name=name).first()
    if run.status not in WITH_NOTICES or file is None:
        raise DomainError(
            f"{run.month.year}年{run.month.month}月分の支払通知書は、まだ作成されていません。"
            "支払の手続きが済むと受け取れます。"
        )
    content = notice_pdf(notice_of(row, payment_rules(RuleBook(), run.month, run.pay_date)))
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise DomainError(
            "支払通知書を作り直した内容が、発行したときの記録と一致しません。事務局へ連絡してください。"
        )
    with acting(actor, "take_own_notice"):
        RunDownload.objects.create(run=run, name=name, user=actor)
        record_view(actor=actor, what=Access.What.DOWNLOAD, object=row.expert, label=f"{run.name} {name}")
    return f"{run.name}_{name.rsplit('/', 1)[-1]}", content


def own_notices(user: "User") -> dict[int, dt.datetime | None]:
    """The own payouts that have a notice, each with when this person first took it. Two queries."""
    payouts = Payout.objects.visible_to(user).filter(expert__user=user, run__status__in=WITH_NOTICES)
    first: dict[tuple[int, str], dt.datetime] = {}
    for run, name, at in (
        RunDownload.objects.filter(user=user).order_by("-at").values_list("run", "name", "at")
    ):
        first[run, name] = at
    return {
        pk: first.get((run, notice_name(code)))
        for pk, run, code in payouts.values_list("pk", "run", "expert_code")
    }
