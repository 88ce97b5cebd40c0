"""Facts for tests: a visit that is payable as it stands, and what differs from it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rules.facts import Declaration, Event, Payee, TravelLine, Visit
from rules.findings import Finding, check
from rules.ruleset import RuleSet, load_builtin

VECTORS = Path(__file__).resolve().parents[1] / "data" / "vectors"
R3 = load_builtin("R3")
START = datetime(2021, 7, 5, 13, 0)
END = datetime(2021, 7, 5, 15, 0)
CUTOFF = datetime(2021, 8, 1)
LAT, LON = 35.681236, 139.767125


def vector_cases(name: str) -> list[dict[str, Any]]:
    """The cases of a vector file."""
    cases: list[dict[str, Any]] = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))["cases"]
    assert cases
    return cases


def case_id(case: dict[str, Any]) -> str:
    return str(case["id"])


def event(kind: str, at: datetime, **changes: Any) -> Event:
    made = Event(f"{kind}-{at}", kind, at, LAT, LON, 10.0, "代表 見本" if kind == "終了" else "")
    return replace(made, **changes)


def declared(cause: str, start: datetime | None = None, end: datetime | None = None) -> Declaration:
    return Declaration(cause, start, end, "押し忘れ")


def visit(number: str = "D00001", start: datetime = START, end: datetime = END, **changes: Any) -> Visit:
    """A face-to-face visit with everything in order; its events follow its times."""
    made = Visit(
        number=number,
        institution_kind="よろず支援拠点",
        institution_code="K00001",
        company_code="C000001",
        topic="IT活用",
        method="対面",
        web_approved=False,
        lat=LAT,
        lon=LON,
        start=start,
        end=end,
        break_minutes=0,
        accompanied=True,
        accompanied_from=start,
        accompanied_to=end,
        no_accompaniment_reason="",
        requested_by_expert=False,
        paid_by_institution=False,
        limit_exception=False,
        report_at=end,
        attested_at=end,
        approved_at=datetime(2021, 7, 31, 17, 0),
        itinerary="",
        office_decision="",
        office_reason="",
        events=(event("開始", start), event("終了", end)),
        declarations=(),
        travel_lines=(),
        client_ordinal=1,
        overlaps=(),
    )
    return replace(made, **changes)


def payee(**changes: Any) -> Payee:
    made = Payee(
        code="E000001",
        name="𠮷田 太郎",
        payee_class="報酬2号",
        subsidised_labour=False,
        affiliated_codes=frozenset(),
        bank_known=True,
        branch_known=True,
        bank_code="0001",
        branch_code="001",
        account_name_kana="ヨシダ タロウ",
    )
    return replace(made, **changes)


def travel_line(kind: str, claimed: int, line_no: int = 1, **changes: Any) -> TravelLine:
    made = TravelLine(
        line_no=line_no,
        day=date(2021, 7, 5),
        kind=kind,
        origin="自宅",
        destination="支援先",
        km=None,
        fare=None,
        express=None,
        reserved=None,
        roundtrip_fare=None,
        ordinary_fare=None,
        claimed=claimed,
        receipt=False,
        stub=False,
        seat="",
        no_public_transport=False,
        fast_boat=False,
        parallel_route=False,
        lodging_kind="",
        accepted_km=None,
        accepted_yen=None,
        reason="",
    )
    return replace(made, **changes)


def rules_with(**changes: Any) -> RuleSet:
    """R3 with other readings, through the JSON values as the admin would store them."""
    return RuleSet.from_values("test", R3.values() | changes)


def every_day(rules: RuleSet | None) -> Any:
    return lambda day: rules


def findings(
    made: Visit, who: Payee | None = None, rules: RuleSet | None = R3, cutoff: datetime | None = CUTOFF
) -> dict[str, Finding]:
    return {finding.code: finding for finding in check(made, who or payee(), rules, cutoff, reference=R3)}


def codes(made: Visit, who: Payee | None = None, rules: RuleSet | None = R3) -> set[str]:
    return set(findings(made, who, rules))


def start_event(**changes: Any) -> Event:
    return event("開始", START, **changes)


def end_event(**changes: Any) -> Event:
    return event("終了", END, **changes)
