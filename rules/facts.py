"""What the rules look at: one dispatch with its evidence, its payee, and what earlier runs paid.

Times are naive and mean JST. Yes/no facts are bool, an empty text is "", an empty amount or distance is None.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Event:
    """A check-in or check-out as the phone sent it; `kind` is 開始 or 終了."""

    event_id: str
    kind: str
    at: datetime
    lat: float | None
    lon: float | None
    accuracy_m: float | None
    signer: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """A 支援実施証明兼再発防止誓約書; it counts when it has a reason (rules.md §5)."""

    cause: str
    start: datetime | None
    end: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class TravelLine:
    """One line of a travel claim; amounts in yen, distances in km."""

    line_no: int
    day: date
    kind: str
    origin: str
    destination: str
    km: Decimal | None
    fare: int | None
    express: int | None
    reserved: int | None
    roundtrip_fare: int | None
    ordinary_fare: int | None
    claimed: int
    receipt: bool
    stub: bool
    seat: str
    no_public_transport: bool
    fast_boat: bool
    parallel_route: bool
    lodging_kind: str
    accepted_km: Decimal | None
    accepted_yen: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A dispatch that took place, with its evidence.

    `client_ordinal` is its 1-based place among the client's dispatches of the fiscal year (rules.md §5 L01),
    `overlaps` are the numbers of the expert's dispatches that overlap it (L03); both are found outside.
    """

    number: str
    institution_kind: str
    institution_code: str
    company_code: str
    topic: str
    method: str
    web_approved: bool
    lat: float | None
    lon: float | None
    start: datetime
    end: datetime
    break_minutes: int
    accompanied: bool
    accompanied_from: datetime | None
    accompanied_to: datetime | None
    no_accompaniment_reason: str
    requested_by_expert: bool
    paid_by_institution: bool
    limit_exception: bool
    report_at: datetime | None
    attested_at: datetime | None
    approved_at: datetime | None
    itinerary: str
    office_decision: str
    office_reason: str
    events: tuple[Event, ...]
    declarations: tuple[Declaration, ...]
    travel_lines: tuple[TravelLine, ...]
    client_ordinal: int | None
    overlaps: tuple[str, ...]


def support_minutes(visit: Visit) -> int:
    """Minutes of support: 実施終了 − 実施開始 − 休憩分 (rules.md §2)."""
    return int((visit.end - visit.start).total_seconds()) // 60 - visit.break_minutes


def claimed_km(visit: Visit) -> Decimal:
    """Σ km of the claim lines, 認定距離km where given, else 距離km (rules.md §3)."""
    total = Decimal(0)
    for line in visit.travel_lines:
        km = line.accepted_km if line.accepted_km is not None else line.km
        if km is not None:
            total += km
    return total


@dataclass(frozen=True, slots=True)
class Payee:
    """The expert as a payee; `bank_known` and `branch_known` say whether the bank master has the codes."""

    code: str
    name: str
    payee_class: str
    subsidised_labour: bool
    affiliated_codes: frozenset[str]
    bank_known: bool
    branch_known: bool
    bank_code: str
    branch_code: str
    account_name_kana: str


@dataclass(frozen=True, slots=True)
class PaidVisit:
    """A dispatch of the expert that an earlier run took: what per diem and cap need of it (minutes, km)."""

    number: str
    day: date
    start: datetime
    minutes: int
    itinerary: str
    km: Decimal


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier runs paid this expert: fee in yen by day, days with a per diem, the dispatches taken."""

    fee_by_day: Mapping[date, int]
    per_diem_days: Set[date]
    visits: tuple[PaidVisit, ...]


NOTHING_EARLIER = Earlier(fee_by_day={}, per_diem_days=frozenset(), visits=())
