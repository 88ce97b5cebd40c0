"""A run is approved only as it was calculated: what changed since refuses it, on real commits."""

import datetime as dt
from threading import Event, Thread
from typing import Any

import pytest
from closing import checker, computed_july, load, maker
from django.db import connection, transaction

from core.audit.acting import SYSTEM, acting
from core.errors import DomainError
from core.programme.models import RuleSet
from dispatch.models import CheckEvent, Declaration, Dispatch, TravelLine
from experts.models import Expert
from payments.models import Payer, Payout, PayoutLine, PayoutRun, RunHold
from payments.selectors import run_warnings
from payments.services import approve_run, compute_run
from payments.services.locks import one_at_a_time

CHANGED = "計算後にデータが変わりました。計算をやり直してください"


@pytest.fixture
def computed(fresh_database: Any) -> PayoutRun:
    load("2021-07")
    return computed_july()


def paid_dispatch(run: PayoutRun) -> Dispatch:
    return Dispatch.objects.get(pk=run.lines.filter(item="謝金").order_by("dispatch__number")[0].dispatch_id)


def held_dispatch(run: PayoutRun, code: str) -> Dispatch:
    lonely = RunHold.objects.filter(run=run, code=code).exclude(
        dispatch__in=RunHold.objects.filter(run=run).exclude(code=code).values("dispatch")
    )
    return Dispatch.objects.get(pk=lonely.order_by("dispatch__number")[0].dispatch_id)


def a_longer_break(run: PayoutRun) -> None:
    Dispatch.objects.filter(pk=paid_dispatch(run).pk).update(break_minutes=60)


def a_cancelled_dispatch(run: PayoutRun) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.transition', 'import', true)")
    Dispatch.objects.filter(pk=paid_dispatch(run).pk).update(status="cancelled", end_reason="中止")


def a_corrected_claim(run: PayoutRun) -> None:
    line = PayoutLine.objects.filter(run=run, item="鉄道").first()
    assert line is not None
    TravelLine.objects.filter(dispatch_id=line.dispatch_id, line_no=line.line_no).update(accepted_yen=1)


def a_declaration_that_frees_a_held_one(run: PayoutRun) -> None:
    Declaration.objects.create(
        dispatch=held_dispatch(run, "E04"),
        cause="位置情報不備",
        submitted_at=dt.datetime(2021, 8, 2, tzinfo=dt.UTC),
        reason="圏外だったため",
    )


def a_late_check_event(run: PayoutRun) -> None:
    dispatch = paid_dispatch(run)
    assert dispatch.visited_from is not None
    CheckEvent.objects.create(
        event_id="late",
        dispatch=dispatch,
        kind="開始",
        device_time=dispatch.visited_from - dt.timedelta(hours=3),
    )


def another_payee_class(run: PayoutRun) -> None:
    Expert.objects.filter(pk=run.payouts.filter(payee_class="報酬2号")[0].expert_id).update(
        payee_class="法人"
    )


def another_account(run: PayoutRun) -> None:
    Expert.objects.filter(pk=run.payouts.all()[0].expert_id).update(account_number="7777777")


def another_rule(run: PayoutRun) -> None:
    rules = RuleSet.objects.get(code="R3")
    rules.values["per_diem_yen"] = 1200
    rules.save()


def another_payer_account(run: PayoutRun) -> None:
    Payer.objects.update(account_number="7654321")


@pytest.mark.parametrize(
    "change",
    [
        a_longer_break, a_cancelled_dispatch, a_corrected_claim, a_declaration_that_frees_a_held_one,
        a_late_check_event, another_payee_class, another_account, another_rule, another_payer_account,
    ],
)  # fmt: skip
def test_a_change_that_matters_refuses_the_approval(computed: PayoutRun, change: Any) -> None:
    with acting(SYSTEM, "test"):
        change(computed)
    with pytest.raises(DomainError, match=CHANGED):
        approve_run(run=computed, actor=checker())
    assert PayoutRun.objects.get().status == PayoutRun.Status.COMPUTED
    assert not Dispatch.objects.filter(status="scheduled").exists()
    again = compute_run(run=computed, actor=maker())
    assert approve_run(run=again, actor=checker()).status == PayoutRun.Status.APPROVED


def test_a_change_that_makes_no_difference_does_not_refuse(computed: PayoutRun) -> None:
    Dispatch.objects.filter(pk=paid_dispatch(computed).pk).update(report="書き直した報告")
    assert any("計算の後" in warning for warning in run_warnings(computed))
    assert approve_run(run=computed, actor=checker()).status == PayoutRun.Status.APPROVED


def test_an_unchanged_run_is_approved_without_warning(computed: PayoutRun) -> None:
    assert not any("計算の後" in warning for warning in run_warnings(computed))
    assert approve_run(run=computed, actor=checker()).status == PayoutRun.Status.APPROVED


def test_a_change_under_way_during_the_calculation_is_seen_at_the_approval(fresh_database: Any) -> None:
    """Its transaction began before the calculation and commits after it: the snapshot tells it apart."""
    load("2021-07")
    changed, committed = Event(), Event()

    def slow_writer() -> None:
        try:
            with acting(SYSTEM, "slow"):
                Expert.objects.filter(code="E000001").update(account_number="7777777")
                changed.set()
                committed.wait(30)
        finally:
            connection.close()

    writer = Thread(target=slow_writer)
    writer.start()
    changed.wait(30)
    run = computed_july()
    committed.set()
    writer.join()
    with pytest.raises(DomainError, match=CHANGED):
        approve_run(run=run, actor=checker())


def test_an_approval_waits_for_changes_under_way(computed: PayoutRun) -> None:
    changed = Event()

    def slow_writer() -> None:
        try:
            with acting(SYSTEM, "slow"):
                Expert.objects.filter(code="E000001").update(account_number="7777777")
                changed.set()
                Event().wait(1.0)
        finally:
            connection.close()

    writer = Thread(target=slow_writer)
    writer.start()
    changed.wait(30)
    with pytest.raises(DomainError, match=CHANGED):
        approve_run(run=computed, actor=checker())
    writer.join()


def test_the_payees_are_copied_as_they_are_at_the_approval(computed: PayoutRun) -> None:
    run = approve_run(run=computed, actor=checker())
    payout = Payout.objects.filter(run=run).select_related("expert")[0]
    before = (payout.name, payout.account_number, payout.payee_class)
    Expert.objects.filter(pk=payout.expert_id).update(name="改名", account_number="1", payee_class="法人")
    payout.refresh_from_db()
    assert (payout.name, payout.account_number, payout.payee_class) == before
    assert run.payer_copy is not None
    assert run.payer_copy["code"] == Payer.objects.get().code


def test_only_one_works_on_runs_at_a_time(computed: PayoutRun) -> None:
    holding, done = Event(), Event()

    def other() -> None:
        try:
            with one_at_a_time():
                holding.set()
                done.wait(30)
        finally:
            connection.close()

    worker = Thread(target=other)
    worker.start()
    holding.wait(30)
    with pytest.raises(DomainError, match="ほかの人または処理"), one_at_a_time(wait_seconds=0.2):
        pass
    done.set()
    worker.join()
    with one_at_a_time(wait_seconds=5):
        pass


def test_computing_twice_gives_the_same_digest(computed: PayoutRun) -> None:
    first, lines = computed.digest, PayoutLine.objects.count()
    again = compute_run(run=computed, actor=maker())
    assert again.digest == first
    assert PayoutLine.objects.count() == lines


def test_a_failed_calculation_leaves_the_earlier_one(computed: PayoutRun) -> None:
    lines = PayoutLine.objects.count()
    RuleSet.objects.update(valid=(dt.date(2020, 4, 1), dt.date(2020, 5, 1)))
    with pytest.raises(DomainError, match="支出基準"):
        compute_run(run=computed, actor=maker())
    with transaction.atomic():
        assert PayoutLine.objects.count() == lines
        assert PayoutRun.objects.get().status == PayoutRun.Status.COMPUTED
