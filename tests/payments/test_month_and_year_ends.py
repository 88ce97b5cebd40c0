"""To which month, day and fiscal year a visit belongs: by Japan's clock, where UTC still has the day before."""

import datetime as dt
import sys
from pathlib import Path

import pytest
import time_machine

sys.path.append(str(Path(__file__).resolve().parents[1] / "dispatch"))
sys.path.append(str(Path(__file__).resolve().parents[1] / "walks"))

import stage as stages
from closing import checker, maker
from walk_world import as_files

from core.audit.acting import SYSTEM
from core.clock import JST
from core.exchange.services import load_files
from dispatch.models import Company, Finding
from dispatch.quota import quota_of
from payments.models import PayoutLine, PayoutRun
from payments.selectors import month_summary
from payments.services import approve_run, compute_run, draft_run
from payments.services.assessment import check_month

pytestmark = pytest.mark.django_db
HEAD = (
    "派遣番号,機関コード,専門家コード,企業コード,経営課題,実施方式,WEB事前承認,支援場所,緯度,経度,予定開始,予定終了,実施開始,実施終了,休憩分,"
    "同行,同行開始,同行終了,同行無の理由,専門家からの要請,機関からの給与謝金,上限例外承認,支援内容,報告日時,従事証明日時,機関承認日時,状態,取消理由,"
    "行程番号,事務局判断,事務局判断理由"
)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=JST)


def visits(*rows: tuple[str, str, str, str, str], approved: str = "") -> None:
    """Loads dispatches (number, expert, client, from, to) with their evidence; approved a minute after the end."""
    dispatches, events = HEAD + "\n", "イベントID,派遣番号,種別,端末時刻,緯度,経度,精度m,署名者氏名\n"
    for number, expert, client, start, end in rows:
        later = (dt.datetime.fromisoformat(end) + dt.timedelta(minutes=1)).strftime("%Y-%m-%d %H:%M")
        dispatches += (
            f"{number},K1,{expert},{client},創業,対面,無,支援先,35.681236,139.767125,{start},{end},{start},{end},,"
            f"無,,,人員不足,無,無,無,助言した。,{later},{later},{approved or later},,,,,\n"
        )
        for kind, moment in (("開始", start), ("終了", end)):
            events += f"{number}{kind},{number},{kind},{moment}:00,35.681236,139.767125,12,{'社長' if kind == '終了' else ''}\n"
    texts = {name.removesuffix(".csv"): text for name, text in stages.FILES.items()}
    result = load_files(as_files(**texts, dispatches=dispatches, check_events=events), actor=SYSTEM)
    assert result.ok, list(result.problems)


def paid(month: dt.date, pay_date: dt.date) -> PayoutRun:
    run = draft_run(month=month, pay_date=pay_date, actor=maker(), past_allowed=True)
    return approve_run(run=compute_run(run=run, actor=maker()), actor=checker())


def lines(run: PayoutRun) -> list[tuple[str, dt.date, int]]:
    found = PayoutLine.objects.filter(run=run, item="謝金").order_by("dispatch__number")
    return list(found.values_list("dispatch__number", "day", "amount"))


@pytest.mark.parametrize(
    ("last", "first", "pay_dates"),
    [
        ("2021-07-31", "2021-08-01", (dt.date(2021, 8, 25), dt.date(2021, 9, 27))),
        # New Year's eve: UTC has a day, a month and a year less until nine in the morning
        ("2021-12-31", "2022-01-01", (dt.date(2022, 1, 25), dt.date(2022, 2, 25))),
    ],
)
def test_the_night_between_two_months_is_paid_in_the_month_in_which_each_visit_began(
    last: str, first: str, pay_dates: tuple[dt.date, dt.date]
) -> None:
    days = dt.date.fromisoformat(last), dt.date.fromisoformat(first)
    visits(
        ("D1", "E1", "C1", f"{last} 18:00", f"{last} 21:00"),
        # over midnight: the day and the cap of the evening before
        ("D2", "E1", "C2", f"{last} 22:00", f"{first} 02:00"),
        ("D3", "E2", "C3", f"{first} 00:00", f"{first} 01:00"),
        ("D4", "E2", "C4", f"{first} 08:30", f"{first} 09:30"),
        # 2 minutes before the month's end in Japan
        approved=f"{last} 23:58",
    )
    with time_machine.travel(at(f"{first} 12:00"), tick=False):
        check_month()
        assert sum(month_summary(days[0])[key]["count"] for key in ("payable", "hold", "incomplete")) == 2
        assert sum(month_summary(days[1])[key]["count"] for key in ("payable", "hold", "incomplete")) == 2
    with time_machine.travel(at(f"{first} 00:00"), tick=False):
        earlier = paid(days[0].replace(day=1), pay_dates[0])
    # six half hours, and of eight the six that the day's cap of 31,680 yen has left
    assert lines(earlier) == [("D1", days[0], 15_840), ("D2", days[0], 15_840)]
    assert earlier.cutoff == at(f"{first} 00:00")
    with time_machine.travel(at(pay_dates[1].isoformat() + " 09:00"), tick=False):
        later = paid(days[1], pay_dates[1])
    assert lines(later) == [("D3", days[1], 5_280), ("D4", days[1], 5_280)]


def test_the_first_of_april_begins_the_clients_year_at_midnight_in_japan() -> None:
    visits(
        ("D0", "E1", "C1", "2021-03-31 23:30", "2021-03-31 23:59"),
        ("D1", "E1", "C1", "2021-04-01 00:00", "2021-04-01 01:00"),
        ("D2", "E1", "C1", "2021-04-02 10:00", "2021-04-02 11:00"),
        ("D3", "E1", "C1", "2021-04-05 10:00", "2021-04-05 11:00"),
        ("D4", "E1", "C1", "2021-04-06 10:00", "2021-04-06 11:00"),
    )
    with time_machine.travel(at("2021-04-07 09:00"), tick=False):
        check_month()
    beyond = Finding.objects.filter(code="L01").values_list("dispatch__number", flat=True)
    assert list(beyond) == ["D4"]
    company = Company.objects.get(code="C1")
    quota = quota_of(company.pk, "創業", dt.date(2021, 4, 1))
    assert quota is not None
    assert (quota.year, quota.used) == (2021, 4)


def test_the_last_day_of_february_ends_the_period_at_midnight_in_japan() -> None:
    visits(
        ("D1", "E1", "C1", "2022-02-28 23:30", "2022-03-01 00:30"),
        ("D2", "E2", "C2", "2022-03-01 00:00", "2022-03-01 01:00"),
        # in UTC still the last day of a year that has rules
        ("D3", "E1", "C3", "2022-04-01 00:00", "2022-04-01 01:00"),
    )
    with time_machine.travel(at("2022-04-02 09:00"), tick=False):
        check_month()
    outside = Finding.objects.filter(code="L02").order_by("dispatch__number")
    assert list(outside.values_list("dispatch__number", flat=True)) == ["D2", "D3"]
    assert Finding.objects.filter(dispatch__number="D1").count() == 0
