"""What an expert sees of the own money: sums, what is coming, the account, the payment notices."""

import datetime as dt
import hashlib
import io
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db.models import Sum
from django.test import Client
from pypdf import PdfReader

from accounts.models import Role, User
from core import clock
from core.audit.acting import SYSTEM, acting
from core.audit.models import Access
from core.errors import DomainError
from core.exchange.services import load_files
from dispatch.models import Dispatch
from dispatch.services import hold_dispatch
from payments.models import Payout, PayoutLine, PayoutRun, RunDownload, RunFile
from payments.services import approve_run, close_run, compute_run, draft_run, export_run, mark_transferred
from payments.services.assessment import check_month
from payments.services.own_notice import take_own_notice
from portal_expert import fees

PAYER = """委託者コード,委託者名カナ,名称,住所,銀行コード,支店コード,預金種目,口座番号
1234567890,センモンカハケンジムキヨク,専門家派遣事務局株式会社,東京都千代田区試験1-2-3,0001,001,普通,7654321
"""
HEAD = (
    "派遣番号,機関コード,専門家コード,企業コード,経営課題,実施方式,緯度,経度,予定開始,予定終了,実施開始,実施終了,"
    "同行,同行開始,同行終了,支援内容,報告日時,従事証明日時,機関承認日時"
)


def done(number: str, expert: str, day: str) -> str:
    """A visit; each at a client of its own, for none has more than three in a year."""
    start, end = f"{day} 10:00", f"{day} 12:00"
    return (
        f"{number},K1,{expert},C{number},創業,対面,35.681236,139.767125,{start},{end},{start},{end},有,{start},{end},"
        f"助言した。,{day} 13:00,{day} 14:00,{day} 15:00"
    )


def events(number: str, day: str) -> str:
    return (
        f"{number}a,{number},開始,{day} 10:00:00,35.681236,139.767125,10,\n"
        f"{number}b,{number},終了,{day} 12:00:00,35.681236,139.767125,10,試験 署名"
    )


def load(**files: str) -> None:
    result = load_files(
        {f"{name}.csv": io.BytesIO(text.encode()) for name, text in files.items()}, actor=SYSTEM
    )
    assert result.ok, list(result.problems)


def visits(*given: tuple[str, str, str]) -> None:
    """Loads visits (number, expert, day) that nothing holds."""
    load(
        companies="\n".join(
            (
                "企業コード,企業名,都道府県コード,所在地,業種コード,従業員数,企業区分",
                *(f"C{number},株式会社{number},13,見本町1,E,5,中小企業" for number, _, _ in given),
            )
        ),
        dispatches="\n".join((HEAD, *(done(*one) for one in given))),
        check_events="\n".join(
            (
                "イベントID,派遣番号,種別,端末時刻,緯度,経度,精度m,署名者氏名",
                *(events(number, day) for number, _, day in given),
            )
        ),
    )


def run_of(month: dt.date, pay_date: dt.date, cast: Any) -> PayoutRun:
    run = draft_run(month=month, pay_date=pay_date, actor=cast.operator, past_allowed=True)
    return compute_run(run=run, actor=cast.operator)


@pytest.fixture
def paid(tell_story: Any, db: None) -> Iterator[Any]:
    """On 1 March 2022: e1 was paid for July (August) and for January (February 2022, exported only); e2 for July."""
    with time_machine.travel(dt.datetime(2022, 3, 1, 12, tzinfo=clock.JST), tick=False):
        cast = tell_story(dt.date(2022, 4, 20))
        with acting(SYSTEM, "story"):
            cast.approver = User.objects.create(username="shonin", role=Role.OFFICE_APPROVER)
        load(payer=PAYER)
        visits(
            ("P1", "E1", "2021-07-05"),
            ("P2", "E1", "2021-07-06"),
            ("P3", "E2", "2021-07-07"),
            ("P4", "E1", "2022-01-07"),
        )
        july = run_of(dt.date(2021, 7, 1), dt.date(2021, 8, 25), cast)
        july = export_run(run=approve_run(run=july, actor=cast.approver), actor=cast.operator)
        cast.july = close_run(run=mark_transferred(run=july, actor=cast.operator), actor=cast.operator)
        january = run_of(dt.date(2022, 1, 1), dt.date(2022, 2, 25), cast)
        cast.january = export_run(run=approve_run(run=january, actor=cast.approver), actor=cast.operator)
        visits(("P5", "E1", "2022-02-07"), ("P6", "E1", "2022-02-08"))
        hold_dispatch(dispatch=Dispatch.objects.get(number="P6"), reason="内部の疑い", actor=cast.operator)
        check_month()
        yield cast


@pytest.fixture
def phone(paid: Any) -> Client:
    client = Client()
    client.force_login(paid.expert)
    return client


def own(cast: Any, run: PayoutRun) -> Payout:
    return Payout.objects.get(run=run, expert__user=cast.expert)


def test_the_sums_are_those_of_the_payouts_and_of_their_lines(paid: Any) -> None:
    shown = fees.payouts_of(paid.expert)
    total = fees.total_of(shown)
    sums = Payout.objects.filter(expert__user=paid.expert).aggregate(
        **{name: Sum(name) for name in ("fee", "travel", "gross", "withholding", "net")}
    )
    assert total == fees.Total(2, **sums)
    assert total.gross - total.withholding == total.net > 0
    lines = PayoutLine.objects.filter(expert__user=paid.expert).aggregate(sum=Sum("amount"))["sum"]
    assert total.gross == lines


def test_a_year_counts_by_payday_and_only_what_was_transferred(paid: Any) -> None:
    shown = fees.payouts_of(paid.expert)
    july = own(paid, paid.july).net
    assert fees.received_in(shown, fees.CALENDAR, 2021).net == july
    assert fees.received_in(shown, fees.CALENDAR, 2022).count == 0  # not yet transferred
    assert fees.received_in(shown, fees.FISCAL, 2021).net == july
    mark_transferred(run=paid.january, actor=paid.operator)
    shown = fees.payouts_of(paid.expert)
    assert fees.received_in(shown, fees.CALENDAR, 2022).net == own(paid, paid.january).net
    assert fees.received_in(shown, fees.FISCAL, 2021).net == july + own(paid, paid.january).net


def test_the_page_shows_the_year_and_nobody_elses_money(paid: Any, phone: Client) -> None:
    text = phone.get("/expert/fees/?by=fiscal&year=2021").content.decode()
    for run in (paid.july, paid.january):
        payout = own(paid, run)
        assert f"{payout.net:,}円" in text
        assert f"/expert/fees/{payout.pk}/notice/" in text
    other = Payout.objects.get(expert__user=paid.other)
    assert f"/expert/fees/{other.pk}/notice/" not in text
    only = phone.get("/expert/fees/?year=2021").content.decode()
    assert f"/expert/fees/{own(paid, paid.january).pk}/notice/" not in only
    assert "2021年8月25日" in only


def test_a_run_in_preparation_is_not_shown(paid: Any) -> None:
    before = len(fees.payouts_of(paid.expert))
    run_of(dt.date(2022, 2, 1), dt.date(2022, 3, 25), paid)
    assert Payout.objects.filter(expert__user=paid.expert).count() == before + 1
    assert len(fees.payouts_of(paid.expert)) == before


def test_what_is_coming_and_what_is_held_stand_apart_with_what_to_do(paid: Any, phone: Client) -> None:
    found = fees.coming(paid.expert)
    assert [one.dispatch.number for one in found["支払可"]] == ["P5"]
    assert [one.dispatch.number for one in found["保留"]] == ["P6"]
    text = phone.get("/expert/fees/").content.decode()
    assert "事務局が支払を保留しています。" in text
    assert "内部の疑い" not in text


def test_the_account_is_covered_but_for_three_digits(phone: Client) -> None:
    text = phone.get("/expert/fees/").content.decode()
    assert "****345" in text
    assert "1112345" not in text


def test_the_notice_is_the_exported_one_and_taking_it_is_recorded(paid: Any, phone: Client) -> None:
    payout = own(paid, paid.july)
    address = f"/expert/fees/{payout.pk}/notice/"
    assert phone.get(address).status_code == 405
    answer = phone.post(address)
    content = b"".join(answer.streaming_content)
    assert answer["Content-Type"] == "application/pdf"
    assert "no-store" in answer["Cache-Control"]
    file = RunFile.objects.get(run=paid.july, name="notices/支払通知書_E1.pdf")
    assert hashlib.sha256(content).hexdigest() == file.sha256
    assert "吉田" in PdfReader(io.BytesIO(content)).pages[0].extract_text()
    taken = RunDownload.objects.get(run=paid.july)
    assert (taken.user, taken.name) == (paid.expert, file.name)
    assert Access.objects.filter(actor_id=paid.expert.pk, what=Access.What.DOWNLOAD).count() == 1
    assert "受け取り済み" in phone.get("/expert/fees/?year=2021").content.decode()


def test_nobody_takes_the_notice_of_another(paid: Any, phone: Client) -> None:
    other = Payout.objects.get(expert__user=paid.other)
    assert phone.post(f"/expert/fees/{other.pk}/notice/").status_code == 404
    assert phone.post("/expert/fees/0/notice/").status_code == 404
    office = Client()
    office.force_login(paid.operator)
    assert office.post(f"/expert/fees/{other.pk}/notice/").status_code == 403
    assert not RunDownload.objects.exists()


def test_there_is_no_notice_before_the_export(paid: Any, phone: Client) -> None:
    february = approve_run(run=run_of(dt.date(2022, 2, 1), dt.date(2022, 3, 25), paid), actor=paid.approver)
    payout = own(paid, february)
    with pytest.raises(DomainError, match="まだ作成されていません"):
        take_own_notice(payout=payout.pk, actor=paid.expert)
    assert phone.post(f"/expert/fees/{payout.pk}/notice/").status_code == 409
    assert f"/expert/fees/{payout.pk}/notice/" not in phone.get("/expert/fees/?year=2022").content.decode()
    draft = PayoutRun.objects.get(pk=february.pk)
    assert draft.status == PayoutRun.Status.APPROVED
