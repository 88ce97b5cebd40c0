"""What the approver waives is paid, and nothing else; the run sees waivers."""

import datetime as dt
from typing import Any

import pytest
import stage as stages
import time_machine
from stage import Stage, at

from core.errors import DomainError, NotAllowed
from dispatch.models import Dispatch, Finding, Waiver
from dispatch.services import ClaimLine, revoke_waiver, verify_dispatch, waive_finding
from payments.models import PayoutLine, PayoutRun
from payments.selectors import check_is_stale, dispatch_calculation
from payments.services import approve_run, compute_run, draft_run
from payments.services.assessment import check_month
from payments.services.compute import recomputed_digest

NIGHT = ClaimLine(
    day=dt.date(2021, 7, 12), kind="宿泊", claimed=9000, lodging_kind="ホテル", reason="翌朝の支援"
)


def held(stage: Stage) -> Dispatch:
    """An approved dispatch whose night has no receipt (T02)."""
    dispatch = stage.approved(stage.application(), NIGHT)
    stage.travel(at("08-02 09:00"))
    check_month()
    return dispatch


def computed(stage: Stage) -> PayoutRun:
    run = draft_run(month=dt.date(2021, 7, 1), pay_date=dt.date(2021, 8, 25), actor=stage.operator)
    return compute_run(run=run, actor=stage.operator)


def test_a_waived_dispatch_is_paid(stage: Stage) -> None:
    dispatch = held(stage)
    assert list(Finding.objects.values_list("code", flat=True)) == ["T02"]
    waive_finding(dispatch=dispatch, code="T02", reason="宿泊先に確認した", actor=stage.approver)
    run = approve_run(run=computed(stage), actor=stage.approver)
    assert dict(PayoutLine.objects.filter(run=run).values_list("item", "amount")) == {
        "謝金": 10560,
        "宿泊": 9000,
    }
    with pytest.raises(DomainError):
        revoke_waiver(waiver=Waiver.objects.get(), reason="取り消す", actor=stage.approver)


def test_a_waiver_after_computing_is_seen_by_the_run(stage: Stage) -> None:
    dispatch = held(stage)
    other = stage_second(stage)
    run = computed(stage)
    assert run.dispatch_count == 1
    waiver = waive_finding(dispatch=dispatch, code="T02", reason="確認した", actor=stage.approver)
    assert recomputed_digest(run) != run.digest
    revoke_waiver(waiver=waiver, reason="誤り", actor=stage.approver)
    assert recomputed_digest(run) == run.digest
    assert other.number != dispatch.number


@pytest.mark.usefixtures("fresh_database")
def test_a_run_computed_before_the_waiver_is_not_approved(django_db_blocker: Any) -> None:
    with (
        django_db_blocker.unblock(),
        time_machine.travel(at("07-01 09:00"), tick=False) as traveller,
    ):
        stage = stages.build(traveller)
        dispatch = held(stage)
        stage_second(stage)
        run = computed(stage)
        waive_finding(dispatch=dispatch, code="T02", reason="確認した", actor=stage.approver)
        with pytest.raises(DomainError, match="計算"):
            approve_run(run=run, actor=stage.approver)


def stage_second(stage: Stage) -> Dispatch:
    stage.travel(at("07-02 09:00"))
    dispatch = stage.approved(stage.application(planned_from=at("07-13 10:00"), planned_to=at("07-13 12:00")))
    stage.travel(at("08-02 09:00"))
    return dispatch


def test_a_waiver_makes_the_standing_check_stale_and_the_preview_payable(stage: Stage) -> None:
    dispatch = held(stage)
    waive_finding(dispatch=dispatch, code="T02", reason="確認した", actor=stage.approver)
    calculation = dispatch_calculation(dispatch)
    assert calculation is not None
    assert calculation["findings"] == []
    assert check_is_stale()
    check_month()
    verify_dispatch(dispatch=dispatch, actor=stage.operator)


def test_only_the_approver_waives_and_only_a_hold_that_stands(stage: Stage) -> None:
    dispatch = held(stage)
    with pytest.raises(NotAllowed):
        waive_finding(dispatch=dispatch, code="T02", reason="確認した", actor=stage.operator)
    with pytest.raises(DomainError, match="理由"):
        waive_finding(dispatch=dispatch, code="T02", reason="", actor=stage.approver)
    with pytest.raises(DomainError, match="E01 はありません"):
        waive_finding(dispatch=dispatch, code="E01", reason="確認した", actor=stage.approver)
    waive_finding(dispatch=dispatch, code="T02", reason="確認した", actor=stage.approver)
    with pytest.raises(DomainError, match="既に解除"):
        waive_finding(dispatch=dispatch, code="T02", reason="確認した", actor=stage.approver)


def test_what_is_not_complete_cannot_be_waived(stage: Stage) -> None:
    dispatch = stage.visited()
    stage.travel(at("08-02 09:00"))
    check_month()
    with pytest.raises(DomainError, match="未了"):
        waive_finding(dispatch=dispatch, code="P01", reason="確認した", actor=stage.approver)


def test_a_dispatch_with_findings_is_not_verified(stage: Stage) -> None:
    dispatch = held(stage)
    with pytest.raises(DomainError, match="T02"):
        verify_dispatch(dispatch=dispatch, actor=stage.operator)
