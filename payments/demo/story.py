"""The story: who visited whom in the last months and what came of it, relative to a day (pure: no database)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final

from core.japan.calendar import fiscal_year

from .calendar import Calendar, business_days, calendar_of, next_month
from .dispatches import Dispatch
from .first_day import visits_of_those_who_sign_in
from .rows import CLAIMS, COMPANIES, DECLARATIONS, DISPATCHES, EVENTS, EXPERTS, INSTITUTIONS, PAYER, Row, row
from .stage import Stage

PAYER_CODE: Final = "9119000001"
# visits of the last full months, oldest first
_MONTHLY: Final = (85, 90, 118)
_DAILY_NOW: Final = 5
_DAILY_IN_APRIL: Final = 9
_DAILY_PLANNED: Final = 2

# How often each trouble is among the dispatches of the newest full month, and in the months before.
_RECENT: Final = (
    ("E01", 1), ("E02", 2), ("E03", 1), ("E04", 2), ("E05", 2), ("P01", 1), ("P02", 2), ("P03", 1), ("P04", 1),
    ("P05", 1), ("X02", 1), ("X04", 1), ("X05", 1), ("X06", 1), ("M01", 1), ("T02", 1), ("T03", 1), ("T06", 1),
    ("T07", 3),
)  # fmt: skip
_EARLIER: Final = (("E03", "P02", "T07"), ("E04", "P03", "M01", "X05", "T02"))


@dataclass(frozen=True)
class Story:
    """The tables of the exchange files by file name, and what to do with them."""

    calendar: Calendar
    seed: int
    tables: dict[str, list[Row]]
    # who signs in: a platform's representative and an expert with payments
    institution_code: str
    expert_code: str


def _past_months(stage: Stage) -> None:
    plan = stage.plan
    journeys = (("13", "15"), ("27", "40"), ("40", "47"))
    for position, (month, count) in enumerate(zip(plan.past, _MONTHLY, strict=True)):
        end = next_month(month)
        days = business_days(month, end)
        newest = position == len(plan.past) - 1
        stage.full_day(days, "23")
        stage.full_day(days[3:], "13")
        stage.journey(days[4:], *journeys[position])
        stage.special_people(days, ("abroad", "firm", "second_firm", "own_chamber"))
        if newest:
            _newest_month(stage, days)
        elif position == 1:
            stage.special_people(days[2:], ("unknown_branch", "subsidised"))
            stage.four_visits(days, exception=True)
        written = stage.write_period(month, end, count)
        stage.call_off_some(written)
        for code in _EARLIER[position] if not newest else ():
            stage.let_go_wrong(written, code)
        if newest:
            for code, times in _RECENT:
                for _ in range(times):
                    stage.let_go_wrong(written, code)
        stage.settle_some(written)


def _newest_month(stage: Stage, days: Sequence[date]) -> None:
    """What the open findings need: people whose data hold a payment, long journeys, a fourth visit, an overlap."""
    roles = (
        "unknown_branch",
        "unknown_bank",
        "refused_holder",
        "long_holder",
        "subsidised",
        "own_institution",
    )
    stage.special_people(days[1:], roles)
    stage.four_visits(days, exception=False)
    stage.overlapping(days[5])
    stage.sent_far("T01", days[2], "13", "47")
    stage.sent_far("T05", days[3], "23", "01")
    stage.sent_far("T04", days[6], "27", "40")


def _now_and_ahead(stage: Stage) -> None:
    plan = stage.plan
    daily = _DAILY_IN_APRIL if plan.open_needs_cutoff else _DAILY_NOW
    now = business_days(plan.current, plan.today)
    stage.call_off_some(stage.write_period(plan.current, plan.today, daily * len(now)))
    end = plan.last_planned + timedelta(days=1)
    ahead = business_days(plan.today, end)
    stage.call_off_some(stage.write_period(plan.today, end, _DAILY_PLANNED * len(ahead)))


def _after_the_period(stage: Stage) -> None:
    """Somebody visited in March, when the dispatch period was over; it was never settled."""
    client = stage.fresh_client()
    expert = stage.expert_for(client, stage.plan.too_late)
    assert expert is not None
    stage.visit(expert, client, stage.plan.too_late, fixed=True)


def _number(dispatches: list[Dispatch]) -> None:
    dispatches.sort(key=lambda one: (one.planned_from, one.expert.code))
    serial: Counter[int] = Counter()
    for dispatch in dispatches:
        year = fiscal_year(dispatch.planned_from.date())
        serial[year] += 1
        dispatch.number = f"D{year}{serial[year]:06d}"


def _payer() -> Row:
    return row(
        {
            "委託者コード": PAYER_CODE,
            "委託者名カナ": "ミホンセンモンカハケンジムキヨク",
            "名称": "みほん専門家派遣事務局株式会社",
            "住所": "東京都千代田区見本町1-1-9 見本ビル5階",
            "電話番号": "03-0000-0119",
            "法人番号": "9999901000119",
            "登録番号": "T9999901000119",
            "銀行コード": "0001",
            "支店コード": "009",
            "預金種目": "普通",
            "口座番号": "0119119",
        }
    )


def story(today: date, seed: int = 119) -> Story:
    """The story as told on a day; the same day and seed always give the same."""
    # nothing here is a secret: the generator must be repeatable
    rng = Random(f"{today.isoformat()}/{seed}")  # noqa: S311
    stage = Stage(calendar_of(today), rng)
    _after_the_period(stage)
    _past_months(stage)
    _now_and_ahead(stage)
    paid = Counter(one.expert.code for one in stage.dispatches if one.approved_at and one.expert.ordinary)
    busiest = min(paid, key=lambda code: (-paid[code], code))
    representative = next(one for one in stage.institutions if one.row["地域PF役割"] == "代表")
    expert = next(one for one in stage.experts if one.code == busiest)
    visits_of_those_who_sign_in(stage, expert, representative)
    _number(stage.dispatches)
    tables = {
        PAYER: [_payer()],
        INSTITUTIONS: [one.row for one in stage.institutions],
        EXPERTS: [one.row for one in stage.experts],
        COMPANIES: [one.row for one in stage.clients],
        DISPATCHES: [one.row() for one in stage.dispatches],
        EVENTS: [event for one in stage.dispatches for event in one.event_rows()],
        DECLARATIONS: [declared for one in stage.dispatches for declared in one.declaration_rows()],
        CLAIMS: [line for one in stage.dispatches for line in one.claim_rows()],
    }
    return Story(stage.plan, seed, tables, representative.code, busiest)
