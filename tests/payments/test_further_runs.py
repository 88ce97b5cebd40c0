"""What an earlier run paid counts in a later one: the cap of the day, per diem, one fee per dispatch."""

import datetime as dt

import pytest
from closing import JULY, PAY_DATE, checker, load, maker

from core.clock import from_jst
from dispatch.models import Dispatch
from payments.models import PayoutLine, PayoutRun
from payments.services import approve_run, compute_run, draft_run

pytestmark = pytest.mark.django_db


def run_of(month: dt.date, pay_date: dt.date = PAY_DATE) -> PayoutRun:
    run = draft_run(month=month, pay_date=pay_date, actor=maker(), past_allowed=True)
    return approve_run(run=compute_run(run=run, actor=maker()), actor=checker())


def amount(number: str, item: str) -> int | None:
    return (
        PayoutLine.objects.filter(dispatch__number=number, item=item).values_list("amount", flat=True).first()
    )


def test_a_later_run_takes_what_the_cap_of_the_day_has_left() -> None:
    load("edges/stage1")
    run_of(JULY)
    # 20 July: D00033 and D00034 used 31,680 yen; D00032 of the same day was approved in August
    assert (amount("D00033", "謝金"), amount("D00034", "謝金")) == (21120, 10560)
    run_of(dt.date(2021, 8, 1), dt.date(2021, 9, 27))
    assert amount("D00032", "謝金") == 0
    explanation = PayoutLine.objects.get(dispatch__number="D00032", item="謝金").explanation
    assert "残り 0円" in explanation


def test_a_per_diem_is_paid_once_for_a_day_over_all_runs() -> None:
    load("edges/stage1")
    run_of(JULY)
    run_of(dt.date(2021, 8, 1), dt.date(2021, 9, 27))
    per_diems = PayoutLine.objects.filter(item="日当").values_list("expert_id", "day")
    assert len(per_diems) == len(set(per_diems))
    # D00039 got it for 23 July in the first run; D00040 of the same day comes later
    assert amount("D00039", "日当") == 1100
    assert amount("D00040", "日当") is None


def test_a_second_run_of_the_month_holds_nothing_that_the_first_paid() -> None:
    load("edges/stage1")
    first = run_of(JULY)
    load("edges/stage2")
    second = draft_run(month=JULY, pay_date=dt.date(2021, 8, 31), actor=maker(), past_allowed=True)
    second = compute_run(run=second, actor=maker())
    assert second.name == "2021-07-2"
    paid = set(first.lines.values_list("dispatch_id", flat=True))
    assert not paid & set(second.lines.values_list("dispatch_id", flat=True))
    assert not paid & set(second.holds.values_list("dispatch_id", flat=True))


def test_dispatches_of_a_run_are_scheduled_and_those_held_stay() -> None:
    load("edges/stage1")
    run = run_of(JULY)
    assert set(run.lines.values_list("dispatch__status", flat=True)) == {"scheduled"}
    assert "scheduled" not in set(run.holds.values_list("dispatch__status", flat=True))


def test_a_visit_at_the_first_moment_of_the_next_month_waits() -> None:
    load("edges/stage1")
    boundary = from_jst(dt.datetime.combine(dt.date(2021, 8, 1), dt.time()))
    late = Dispatch.objects.filter(visited_from__gte=boundary).values_list("pk", flat=True)
    assert late
    run = run_of(JULY)
    seen = {
        *run.lines.values_list("dispatch_id", flat=True),
        *run.holds.values_list("dispatch_id", flat=True),
    }
    assert not seen & set(late)
