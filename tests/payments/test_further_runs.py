"""What an earlier run paid counts in a later one: the cap of the day, per diem, one fee per dispatch."""

import datetime as dt
from pathlib import Path

import pytest
from closing import ACCEPTANCE, JULY, PAY_DATE, checker, computed_july, load, maker

from core.audit.acting import SYSTEM
from core.clock import from_jst
from core.errors import DomainError
from core.exchange.services import load_folder
from core.programme.models import RuleSet
from core.programme.selectors import rules_of
from dispatch.models import Company, Dispatch
from experts.models import Expert
from payments.files.notices import notices
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


def test_minutes_of_an_earlier_run_are_cut_like_those_of_this_one(tmp_path: Path) -> None:
    load("edges/stage1")
    header = (
        (ACCEPTANCE / "edges/stage1/dispatches.csv")
        .read_text(encoding="utf-8-sig")
        .splitlines()[0]
        .split(",")
    )
    first = {
        "派遣番号": "S1", "機関コード": "K00001", "専門家コード": "E000001", "企業コード": "C000099", "経営課題": "IT活用",
        "実施方式": "WEB", "WEB事前承認": "有", "予定開始": "2021-06-10 10:00", "予定終了": "2021-06-10 11:00",
        "実施開始": "2021-06-10 10:00", "実施終了": "2021-06-10 10:29:40", "同行無の理由": "人員不足",
        "報告日時": "2021-06-11 10:00", "従事証明日時": "2021-06-11 10:00", "機関承認日時": "2021-06-12 10:00",
    }  # fmt: skip
    second = first | {
        "派遣番号": "S2", "企業コード": "C000098", "予定開始": "2021-06-10 12:00", "予定終了": "2021-06-10 13:00",
        "実施開始": "2021-06-10 12:00", "実施終了": "2021-06-10 12:00:40", "機関承認日時": "2021-07-20 10:00",
    }  # fmt: skip
    rows = [",".join(row.get(column, "") for column in header) for row in (first, second)]
    (tmp_path / "dispatches.csv").write_text("\n".join([",".join(header), *rows]) + "\n", encoding="utf-8")
    events = [
        f"{number}-{kind},{number},{kind},{time},,,,"
        for number, start, end in (("S1", "10:00", "10:29"), ("S2", "12:00", "12:00"))
        for kind, time in (("開始", f"2021-06-10 {start}"), ("終了", f"2021-06-10 {end}"))
    ]
    (tmp_path / "check_events.csv").write_text(
        "イベントID,派遣番号,種別,端末時刻,緯度,経度,精度m,署名者氏名\n" + "\n".join(events) + "\n",
        encoding="utf-8",
    )
    (tmp_path / "travel_claims.csv").write_text(
        "派遣番号,行番号,利用日,種別,距離km,運賃,請求額\nS1,1,2021-06-10,鉄道,120,1980,1980\n",
        encoding="utf-8",
    )
    result = load_folder(tmp_path, actor=SYSTEM)
    assert result.ok, list(result.problems)
    run_of(dt.date(2021, 6, 1), dt.date(2021, 7, 26))
    run_of(JULY)
    # 29 minutes and 0 minutes: under the 30 that a per diem asks for
    assert (amount("S1", "謝金"), amount("S2", "謝金"), amount("S2", "日当")) == (0, 0, None)


def test_the_notice_names_the_client_as_at_the_approval() -> None:
    load("edges/stage1")
    run = run_of(JULY)
    line = run.lines.filter(item="謝金").select_related("dispatch__company").first()
    assert line is not None
    before = line.dispatch.company.name
    assert line.client_name == before
    Company.objects.filter(pk=line.dispatch.company_id).update(name="改称後の会社")
    named = {
        visit.client_name
        for notice in notices(run, rules_of(RuleSet.objects.get()))
        for visit in notice.dispatches
    }
    assert before in named
    assert "改称後の会社" not in named


def test_an_approval_is_of_the_result_that_was_shown() -> None:
    load("2021-07")
    run = computed_july()
    shown = run.digest
    Expert.objects.filter(code="E000001").update(address="別の住所")
    again = compute_run(run=run, actor=maker())
    with pytest.raises(DomainError, match="計算し直されました"):
        approve_run(run=again, actor=checker(), digest=shown)
    assert approve_run(run=again, actor=checker(), digest=again.digest).status == PayoutRun.Status.APPROVED
