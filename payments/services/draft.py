"""Making a run, and dropping one that isn't approved."""

import datetime as dt
from typing import TYPE_CHECKING

from django.db.models import Max

from core.audit.acting import acting
from core.errors import DomainError
from core.programme.selectors import RuleBook

from ..files.bank_file import check_payer
from ..models import Payer, PayoutRun
from .dates import check_pay_date, checked_cutoff, month_name, payment_rules
from .locks import one_at_a_time
from .payee_changes import settle_warnings
from .rights import require_maker

if TYPE_CHECKING:
    from accounts.models import User

OPEN = (PayoutRun.Status.DRAFT, PayoutRun.Status.COMPUTED)


def open_run() -> PayoutRun | None:
    """The one run that is being prepared, or None."""
    return PayoutRun.objects.filter(status__in=OPEN).select_related("maker", "payer").first()


def the_payer() -> Payer:
    """On whose behalf runs pay: the 委託者, the first by code when there are several. Refuses when there is none."""
    payer = Payer.objects.order_by("code").first()
    if payer is None:
        raise DomainError(
            "委託者が登録されていません。payer.csv を読み込むか、管理画面で委託者を登録してください。"
        )
    return payer


def draft_run(
    *,
    month: dt.date,
    pay_date: dt.date,
    cutoff: dt.datetime | None = None,
    actor: "User",
    payer: Payer | None = None,
    past_allowed: bool = False,
) -> PayoutRun:
    """A new run of a month: the next ordinal, named 2021-07, 2021-07-2, …

    `month` is its first day. Refuses a month still open without `cutoff`, an unusable pay date (a past one unless
    `past_allowed`) and a second run in preparation (rules.md §4).
    """
    require_maker(actor)
    month = month.replace(day=1)
    cutoff = checked_cutoff(month, cutoff)
    book = RuleBook()
    check_pay_date(book, month, pay_date, past_allowed=past_allowed)
    payer = payer or the_payer()
    check_payer(payer, payment_rules(book, month, pay_date))
    with one_at_a_time(), acting(actor, "draft_run"):
        other = open_run()
        if other is not None:
            raise DomainError(
                f"月次支払 {other.name} が{other.get_status_display()}のまま残っています。"
                "承認するか破棄してから、新しい月次支払を作成してください。",
                code="open_run",
            )
        last = PayoutRun.objects.filter(month=month).aggregate(last=Max("ordinal"))["last"] or 0
        return PayoutRun.objects.create(
            month=month,
            ordinal=last + 1,
            name=run_name(month, last + 1),
            cutoff=cutoff,
            pay_date=pay_date,
            maker=actor,
            payer=payer,
        )


def run_name(month: dt.date, ordinal: int) -> str:
    """`2021-07`, `2021-07-2`."""
    name = f"{month.year:04}-{month.month:02}"
    return name if ordinal == 1 else f"{name}-{ordinal}"


def drop_run(*, run: PayoutRun, actor: "User") -> None:
    """Deletes a run that isn't approved, with everything it proposed."""
    require_maker(actor)
    with one_at_a_time(), acting(actor, "drop_run"):
        row = PayoutRun.objects.select_for_update().filter(pk=run.pk).first()
        if row is None:
            raise DomainError("この月次支払は既に破棄されています。一覧を開き直してください。")
        if row.status not in OPEN:
            raise DomainError(
                f"月次支払 {row.name} は{row.get_status_display()}のため破棄できません。"
                "訂正は次の月次支払で行ってください。"
            )
        settle_warnings(row, actor)
        row.delete()


__all__ = ["draft_run", "drop_run", "month_name", "open_run", "run_name", "the_payer"]
