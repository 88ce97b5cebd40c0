"""What a dispatch will be paid once nothing stands in its way, for the expert who is about to report."""

import datetime as dt
from dataclasses import dataclass, replace

from core import clock
from core.programme.selectors import RuleBook
from dispatch.models import Dispatch
from rules import codes
from rules.facts import TravelLine, Visit
from rules.findings import Finding
from rules.month import PaidLine, calculate_expert, findings_of_expert
from rules.ruleset import RuleSet

from .facts import ExpertFacts, Scope, batch_facts


@dataclass(frozen=True, slots=True)
class Expectation:
    """The lines as they would be paid in yen, the findings as the dispatch stands, and what the office still accepts.

    `lines` are those of a dispatch that is attested and approved and whose 保留 are all settled; of a line that the
    office has not yet accepted the claim is taken (`unaccepted`: their 行番号). Nothing is paid for a 対象外 one.
    """

    lines: tuple[PaidLine, ...]
    findings: tuple[Finding, ...]
    unaccepted: tuple[int, ...]

    @property
    def fee(self) -> int:
        """Yen of the fee."""
        return sum(line.amount for line in self.lines if line.item == codes.ITEM_FEE)

    @property
    def total(self) -> int:
        """Yen of everything."""
        return sum(line.amount for line in self.lines)

    @property
    def travel(self) -> int:
        """Yen of travel and per diem."""
        return self.total - self.fee


def expected_payment(dispatch: Dispatch) -> Expectation | None:
    """What a dispatch would be paid and what is in its way; None when it has not taken place or is paid already.

    The rules of the run on the facts of this moment (rules.md §2–§5), only that the steps still to come are taken as
    done. Eleven queries.
    """
    book, now = RuleBook(), clock.now()
    rules = book(now.date()) or book.newest()
    if rules is None:
        return None
    scope = Scope(now, (dispatch.expert_id,))
    for facts in batch_facts(scope, [dispatch.expert_id]):
        for visit in facts.visits:
            if visit.number == dispatch.number:
                return _expectation(facts, visit, clock.jst(now), book, rules)
    return None


def _expectation(
    facts: ExpertFacts, visit: Visit, now: dt.datetime, book: RuleBook, rules: RuleSet
) -> Expectation:
    payee, number = facts.account.payee, visit.number
    findings = findings_of_expert(payee, [visit], now, book, rules, facts.waived)[number]
    before = now - dt.timedelta(minutes=1)
    smooth = replace(
        visit,
        report_at=visit.report_at or before,
        attested_at=visit.attested_at or before,
        approved_at=visit.approved_at or before,
        travel_lines=tuple(_accepted(line) for line in visit.travel_lines),
    )
    settled = {(number, found.code) for found in findings if found.kind == codes.FINDING_HOLD}
    month = calculate_expert(
        payee,
        [smooth if other is visit else other for other in facts.visits],
        facts.earlier,
        now,
        book,
        rules,
        facts.waived | settled,
    )
    lines = sorted(
        (line for line in month.lines if line.number == number),
        key=lambda line: (line.item != codes.ITEM_FEE, line.item in codes.TRAVEL_KINDS, line.line_no),
    )
    return Expectation(
        tuple(lines), findings, tuple(line.line_no for line in visit.travel_lines if _accepted(line) != line)
    )


def _accepted(line: TravelLine) -> TravelLine:
    """A line that the office measures or decides on, as if it accepted what was claimed."""
    if line.kind == codes.TRAVEL_CAR and line.accepted_km is None and line.km is not None:
        return replace(line, accepted_km=line.km)
    if line.kind == codes.TRAVEL_RENTAL and line.accepted_yen is None:
        return replace(line, accepted_yen=line.claimed)
    return line


__all__ = ["Expectation", "expected_payment"]
