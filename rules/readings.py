"""The readings a rule set chooses from (rules.md §6), the ways of withholding, and the payment slips."""

from __future__ import annotations

from typing import Final

# Of each group the first is what R3 uses.
HALF_HOUR_UNITS: Final = "half_hour_units"
PER_MINUTE_IF_30: Final = "per_minute_if_30"
ROUND_HALF_UP_HOURS: Final = "round_half_up_hours"
PER_DISPATCH: Final = "per_dispatch"
PER_DAY: Final = "per_day"
CAP_EXPERT_DAY: Final = "expert_day"
CAP_DISPATCH: Final = "dispatch"
CEILING: Final = "ceiling"
FLAT: Final = "flat"
EVERY_NIGHT: Final = "every_night"
SEVERAL_NIGHTS: Final = "several_nights"
DAY_AND_ITINERARY: Final = "day_and_itinerary"
DAY_ONLY: Final = "day_only"
INELIGIBLE: Final = "ineligible"
PAYABLE: Final = "payable"
START_TIME: Final = "start_time"
TAX_INCLUDED: Final = "tax_included"
TAX_EXCLUDED: Final = "tax_excluded"

# How a payee class is withheld from (rules.md §1).
WITHHOLD_TIERED: Final = "tiered"
WITHHOLD_DEDUCTED: Final = "deducted"
WITHHOLD_NON_RESIDENT: Final = "non_resident"
WITHHOLD_NONE: Final = "none"

SLIP_SALARY: Final = "給与所得・退職所得等の所得税徴収高計算書"
SLIP_FEES: Final = "報酬・料金等の所得税徴収高計算書"
SLIP_NON_RESIDENT: Final = "非居住者・外国法人の所得についての所得税徴収高計算書"

SLIP_CHOICES: Final = (
    (SLIP_SALARY, SLIP_SALARY),
    (SLIP_FEES, SLIP_FEES),
    (SLIP_NON_RESIDENT, SLIP_NON_RESIDENT),
    ("", "納付書なし"),
)
WITHHOLDING_METHOD_CHOICES: Final = (
    (WITHHOLD_TIERED, "二段階の税率"),
    (WITHHOLD_DEDUCTED, "控除後に税率"),
    (WITHHOLD_NON_RESIDENT, "非居住者の税率"),
    (WITHHOLD_NONE, "徴収しない"),
)
