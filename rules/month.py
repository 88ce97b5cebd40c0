"""One expert's month: what is payable, what is held and why, every line explained (rules.md §2–§5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from rules import codes
from rules.facts import NOTHING_EARLIER, Earlier, Payee, Visit, claimed_km, support_minutes
from rules.fee import day_fees
from rules.findings import Finding, check
from rules.payment import Totals, totals
from rules.per_diem import Leg, per_diem_of_day
from rules.ruleset import RuleSet
from rules.travel import assess

RulesForDay = Callable[[date], RuleSet | None]


@dataclass(frozen=True, slots=True)
class PaidLine:
    """One line of a payout in yen; `item` is 謝金, 日当 or a travel 種別, `line_no` 0 but for claim lines."""

    number: str
    item: str
    line_no: int
    amount: int
    day: date
    explanation: str


@dataclass(frozen=True, slots=True)
class ExpertMonth:
    """What a run does with an expert's dispatches. `totals` is None when nothing is payable."""

    payee_code: str
    lines: tuple[PaidLine, ...]
    holds: tuple[tuple[str, Finding], ...]
    payable: tuple[str, ...]
    totals: Totals | None


def _in_time_order(visits: Iterable[Visit]) -> list[Visit]:
    return sorted(visits, key=lambda visit: (visit.start, visit.number))


def findings_of_expert(
    payee: Payee,
    visits: Iterable[Visit],
    cutoff: datetime | None,
    rules_for_day: RulesForDay,
    reference: RuleSet | None = None,
    waived: Collection[tuple[str, str]] = (),
) -> dict[str, tuple[Finding, ...]]:
    """The findings by 派遣番号 of the visits that began before the cut-off; an empty tuple means payable.

    `waived` are (派遣番号, code) of 保留 that the office waived with a reason.
    """
    found: dict[str, tuple[Finding, ...]] = {}
    for visit in visits:
        if cutoff is not None and visit.start >= cutoff:
            continue
        rules = rules_for_day(visit.start.date())
        findings = check(visit, payee, rules, cutoff, reference)
        # Without a rule set nothing can be calculated, so that hold cannot be waived.
        if waived and findings and rules is not None:
            findings = tuple(
                finding
                for finding in findings
                if finding.kind != codes.FINDING_HOLD or (visit.number, finding.code) not in waived
            )
        found[visit.number] = findings
    return found


def calculate_expert(
    payee: Payee,
    visits: Iterable[Visit],
    earlier: Earlier,
    cutoff: datetime | None,
    rules_for_day: RulesForDay,
    payment_rules: RuleSet,
    waived: Collection[tuple[str, str]] = (),
) -> ExpertMonth:
    """A run's result for one expert.

    `visits` are all of the expert's dispatches with 実施開始 that are not cancelled or declined and in no
    earlier run; those that begin at or after the cut-off are left out. Lines are sorted by 派遣番号, 費目 and
    line number, holds by 派遣番号, 区分 and code, all by code point (exchange.md §3).
    """
    visits = list(visits)
    findings = findings_of_expert(payee, visits, cutoff, rules_for_day, payment_rules, waived)
    holds = [(number, finding) for number, found in findings.items() for finding in found]
    holds.sort(key=lambda entry: (entry[0], entry[1].kind, entry[1].code))
    payable = _in_time_order(visit for visit in visits if findings.get(visit.number) == ())
    lines = [
        *_fee_lines(payable, earlier, rules_for_day),
        *_travel_lines(payable, rules_for_day),
        *_per_diem_lines(payable, earlier, rules_for_day),
    ]
    lines.sort(key=lambda line: (line.number, line.item, line.line_no))
    fee = sum(line.amount for line in lines if line.item == codes.ITEM_FEE)
    gross = sum(line.amount for line in lines)
    return ExpertMonth(
        payee_code=payee.code,
        lines=tuple(lines),
        holds=tuple(holds),
        payable=tuple(sorted(visit.number for visit in payable)),
        totals=totals(len(payable), fee, gross - fee, payee.payee_class, payment_rules) if payable else None,
    )


def _rules_of(day: date, rules_for_day: RulesForDay) -> RuleSet:
    rules = rules_for_day(day)
    if rules is None:
        raise LookupError(f"{day} に有効な規程がありません")
    return rules


def _by_day(visits: Iterable[Visit]) -> dict[date, list[Visit]]:
    grouped: dict[date, list[Visit]] = defaultdict(list)
    for visit in visits:
        grouped[visit.start.date()].append(visit)
    return grouped


def _fee_lines(payable: list[Visit], earlier: Earlier, rules_for_day: RulesForDay) -> Iterable[PaidLine]:
    for day, visits in _by_day(payable).items():
        fees = day_fees(
            [support_minutes(visit) for visit in visits],
            _rules_of(day, rules_for_day),
            earlier.fee_by_day.get(day, 0),
            sum(paid.minutes for paid in earlier.visits if paid.day == day),
        )
        for visit, fee in zip(visits, fees, strict=True):
            yield PaidLine(visit.number, codes.ITEM_FEE, 0, fee.amount, day, fee.explanation)


def _travel_lines(payable: list[Visit], rules_for_day: RulesForDay) -> Iterable[PaidLine]:
    for visit in payable:
        if visit.travel_lines:
            for result in assess(visit, _rules_of(visit.start.date(), rules_for_day)):
                yield PaidLine(
                    visit.number, result.item, result.line_no, result.amount, result.day, result.explanation
                )


def _legs(payable: list[Visit], earlier: Earlier) -> Iterable[Leg]:
    for visit in payable:
        yield Leg(
            visit.number,
            visit.start.date(),
            visit.start,
            support_minutes(visit),
            visit.itinerary,
            claimed_km(visit),
            in_this_run=True,
        )
    for paid in earlier.visits:
        yield Leg(paid.number, paid.day, paid.start, paid.minutes, paid.itinerary, paid.km, in_this_run=False)


def _per_diem_lines(payable: list[Visit], earlier: Earlier, rules_for_day: RulesForDay) -> Iterable[PaidLine]:
    by_day: dict[date, list[Leg]] = defaultdict(list)
    by_itinerary: dict[str, list[Leg]] = defaultdict(list)
    for leg in _legs(payable, earlier):
        by_day[leg.day].append(leg)
        if leg.itinerary:
            by_itinerary[leg.itinerary].append(leg)
    for day in {visit.start.date() for visit in payable}:
        if day in earlier.per_diem_days:
            continue
        per_diem = per_diem_of_day(by_day[day], by_itinerary, _rules_of(day, rules_for_day))
        if per_diem is not None:
            yield PaidLine(
                per_diem.number, codes.ITEM_PER_DIEM, 0, per_diem.amount, day, per_diem.explanation
            )


__all__ = [
    "NOTHING_EARLIER",
    "ExpertMonth",
    "PaidLine",
    "RulesForDay",
    "calculate_expert",
    "findings_of_expert",
]
