"""The close of a month in one go, safe to be killed at any moment and called again (exchange.md §3)."""

import datetime as dt
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import DomainError
from core.japan.calendar import long_date
from core.programme.selectors import RuleBook

from ..files.folder import has_leftovers, held_run, refuse_other_runs, resolved, staging, sweep
from ..models import PayoutRun
from .approve import approve_run
from .compute import compute_run
from .dates import check_pay_date, checked_cutoff, month_name
from .draft import OPEN, draft_run, drop_run, open_run
from .export import export_run, export_staged
from .locks import one_at_a_time, one_view
from .rights import require_approver, require_maker, require_two_persons

if TYPE_CHECKING:
    from accounts.models import User


# How often a calculation is made again when data change before its approval.
ATTEMPTS = 5


def close_month(
    *,
    month: dt.date,
    maker: "User",
    checker: "User",
    pay_date: dt.date,
    cutoff: dt.datetime | None = None,
    directory: Path,
    told: Callable[[PayoutRun], None] = lambda run: None,
) -> PayoutRun:
    """Drafts, computes, approves and exports the run of a month; answers it.

    What an interrupted call left is finished first: an approved run without files is exported, one that is only
    drafted or computed is made again. Each refusal leaves everything as it was. `told` is called when all is done;
    whoever is killed before it returned finds the same run finished on calling again.
    """
    require_maker(maker)
    require_approver(checker)
    require_two_persons(maker, checker)
    checked_cutoff(month, cutoff)
    check_pay_date(RuleBook(), month, pay_date, past_allowed=True)
    target = resolved(directory)
    with ExitStack() as unfinished:
        with one_at_a_time():
            run = _unexported(month) or _exported_untold(month, target)
            refuse_other_runs(target, run.name if run else None)
            sweep(target)
            staged = unfinished.enter_context(staging(target))
            if run is None:
                run = _approved(month, maker, checker, pay_date, cutoff)
            run = export_staged(run, target, staged, actor=maker)
            told(run)
        return run


def _exported_untold(month: dt.date, target: Path) -> PayoutRun | None:
    """The run of a call that was killed after its last commit and before it could say so."""
    if not has_leftovers(target):
        return None
    newest = PayoutRun.objects.filter(month=month).exclude(status__in=OPEN).order_by("-ordinal").first()
    return newest if newest is not None and held_run(target) == newest.name else None


def _unexported(month: dt.date) -> PayoutRun | None:
    return (
        PayoutRun.objects.filter(month=month, status=PayoutRun.Status.APPROVED)
        .select_related("maker", "approver")
        .order_by("ordinal")
        .first()
    )


def _approved(
    month: dt.date, maker: "User", checker: "User", pay_date: dt.date, cutoff: dt.datetime | None
) -> PayoutRun:
    """A run computed and approved. Data that changed in between are reckoned with by computing again."""
    for attempt in range(1, ATTEMPTS + 1):
        run = _computed(month, maker, pay_date, cutoff)
        try:
            return approve_run(run=run, actor=checker)
        except DomainError as refusal:
            if refusal.code == "changed" and attempt < ATTEMPTS:
                continue
            drop_run(run=run, actor=maker)  # a refusal leaves everything as it was
            raise
    raise AssertionError("unreachable")


def _computed(month: dt.date, maker: "User", pay_date: dt.date, cutoff: dt.datetime | None) -> PayoutRun:
    """A computed run with something to pay. One transaction: a refusal leaves no run behind."""
    left = open_run()
    if left is not None and left.month != month:
        raise DomainError(
            f"{month_name(left.month)}の月次支払 {left.name} が{left.get_status_display()}のまま残っています。"
            "先に承認するか破棄してください。",
            code="open_run",
        )
    with one_view():
        if left is not None:
            drop_run(run=left, actor=maker)
        run = draft_run(month=month, pay_date=pay_date, cutoff=cutoff, actor=maker, past_allowed=True)
        run = compute_run(run=run, actor=maker)
        if run.payee_count == 0:
            raise DomainError(_nothing_to_pay(month), code="nothing")
    return run


def _nothing_to_pay(month: dt.date) -> str:
    last = PayoutRun.objects.filter(month=month).exclude(status__in=OPEN).order_by("-ordinal").first()
    if last is None:
        return f"{month_name(month)}に支払えるものがありません。"
    return (
        f"{month_name(month)}に新しく支払えるものはありません。"
        f"{month_name(month)}は月次支払 {last.name}（支払日 {long_date(last.pay_date)}）で締めています。"
    )


def export_approved(*, month: dt.date, directory: Path) -> PayoutRun:
    """Exports the run of a month that was approved on the screen, in the name of its approver.

    The oldest that has no files yet; else the one whose files the folder holds, or the newest, again.
    """
    target = resolved(directory)
    with one_at_a_time():
        approved = PayoutRun.objects.filter(month=month).exclude(status__in=OPEN).select_related("approver")
        run = (
            approved.filter(name=held_run(target) or "").first()
            or approved.filter(status=PayoutRun.Status.APPROVED).order_by("ordinal").first()
            or approved.order_by("-ordinal").first()
        )
        if run is None:
            raise DomainError(
                f"{month_name(month)}に承認済みの月次支払がありません。画面で承認してから出力してください。"
            )
        refuse_other_runs(target, run.name)
        assert run.approver is not None
        return export_run(run=run, directory=target, actor=run.approver)
