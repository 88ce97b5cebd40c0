"""What is known of experts beside their register: who helped whom, who is free, who declined (A5).

Of another institution's dispatches only numbers are told (how many visits, planned or not): never whose, where, for whom.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from accounts.models import User
from core import clock
from core.japan.addresses import municipality_of
from core.japan.industries import industry_name
from core.japan.prefectures import BY_CODE
from core.programme.selectors import RuleBook
from dispatch.models import Attestation, Case, Company, Dispatch, Status
from dispatch.transitions import PLANNED
from experts.models import Expert
from experts.search import Hit, Need, Reason
from institutions.models import Institution

# What a fact is worth in the order, beside those of experts.search (docs/expert-search.md says why so).
SERVED_CLIENT = 15
KNOWN_HERE = 5
BUSY_THAT_DAY = -10
PLANNED_VISIT, PLANNED_MOST = -2, -8
OBJECTED = -10
DECLINED_CASE = -30
# How far ahead "soon" reaches.
SOON = dt.timedelta(days=14)
_ENDED = (Status.CANCELLED, Status.DECLINED)

Position = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Card:
    """An expert as an institution may see one before a dispatch exists."""

    hit: Hit
    place: str
    industries: list[str]
    own_visits: int
    all_visits: int
    # a warning that no dispatch of this expert would be paid here
    not_payable: bool

    @property
    def expert(self) -> Expert:
        """The expert; templates show name, kana, topics, qualifications and requirement of them."""
        return self.hit.expert

    @property
    def km(self) -> int | None:
        """Whole kilometres as the crow flies, at least one: a base is often a home."""
        return None if self.hit.km is None else max(1, round(self.hit.km))


def position_of(company: Company, user: User) -> Position | None:
    """Where a client is: as registered, else where the last own dispatch to it went. At most one query."""
    latitude, longitude = company.latitude, company.longitude
    if latitude is None or longitude is None:
        found = (
            Dispatch.objects.visible_to(user)
            .filter(company=company, latitude__isnull=False, longitude__isnull=False)
            .order_by("-planned_from")
            .first()
        )
        if found is None:
            return None
        latitude, longitude = found.latitude, found.longitude
    assert latitude is not None and longitude is not None  # asked for above
    return float(latitude), float(longitude)


def need_of(
    institution: Institution,
    case: Case | None,
    position: Position | None,
    topic: str = "",
    industry: str = "",
) -> Need:
    """For whom somebody is looked for; without a case what was asked for counts. One query."""
    rules = RuleBook()(clock.today())
    exempt = rules is not None and institution.kind in rules.own_institution_exempt_kinds
    return Need(
        topic=case.topic if case else topic,
        industry=case.company.industry if case else industry,
        prefecture=case.company.prefecture_code if case else institution.prefecture_code,
        latitude=position[0] if position else None,
        longitude=position[1] if position else None,
        institution="" if exempt else institution.code,
    )


def known_of(user: User, case: Case | None, day: dt.date | None) -> dict[int, list[Reason]]:
    """Reasons by expert from what happened and what is planned; three queries."""
    found: dict[int, list[Reason]] = {}
    for row in _own(user, case):
        reasons = found.setdefault(row["expert"], [])
        if row["client"]:
            reasons.append(Reason(f"この支援先を過去に担当: {row['client']}回", SERVED_CLIENT))
        if row["visits"]:
            reasons.append(Reason(f"貴機関の派遣: {row['visits']}回", KNOWN_HERE))
        if row["declined"]:
            reasons.append(Reason("この案件の派遣を辞退", DECLINED_CASE))
    for row in _objections(user):
        found.setdefault(row["dispatch__expert"], []).append(
            Reason(f"貴機関の派遣で支援先から相違の申し出: {row['count']}件", OBJECTED)
        )
    for row in _planned(day):
        reasons = found.setdefault(row["expert"], [])
        if row["that_day"] and day is not None:
            reasons.append(Reason(f"{day.month}月{day.day}日に別の派遣の予定", BUSY_THAT_DAY))
        if row["soon"]:
            points = max(PLANNED_MOST, PLANNED_VISIT * row["soon"])
            reasons.append(Reason(f"今後{SOON.days}日間の予定: {row['soon']}件", points))
    return {expert: reasons for expert, reasons in found.items() if reasons}


def _own(user: User, case: Case | None) -> Iterable[Any]:
    took_place = Q(visited_from__isnull=False) & ~Q(status__in=_ENDED)
    client = took_place & Q(company=case.company_id) if case else Q(pk=None)
    declined = Q(status=Status.DECLINED, application__case=case) if case else Q(pk=None)
    return (
        Dispatch.objects.visible_to(user)
        .order_by()
        .values("expert")
        .annotate(
            visits=Count("pk", filter=took_place),
            client=Count("pk", filter=client),
            declined=Count("pk", filter=declined),
        )
    )


def _objections(user: User) -> Iterable[Any]:
    return (
        Attestation.objects.visible_to(user)
        .filter(confirmed=False)
        .order_by()
        .values("dispatch__expert")
        .annotate(count=Count("dispatch", distinct=True))
    )


def _planned(day: dt.date | None) -> Iterable[Any]:
    now = clock.now()
    soon = Q(planned_from__gte=now, planned_from__lt=now + SOON)
    that_day = Q(pk=None)
    if day is not None:
        start = clock.from_jst(dt.datetime.combine(day, dt.time()))
        that_day = Q(planned_from__gte=start, planned_from__lt=start + dt.timedelta(days=1))
    return (
        Dispatch.objects.filter(soon | that_day, status__in=PLANNED)
        .order_by()
        .values("expert")
        .annotate(soon=Count("pk", filter=soon), that_day=Count("pk", filter=that_day))
    )


def cards_of(hits: list[Hit], user: User, need: Need) -> list[Card]:
    """The hits of a page as cards; one query."""
    own = Q(institution__in=Institution.objects.visible_to(user).filter(members__user=user).values("pk"))
    counts: dict[int, dict[str, int]] = {
        row["expert"]: {"here": row["here"], "everywhere": row["everywhere"]}
        for row in Dispatch.objects.filter(
            expert__in=[hit.expert.pk for hit in hits], visited_from__isnull=False
        )
        .exclude(status__in=_ENDED)
        .order_by()
        .values("expert")
        .annotate(everywhere=Count("pk"), here=Count("pk", filter=own))
    }
    return [
        Card(
            hit,
            place_of(hit.expert),
            [industry_name(letter) for letter in hit.expert.industries],
            counts.get(hit.expert.pk, {}).get("here", 0),
            counts.get(hit.expert.pk, {}).get("everywhere", 0),
            hit.expert.subsidised_labour
            or bool(need.institution and need.institution in hit.expert.affiliated_codes),
        )
        for hit in hits
    ]


def place_of(expert: Expert) -> str:
    """Prefecture and municipality: as much of an expert's address as an institution needs to choose."""
    prefecture = BY_CODE.get(expert.prefecture_code)
    return (prefecture.name if prefecture else "") + municipality_of(expert.address)
