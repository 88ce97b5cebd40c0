"""What a dispatch that is held would be paid if nothing held it, taken alone: for the office's figures only."""

from rules.codes import FINDING_INELIGIBLE, ITEM_FEE
from rules.facts import Visit, support_minutes
from rules.fee import day_fees
from rules.findings import Finding
from rules.month import PaidLine, RulesForDay
from rules.travel import assess

from .expert_results import ExpertResult


def estimated_lines(result: ExpertResult, visit: Visit, rules_for_day: RulesForDay) -> tuple[PaidLine, ...]:
    """Fee and travel of a held or incomplete dispatch, without per diem; nothing where no rule set is in force."""
    day = visit.start.date()
    rules = rules_for_day(day)
    if rules is None:
        return ()
    taken = result.earlier.fee_by_day.get(day, 0)
    minutes = sum(paid.minutes for paid in result.earlier.visits if paid.day == day)
    fee = day_fees([support_minutes(visit)], rules, taken, minutes)[0]
    return (
        PaidLine(visit.number, ITEM_FEE, 0, fee.amount, day, fee.explanation),
        *(
            PaidLine(visit.number, line.item, line.line_no, line.amount, line.day, line.explanation)
            for line in assess(visit, rules)
        ),
    )


def lines_of(
    result: ExpertResult, visit: Visit, findings: list[Finding], rules_for_day: RulesForDay
) -> tuple[PaidLine, ...]:
    """The lines of a payable dispatch, the estimate of a held one, nothing for one that is 対象外."""
    if not findings:
        return tuple(line for line in result.month.lines if line.number == visit.number)
    if any(found.kind == FINDING_INELIGIBLE for found in findings):
        return ()
    return estimated_lines(result, visit, rules_for_day)


def fee_and_travel(lines: tuple[PaidLine, ...]) -> tuple[int, int]:
    """Yen of the fee and of everything else, the per diem included."""
    fee = sum(line.amount for line in lines if line.item == ITEM_FEE)
    return fee, sum(line.amount for line in lines) - fee
