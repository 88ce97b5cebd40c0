"""The story of the demonstration holds together on any day it is told."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta
from functools import lru_cache

import pytest
from demo_month import Outcome, all_visits, payee, run
from zengin_code import Bank

from core.japan.calendar import bank_open, fiscal_year
from core.japan.numbers import is_corporate_number
from payments.demo import calendar
from payments.demo.rows import CLAIMS, COMPANIES, DISPATCHES, EVENTS, EXPERTS, INSTITUTIONS, TABLES
from payments.demo.story import Story, story
from rules import codes
from rules.findings import CHECKS
from rules.ruleset import load_builtin
from rules.zengin.name import account_name_problem

DAYS = [
    date(2026, 4, 1),
    date(2026, 4, 10),
    date(2026, 5, 6),
    date(2026, 6, 1),
    date(2026, 11, 21),
    date(2026, 12, 31),
    date(2027, 1, 4),
    date(2028, 2, 29),
    date(2027, 3, 1),
    date(2027, 3, 15),
    date(2027, 3, 31),
]
RULES = load_builtin("R3")


@lru_cache(maxsize=len(DAYS))
def told(today: date) -> Story:
    return story(today)


def numbers_of(outcome: Outcome) -> set[str]:
    return outcome.payable | {number for number, _ in outcome.holds}


@lru_cache(maxsize=len(DAYS))
def played(today: date) -> tuple[list[Outcome], Outcome, Outcome]:
    """The runs of the closed months, what the open month's run would be, and how all that is unpaid stands."""
    taken: set[str] = set()
    closed = []
    for closing in told(today).calendar.closings:
        outcome = run(told(today), midnight(calendar.next_month(closing.month)), taken)
        closed.append(outcome)
        taken |= outcome.payable
    plan = told(today).calendar
    return closed, run(told(today), plan.open_cutoff, taken), run(told(today), midnight(today), taken)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time())


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_the_story_is_the_same_every_time_it_is_told(today: date) -> None:
    assert story(today).tables == story(today).tables
    assert story(today, seed=2).tables[DISPATCHES] != story(today).tables[DISPATCHES]


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_there_are_enough_institutions_experts_clients_and_dispatches(today: date) -> None:
    tables = told(today).tables
    assert len(tables[INSTITUTIONS]) >= 20
    assert {row["機関区分"] for row in tables[INSTITUTIONS]} == set(codes.INSTITUTION_KINDS)
    assert {row["地域PF役割"] for row in tables[INSTITUTIONS]} >= {"代表", "構成"}
    assert len(tables[EXPERTS]) >= 60
    assert {row["源泉区分"] for row in tables[EXPERTS]} == set(codes.PAYEE_CLASSES)
    assert {row["登録要件"] for row in tables[EXPERTS]} == set(codes.REGISTRATION_GROUNDS)
    assert len(tables[COMPANIES]) >= 120
    assert {row["企業区分"] for row in tables[COMPANIES]} == set(codes.COMPANY_KINDS)
    assert len(tables[DISPATCHES]) >= 300
    assert len({row["専門家コード"] for row in tables[DISPATCHES]}) >= 50


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_every_finding_is_among_the_open_dispatches(today: date) -> None:
    _, _, unpaid = played(today)
    assert unpaid.codes == {check.code for check in CHECKS}


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_the_closed_months_paid_most_of_their_dispatches(today: date) -> None:
    closed, _, _ = played(today)
    assert len(closed) >= 2
    for outcome in closed:
        assert len(outcome.payable) >= 60
        assert sum(month.totals.net for month in outcome.months if month.totals) > 1_000_000


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_a_person_can_draft_a_run_of_the_open_month_right_away(today: date) -> None:
    plan, (_, open_month, _) = told(today).calendar, played(today)
    assert plan.open_cutoff <= midnight(today)
    assert calendar.next_month(plan.open_month) >= plan.open_cutoff.date()
    last = RULES.pay_by_date(fiscal_year(plan.open_month))
    assert any(bank_open(today + timedelta(days=days)) for days in range((last - today).days + 1))
    early = plan.open_needs_cutoff and today.day < 8
    assert len(open_month.payable) >= (15 if early else 50)
    if not plan.open_needs_cutoff:
        # most things of the month are ready
        ours = [number for number in numbers_of(open_month) if in_month(told(today), number, plan.open_month)]
        assert len(open_month.payable & set(ours)) > len(ours) / 2


def in_month(told_story: Story, number: str, month: date) -> bool:
    start = next(row["実施開始"] for row in told_story.tables[DISPATCHES] if row["派遣番号"] == number)
    return start.startswith(f"{month:%Y-%m}")


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_closed_months_were_paid_on_banking_days_in_time_and_before_today(today: date) -> None:
    for closing in told(today).calendar.closings:
        assert bank_open(closing.pay_date)
        assert closing.pay_date < today
        assert closing.pay_date <= RULES.pay_by_date(fiscal_year(closing.month))


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_nothing_has_happened_that_lies_in_the_future(today: date) -> None:
    tables = told(today).tables
    now = f"{today} 09:00"
    for row in tables[DISPATCHES]:
        for column in ("実施開始", "実施終了", "報告日時", "従事証明日時", "機関承認日時"):
            assert row[column] < now
        assert row["実施開始"] < f"{today}"
    assert all(row["端末時刻"] < now for row in tables[EVENTS])


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_visits_lie_ahead_unless_the_dispatch_period_is_over_for_weeks(today: date) -> None:
    ahead = [row for row in told(today).tables[DISPATCHES] if row["予定開始"] >= f"{today}"]
    inside = calendar.business_days(today, told(today).calendar.last_planned)
    assert len(ahead) >= len(inside)
    assert all(calendar.dispatch_day(date.fromisoformat(row["予定開始"][:10])) for row in ahead)


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_nobody_is_at_two_places_except_where_the_story_says_so(today: date) -> None:
    overlapping = [visit for visit in all_visits(told(today)).values() if visit.overlaps]
    assert len(overlapping) == 2


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_reports_follow_visits_and_approvals_follow_reports(today: date) -> None:
    for row in told(today).tables[DISPATCHES]:
        if row["報告日時"]:
            assert row["報告日時"] > row["実施終了"]
            assert row["支援内容"]
        if row["機関承認日時"]:
            assert row["機関承認日時"] > row["報告日時"] > ""


def test_every_kind_of_travel_and_of_bank_occurs() -> None:
    tables = told(date(2026, 11, 21)).tables
    assert {row["種別"] for row in tables[CLAIMS]} == set(codes.TRAVEL_KINDS)
    assert any(row["行程番号"] for row in tables[DISPATCHES])
    banks = Counter(row["銀行コード"] for row in tables[EXPERTS])
    assert banks["9900"] >= 3
    assert len(banks) >= 12


def test_a_full_day_and_a_journey_are_explained_by_cap_and_per_diem() -> None:
    closed, _, _ = played(date(2026, 11, 21))
    lines = [line for outcome in closed for month in outcome.months for line in month.lines]
    assert any(line.item == codes.ITEM_PER_DIEM for line in lines)
    assert any(line.item == codes.TRAVEL_LODGING for line in lines)
    fees: Counter[tuple[str, date]] = Counter()
    for outcome in closed:
        for month in outcome.months:
            for line in month.lines:
                if line.item == codes.ITEM_FEE:
                    fees[month.payee_code, line.day] += line.amount
    assert max(fees.values()) == RULES.fee_day_cap_yen


def test_only_the_cast_has_bad_accounts_and_rare_characters_are_there() -> None:
    rows = told(date(2026, 11, 21)).tables[EXPERTS]
    unknown = [row for row in rows if not (payee(row).bank_known and payee(row).branch_known)]
    assert len(unknown) == 2
    assert sum(account_name_problem(row["口座名義カナ"], 30) is not None for row in rows) == 2
    names = "".join(row["氏名"] for row in rows)
    assert all(character in names for character in "𠮷髙﨑邉")


def test_addresses_numbers_and_mail_are_invented() -> None:
    tables = told(date(2026, 11, 21)).tables
    for table in (INSTITUTIONS, EXPERTS, COMPANIES):
        for row in tables[table]:
            assert row["電話番号"].startswith(("03-0000-", "090-0000-"))
            assert not row["メールアドレス"] or row["メールアドレス"].endswith(".example.jp")
    for row in tables[COMPANIES]:
        assert not row["法人番号"] or is_corporate_number(row["法人番号"])
    assert Bank.all["9900"].name == "ゆうちょ"


def test_keys_are_unique() -> None:
    tables = told(date(2026, 11, 21)).tables
    assert set(tables) == set(TABLES)
    for table, key in (
        (INSTITUTIONS, ("機関コード",)),
        (EXPERTS, ("専門家コード",)),
        (COMPANIES, ("企業コード",)),
        (DISPATCHES, ("派遣番号",)),
        (EVENTS, ("イベントID",)),
        (CLAIMS, ("派遣番号", "行番号")),
    ):
        keys = [tuple(row[column] for column in key) for row in tables[table]]
        assert len(set(keys)) == len(keys)
