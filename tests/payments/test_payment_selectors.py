"""What the office's screens read: right, and in a fixed number of queries."""

import datetime as dt
from typing import Any

import pytest
from closing import JULY, PAY_DATE, approved_july, checker, computed_july, load, maker
from django.db.models import Sum

from dispatch.models import Dispatch
from experts.models import Expert
from payments.models import Payout, PayoutLine, PayoutRun
from payments.selectors import (
    dispatch_calculation,
    month_summaries,
    month_summary,
    run_warnings,
    visit_of,
    withholding_explanation,
    withholding_of,
)
from payments.services import approve_run, compute_run, draft_run
from payments.services.assessment import check_month

pytestmark = pytest.mark.django_db


def test_a_month_is_summed_by_class() -> None:
    load("2021-07")
    check_month()
    summary = month_summary(JULY)
    assert summary["paid"] == {"count": 0, "yen": 0}
    unpaid = Dispatch.objects.filter(visited_from__isnull=False).exclude(status__in=("cancelled", "declined"))
    assert (
        sum(month[key]["count"] for month in month_summaries() for key in month if key != "month")
        == unpaid.count()
    )
    run = approved_july()
    check_month()
    after = month_summary(JULY)
    july = PayoutLine.objects.filter(
        run=run, dispatch__visited_from__gte=dt.datetime(2021, 6, 30, 15, tzinfo=dt.UTC)
    )
    assert after["paid"]["yen"] == july.aggregate(yen=Sum("amount"))["yen"]
    assert after["paid"]["count"] == july.values("dispatch").distinct().count()
    assert after["ineligible"] == summary["ineligible"]


def test_months_come_newest_first_and_agree_with_the_single_month() -> None:
    load("edges/stage1")
    check_month()
    summaries = month_summaries()
    months = [summary["month"] for summary in summaries]
    assert months == sorted(months, reverse=True)
    assert len(months) > 1
    for summary in summaries:
        assert month_summary(summary["month"]) == summary
    assert month_summaries(months[:2]) == summaries[:2]
    assert month_summaries([]) == []


def test_a_month_without_dispatches_is_empty() -> None:
    assert month_summary(dt.date(2021, 5, 1))["payable"] == {"count": 0, "yen": 0}


def test_the_preview_of_a_dispatch_is_what_the_run_then_pays() -> None:
    load("edges/stage1")
    previews = {
        dispatch.number: dispatch_calculation(dispatch)
        for dispatch in Dispatch.objects.filter(number__in=("D00001", "D00006", "D00041", "D00096"))
    }
    approved_july()
    for number, preview in previews.items():
        assert preview is not None
        assert preview["run"] is None
        paid = dispatch_calculation(Dispatch.objects.get(number=number))
        assert paid is not None
        assert paid["run"].name == "2021-07"
        assert (preview["fee"], preview["travel"], preview["total"]) == (
            paid["fee"],
            paid["travel"],
            paid["total"],
        )
        assert [line.explanation for line in preview["lines"]] == [line.explanation for line in paid["lines"]]


def test_a_held_dispatch_shows_what_it_would_be_paid_and_why_it_is_not() -> None:
    load("edges/stage1")
    preview = dispatch_calculation(Dispatch.objects.get(number="D00016"))
    assert preview is not None
    assert preview["total"] == 10560
    assert [found.code for found in preview["findings"]] == ["E05"]


def test_an_ineligible_dispatch_is_paid_nothing() -> None:
    load("edges/stage1")
    preview = dispatch_calculation(Dispatch.objects.get(number="D00071"))
    assert preview is not None
    assert (preview["lines"], preview["total"]) == ([], 0)


def test_a_dispatch_that_has_not_taken_place_has_no_calculation() -> None:
    load("2021-07")
    dispatch = Dispatch.objects.filter(visited_from__isnull=True).first()
    assert dispatch is not None
    assert dispatch_calculation(dispatch) is None
    assert visit_of(dispatch) is None


def test_the_facts_of_a_dispatch_are_read_whatever_its_state() -> None:
    load("2021-07")
    before = visit_of(Dispatch.objects.get(number="D2021000012"))
    approved_july()
    assert visit_of(Dispatch.objects.get(number="D2021000012")) == before
    assert before is not None
    assert before.number == "D2021000012"


def test_withholding_by_class_adds_up_to_the_run() -> None:
    load("2021-07")
    run = computed_july()
    rows = withholding_of(run)
    assert sum(row.tax for row in rows) == run.withholding
    assert sum(row.paid for row in rows) == run.gross
    assert sum(row.people for row in rows) == run.payee_count
    assert {row.due for row in rows if row.slip} == {dt.date(2021, 9, 10)}
    assert all(row.due is None for row in rows if not row.slip)


def test_the_tax_of_a_payout_is_explained() -> None:
    load("2021-07")
    run = computed_july()
    payout = Payout.objects.filter(run=run, withholding__gt=0)[0]
    assert f"{payout.withholding:,}円" in withholding_explanation(payout)


def test_late_payments_are_pointed_out() -> None:
    load("2021-07")
    run = draft_run(month=JULY, pay_date=dt.date(2021, 12, 24), actor=maker(), past_allowed=True)
    run = compute_run(run=run, actor=maker())
    assert any(f"60日を過ぎる派遣が {run.dispatch_count}件" in warning for warning in run_warnings(run))


def test_names_that_no_font_has_are_pointed_out() -> None:
    load("2021-07")
    Expert.objects.filter(code="E000001").update(name="吉田 \U0002ebf1")
    run = computed_july()
    assert any("E000001" in warning and "支払通知書" in warning for warning in run_warnings(run))


@pytest.mark.parametrize("folder", ["2021-07", "edges/stage1"])
def test_queries_stay_the_same_however_many_dispatches(folder: str, django_assert_num_queries: Any) -> None:
    load(folder)
    check_month()
    run = draft_run(month=JULY, pay_date=PAY_DATE, actor=maker(), past_allowed=True)
    run = compute_run(run=run, actor=maker())
    with django_assert_num_queries(2):
        month_summary(JULY)
    with django_assert_num_queries(2):
        month_summaries()
    with django_assert_num_queries(6):
        run_warnings(run)
    with django_assert_num_queries(2):
        withholding_of(run)
    dispatch = Dispatch.objects.filter(visited_from__isnull=False).order_by("number")[0]
    with django_assert_num_queries(5):
        visit_of(dispatch)
    with django_assert_num_queries(11):
        dispatch_calculation(dispatch)
    approve_run(run=run, actor=checker())
    paid = Dispatch.objects.filter(status="scheduled")[0]
    with django_assert_num_queries(1):
        dispatch_calculation(paid)
    assert PayoutRun.objects.count() == 1
