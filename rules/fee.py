"""謝金: the fee of a dispatch from its support minutes (rules.md §2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rules import wording
from rules.readings import CAP_DISPATCH, HALF_HOUR_UNITS, PER_DAY, PER_MINUTE_IF_30
from rules.ruleset import RuleSet
from rules.wording import yen

_MINUTES_PER_HOUR = 60


@dataclass(frozen=True, slots=True)
class FeeLine:
    """The fee of one dispatch in yen, and how it came about."""

    amount: int
    explanation: str


def fee_before_cap(minutes: int, rules: RuleSet) -> int:
    """Yen for support minutes by the rule set's rounding, before the cap of the day."""
    if rules.fee_rounding == HALF_HOUR_UNITS:
        return minutes // rules.fee_unit_minutes * rules.fee_unit_yen
    if rules.fee_rounding == PER_MINUTE_IF_30:
        if minutes < rules.fee_unit_minutes:
            return 0
        return minutes * rules.fee_unit_yen // rules.fee_unit_minutes
    return _rounded_hours(minutes) * _hour_yen(rules)


def _rounded_hours(minutes: int) -> int:
    return (minutes + _MINUTES_PER_HOUR // 2) // _MINUTES_PER_HOUR


def _hour_yen(rules: RuleSet) -> int:
    return rules.fee_unit_yen * _MINUTES_PER_HOUR // rules.fee_unit_minutes


def _basis(minutes: int, amount: int, rules: RuleSet) -> str:
    """`2時間30分 → 5単位 × 2,640円 = 13,200円`."""
    length = wording.minutes(minutes)
    unit = rules.fee_unit_minutes
    if rules.fee_rounding == HALF_HOUR_UNITS:
        units = minutes // unit
        if not units:
            return f"{length} → {unit}分未満のため0単位 = {yen(0)}"
        return f"{length} → {units}単位 × {yen(rules.fee_unit_yen)} = {yen(amount)}"
    if rules.fee_rounding == PER_MINUTE_IF_30:
        if minutes < unit:
            return f"{length} → {unit}分未満 = {yen(0)}"
        return f"{length} → {minutes}分 × {yen(rules.fee_unit_yen)} ÷ {unit}分 = {yen(amount)}"
    return f"{length} → {_rounded_hours(minutes)}時間 × {yen(_hour_yen(rules))} = {yen(amount)}"


def day_fees(
    minutes: Sequence[int], rules: RuleSet, earlier_yen: int = 0, earlier_minutes: int = 0
) -> list[FeeLine]:
    """The fees of one expert's dispatches of one day, given in time order by their support minutes.

    `earlier_yen` and `earlier_minutes` are what earlier runs took of that day; the fee uses the cap first.
    """
    lines = []
    used = earlier_yen if rules.fee_earlier_runs_use_cap else 0
    paid = earlier_yen
    total_minutes = earlier_minutes
    for length in minutes:
        total_minutes += length
        if rules.fee_cut == PER_DAY:
            whole_day = fee_before_cap(total_minutes, rules)
            wanted = max(0, whole_day - paid)
            basis = (
                f"{wording.minutes(length)}（1日の合計{_basis(total_minutes, whole_day, rules)}、"
                f"これまでの {yen(paid)}を除き {yen(wanted)}）"
            )
        else:
            wanted = fee_before_cap(length, rules)
            basis = _basis(length, wanted, rules)
        left = rules.fee_day_cap_yen
        if rules.fee_cap_scope != CAP_DISPATCH:
            left = max(0, left - used)
        amount = min(wanted, left)
        lines.append(FeeLine(amount, f"謝金 {basis}{_cap_text(wanted, left, earlier_yen, rules)}"))
        used += amount
        paid += amount
    return lines


def _cap_text(wanted: int, left: int, earlier_yen: int, rules: RuleSet) -> str:
    cap = rules.fee_day_cap_yen
    text = f"1日上限{yen(cap)}の残り {yen(left)}"
    if earlier_yen and rules.fee_earlier_runs_use_cap and rules.fee_cap_scope != CAP_DISPATCH:
        text += f"、同じ日の支払済み {yen(earlier_yen)}"
    if wanted > left:
        return f"、支払は {yen(left)}（{text}）"
    return f"（{text}）"
