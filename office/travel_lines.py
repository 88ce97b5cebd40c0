"""What the office sees of a travel claim: every line with its facts, what the rules say, and what is to be decided.

No arithmetic of our own: amounts and their explanation come from rules.travel, before and after a decision alike.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, Min, OuterRef, Prefetch, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.models import User
from core import clock
from core.programme.selectors import RuleBook, dispatch_terms
from dispatch.models import Dispatch, Finding, Status, TravelLine
from dispatch.selectors import received_values
from dispatch.services import line_versions
from payments.selectors import visit_of
from rules import codes
from rules.facts import Visit
from rules.findings.claims import TITLES
from rules.findings.evidence import distance_m
from rules.ruleset import RuleSet
from rules.travel import KINDS, LineKind, assess

# What a claim's amount alone brings to the queue; shown like a code.
UNUSUAL = "目安超"
REASONS = {**TITLES, UNUSUAL: "請求額が目安を超える"}
# The claim stands; before the report the expert still writes it.
_CLAIMED = (Status.REPORTED, Status.APPROVED, Status.VERIFIED)
# The facts that matter for each kind, beside whatever else was claimed.
_FACTS: dict[str, tuple[str, ...]] = {
    "鉄道": ("km", "fare", "express", "reserved"),
    "航空": ("roundtrip_fare", "ordinary_fare", "seat", "stub", "receipt"),
    "船": ("roundtrip_fare", "ordinary_fare", "seat", "fast_boat", "parallel_route", "receipt"),
    "バス": ("fare",),
    "タクシー": ("no_public_transport", "receipt"),
    "私有車": ("km",),
    "レンタカー": ("no_public_transport", "receipt", "reason"),
    "宿泊": ("lodging_kind", "receipt", "reason"),
}
_ALL = (
    "km", "fare", "express", "reserved", "roundtrip_fare", "ordinary_fare", "seat", "stub", "fast_boat",
    "parallel_route", "no_public_transport", "lodging_kind", "receipt", "reason",
)  # fmt: skip
_YEN = frozenset({"fare", "express", "reserved", "roundtrip_fare", "ordinary_fare"})


@dataclass(frozen=True, slots=True)
class Fact:
    """One claimed fact of a line; `received` is what came in where the office corrected it."""

    label: str
    value: str
    received: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line as the office looks at it. Amounts in yen; None where the line is summed into another or has no rule."""

    line: TravelLine
    facts: tuple[Fact, ...]
    rule_yen: int | None
    explanation: str
    problems: tuple[tuple[str, str], ...]
    seen: int
    # the office still has to say something about it
    asks: bool

    @property
    def by_km(self) -> bool:
        """Whether the office accepts a distance instead of an amount."""
        return self.line.kind == codes.TRAVEL_CAR

    @property
    def accepted(self) -> str:
        """What the office accepted, as a form shows it."""
        value = self.line.accepted_km if self.by_km else self.line.accepted_yen
        return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Section:
    """The claim of a dispatch: its lines, the sum by the rules (without per diem), and the hint for car routes."""

    dispatch: Dispatch
    lines: tuple[Line, ...]
    total: int | None
    straight_km: float | None
    has_car: bool
    visit: Visit | None
    rules: RuleSet | None

    @property
    def claimed(self) -> int:
        """The sum of what was claimed."""
        return sum(each.line.claimed for each in self.lines)

    @property
    def double_straight_km(self) -> float | None:
        """There and back."""
        return None if self.straight_km is None else self.straight_km * 2


def travel_section(dispatch: Dispatch, *, usual_yen: int | None = None) -> Section:
    """Everything about a claim. A fixed number of queries."""
    lines = list(dispatch.travel_lines.order_by("line_no"))
    visit = visit_of(dispatch) if lines else None
    rules = RuleBook()(visit.start.date()) if visit else None
    usual = dispatch_terms(clock.today()).usual_claim_yen if usual_yen is None else usual_yen
    versions, received = line_versions(lines), received_values(dispatch) if lines else {}
    amounts = amounts_by_line(visit, rules)
    problems = _problems(visit, rules)
    rows = []
    for line in lines:
        amount = amounts.get(line.line_no)
        found = list(problems.get(line.line_no, ()))
        if is_unusual(line, usual):
            found.append((UNUSUAL, f"1行の目安 {usual:,}円を超えています"))
        rows.append(
            Line(
                line,
                _facts(line, received),
                amount[0] if amount else None,
                amount[1] if amount else "",
                tuple(found),
                versions[line.pk],
                any(code in ("T06", "T07", UNUSUAL) for code, _ in found),
            )
        )
    total = sum(yen for yen, _ in amounts.values()) if visit and rules else None
    has_car = any(line.kind == codes.TRAVEL_CAR for line in lines)
    return Section(dispatch, tuple(rows), total, straight_km(dispatch), has_car, visit, rules)


def is_unusual(line: TravelLine, usual_yen: int) -> bool:
    """Whether the amount alone asks for a look: more than usual, and nobody has decided."""
    return (
        bool(usual_yen)
        and line.claimed > usual_yen
        and line.accepted_yen is None
        and line.accepted_km is None
    )


def straight_km(dispatch: Dispatch) -> float | None:
    """The straight line from the expert's base to the place of support, one way; None where one is unknown."""
    expert = dispatch.expert
    if None in (expert.base_latitude, expert.base_longitude, dispatch.latitude, dispatch.longitude):
        return None
    points = (expert.base_latitude, expert.base_longitude, dispatch.latitude, dispatch.longitude)
    return distance_m(*(float(point) for point in points if point is not None)) / 1000


def amounts_by_line(visit: Visit | None, rules: RuleSet | None) -> dict[int, tuple[int, str]]:
    """Line → (yen, explanation) by the rules; a kind summed per dispatch stands at its first line."""
    if visit is None or rules is None:
        return {}
    return {result.line_no: (result.amount, result.explanation) for result in assess(visit, rules)}


def with_decisions(visit: Visit, decisions: Mapping[int, tuple[int | None, Decimal | None]]) -> Visit:
    """The visit as it would be with (認定額, 認定距離km) of some lines."""
    lines = tuple(
        replace(line, accepted_yen=decisions[line.line_no][0], accepted_km=decisions[line.line_no][1])
        if line.line_no in decisions
        else line
        for line in visit.travel_lines
    )
    return replace(visit, travel_lines=lines)


def _problems(visit: Visit | None, rules: RuleSet | None) -> dict[int, list[tuple[str, str]]]:
    """Line → what holds it, from the kinds' own functions; of a summed kind those that name the line."""
    found: dict[int, list[tuple[str, str]]] = {}
    if visit is None or rules is None:
        return found
    for line in visit.travel_lines:
        kind = KINDS[line.kind]
        assessment = (
            kind.rule(line, visit, rules) if isinstance(kind, LineKind) else kind.rule([line], visit, rules)
        )
        found[line.line_no] = [(code, problem.reason) for code, problem in assessment.problems]
    return found


def _facts(line: TravelLine, received: Mapping[tuple[str, str, str], str]) -> tuple[Fact, ...]:
    wanted = _FACTS.get(line.kind, ())
    names = [
        *wanted,
        *(name for name in _ALL if name not in wanted and getattr(line, name) not in (None, "", False)),
    ]
    facts = []
    for name in names:
        label = str(TravelLine._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
        was = received.get(("travel_claims", str(line.line_no), label))
        facts.append(Fact(label, _shown(name, getattr(line, name)), "" if was is None else was or "（空）"))
    return tuple(facts)


def _shown(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "有" if value else "無"
    if value is None or value == "":
        return "—"
    if name in _YEN:
        return f"{value:,}円"
    if name == "km":
        return f"{Decimal(value).normalize():f}km"
    return str(value)


def travel_queue(user: User) -> QuerySet[Dispatch]:
    """Dispatches whose claim waits for a decision of the office, oldest first.

    Each has `since` (when the first cause was seen or the claim handed in); findings T and lines are prefetched as
    `claim_findings` and `claim_lines`. Two queries more for these.
    """
    usual = dispatch_terms(clock.today()).usual_claim_yen
    findings = Finding.objects.filter(dispatch=OuterRef("pk"), code__startswith="T")
    unusual = TravelLine.objects.filter(
        dispatch=OuterRef("pk"), claimed__gt=usual, accepted_yen=None, accepted_km=None
    )
    first = findings.order_by().values("dispatch").annotate(first=Min("first_seen_at")).values("first")
    rows = (
        Dispatch.objects.visible_to(user)
        .filter(status__in=_CLAIMED)
        .annotate(
            is_held=Exists(findings),
            is_unusual=Exists(unusual) if usual else Value(False),
            since=Coalesce(Subquery(first), F("reported_at"), F("visited_to")),
        )
        .filter(Q(is_held=True) | Q(is_unusual=True))
    )
    return (
        rows.select_related("expert", "institution", "company")
        .prefetch_related(
            Prefetch(
                "findings",
                queryset=Finding.objects.filter(code__startswith="T").order_by("code"),
                to_attr="claim_findings",
            ),
            Prefetch("travel_lines", queryset=TravelLine.objects.order_by("line_no"), to_attr="claim_lines"),
        )
        .order_by("since", "number")
    )


def next_in_queue(user: User, after: Dispatch) -> str:
    """The number of the oldest claim that waits, other than this one; "" for none."""
    found = travel_queue(user).exclude(pk=after.pk).values_list("number", flat=True).first()
    return found or ""


def queue_state(user: User) -> tuple[int, dt.datetime | None]:
    """How many claims wait and since when the oldest does. One query."""
    found = travel_queue(user).order_by().aggregate(count=Count("pk"), oldest=Min("since"))
    return found["count"], found["oldest"]
