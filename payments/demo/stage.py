"""The stage of the story: who is free, who has room, and the dispatches written so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Final

from core.japan.calendar import fiscal_year

from . import texts, travel
from .calendar import Calendar, business_days, dispatch_day, next_month
from .clients import Client, clients
from .dispatches import WEB, Dispatch, hand_in, take_place
from .experts import Expert, experts
from .institutions import Institution, institutions
from .places import straight_km
from .troubles import TROUBLES, settle

CLIENTS: Final = 210
_CLIENT_LIMIT: Final = 3
_TOLD_AT: Final = time(8, 0)
_SETTLED_SHARE: Final = 0.05
_CANCELLED_SHARE: Final = 0.04


@dataclass
class Case:
    """An institution's case: the visits that are still to come."""

    institution: Institution
    expert: Expert
    client: Client
    topic: str
    remaining: int
    due: date


class Stage:
    """Writes the dispatches, month by month; one generator of random numbers decides everything."""

    def __init__(self, plan: Calendar, rng: Random) -> None:
        self.plan = plan
        self.rng = rng
        self.now = datetime.combine(plan.today, _TOLD_AT)
        self.institutions = institutions(plan.today, rng)
        self.experts, self.cast = experts(self.institutions, rng)
        self.clients = clients(CLIENTS, rng)
        self.dispatches: list[Dispatch] = []
        self.busy: set[tuple[str, date]] = set()
        self.counts: Counter[tuple[str, int]] = Counter()
        self.cases: list[Case] = []
        self.itineraries = 0

    # -- choosing -----------------------------------------------------------------------------------------------

    def expert_for(self, client: Client, day: date) -> Expert | None:
        """Somebody free that day, rather from near by."""
        free = [one for one in self.experts if one.ordinary and (one.code, day) not in self.busy]
        if not free:
            return None
        return self.rng.choices(free, [self._nearness(one, client) for one in free])[0]

    @staticmethod
    def _nearness(expert: Expert, client: Client) -> float:
        km = straight_km(expert.town, client.town)
        return next(
            weight for limit, weight in ((25, 30.0), (90, 18.0), (300, 1.5), (9999, 0.15)) if km < limit
        )

    def client_with_room(self, visits: int, day: date, prefecture: str = "") -> Client:
        """A client that may have so many more visits in the fiscal year, of the prefecture if there is one, the least
        visited first.
        """
        year = fiscal_year(day)
        room = [one for one in self.clients if self.counts[one.code, year] + visits <= _CLIENT_LIMIT]
        room = [one for one in room if prefecture in ("", one.town.prefecture)] or room
        return min(room, key=lambda one: (self.counts[one.code, year], self.rng.random()))

    def fresh_client(self, prefecture: str = "") -> Client:
        """A client nobody has visited yet."""
        used = {code for code, _ in self.counts}
        return next(
            one for one in self.clients if one.code not in used and prefecture in ("", one.town.prefecture)
        )

    def institution_for(self, client: Client) -> Institution:
        """One of the client's prefecture, else any."""
        dispatching = [body for body in self.institutions if body.may_dispatch]
        near_by = [body for body in dispatching if body.town.prefecture == client.town.prefecture]
        return self.rng.choice(near_by or dispatching)

    # -- writing ------------------------------------------------------------------------------------------------

    def visit(
        self,
        expert: Expert,
        client: Client,
        day: date,
        *,
        institution: Institution | None = None,
        topic: str = "",
        start: time | None = None,
        minutes: int = 0,
        fixed: bool = False,
    ) -> Dispatch:
        """A dispatch on a day: as far as the day is past, with its visit, evidence, claim and report."""
        rng = self.rng
        begin = datetime.combine(
            day, start or rng.choice((time(9, 30), time(10), time(13), time(13, 30), time(14)))
        )
        if not minutes:
            minutes = rng.choice((120, 120, 150, 150, 180, 180, 210, 240))
            if start is None and begin.hour < 12 and rng.random() < 0.12:
                minutes = 420
        dispatch = Dispatch(
            institution or self.institution_for(client),
            expert,
            client,
            topic or rng.choice(expert.topics),
            begin,
            begin + timedelta(minutes=minutes),
            place=client.place,
            latitude=client.latitude,
            longitude=client.longitude,
            fixed=fixed,
        )
        self.busy.add((expert.code, day))
        self.counts[client.code, fiscal_year(day)] += 1
        self.dispatches.append(dispatch)
        if not fixed and rng.random() < 0.05:
            dispatch.method, dispatch.web_approved, dispatch.place = WEB, True, ""
            dispatch.latitude = dispatch.longitude = None
        if day < self.plan.today:
            take_place(dispatch, rng, exactly=fixed)
            if dispatch.method != WEB:
                dispatch.claim = travel.round_trip(expert.town, client.town, day, rng)
            hand_in(dispatch, self.now, rng, self._year_end(day), self._carried_over(day))
        return dispatch

    def _year_end(self, day: date) -> datetime | None:
        """February's visits are approved in February, unless the story is told before they all were paid."""
        if day.month != 2 or self.plan.today < date(day.year, 5, 1):
            return None
        return datetime.combine(next_month(day.replace(day=1)), time()) - timedelta(minutes=1)

    def _carried_over(self, day: date) -> datetime | None:
        """Told in April, before much of the new year has happened: half of late February was approved in March."""
        late = self.plan.open_needs_cutoff and day.month == 2 and day.day > 14
        if not late or self.rng.random() < 0.5:
            return None
        return datetime.combine(next_month(day.replace(day=1)), time(10)) + timedelta(
            days=self.rng.randint(1, 8)
        )

    def write_period(self, first: date, end: date, count: int) -> list[Dispatch]:
        """So many dispatches from `first` to the day before `end`: first the cases that go on, then new ones."""
        days = business_days(first, end)
        if not days:
            return []
        before = len(self.dispatches)
        for case in [case for case in self.cases if first <= case.due < end and dispatch_day(case.due)]:
            self._go_on(case, days)
        while len(self.dispatches) - before < count:
            day = self.rng.choice(days)
            client = self.client_with_room(1, day)
            room = _CLIENT_LIMIT - self.counts[client.code, fiscal_year(day)]
            visits = min(self.rng.choice((1, 2, 2, 3)), room)
            expert = self.expert_for(client, day)
            if expert is None:
                continue
            case = Case(
                self.institution_for(client), expert, client, self.rng.choice(expert.topics), visits, day
            )
            self.cases.append(case)
            self._go_on(case, days)
        return self.dispatches[before:]

    def _go_on(self, case: Case, days: Sequence[date]) -> None:
        day = next(
            (day for day in days if day >= case.due and (case.expert.code, day) not in self.busy), None
        )
        if day is None or case.remaining == 0:
            case.remaining = 0
        elif self.counts[case.client.code, fiscal_year(day)] < _CLIENT_LIMIT:
            self.visit(case.expert, case.client, day, institution=case.institution, topic=case.topic)
            case.remaining -= 1
            case.due = day + timedelta(days=self.rng.randint(10, 26))
        if case.remaining == 0:
            self.cases.remove(case)

    # -- parts of the story -------------------------------------------------------------------------------------

    def full_day(self, days: Sequence[date], prefecture: str) -> None:
        """Two clients on one day: two and a half and three and a half hours, exactly the cap."""
        home = [one for one in self.experts if one.ordinary and one.town.prefecture == prefecture]
        day, expert = next((day, one) for day in days for one in home if (one.code, day) not in self.busy)
        morning = self.visit(
            expert, self.client_with_room(1, day, prefecture), day, start=time(9, 30), minutes=150, fixed=True
        )
        afternoon = self.visit(
            expert,
            self.client_with_room(1, day, prefecture),
            day,
            start=time(13, 30),
            minutes=210,
            fixed=True,
        )
        first, second = morning.client.town, afternoon.client.town
        morning.claim = travel.one_way(day, expert.town, first)
        afternoon.claim = [] if first == second else travel.one_way(day, first, second)
        afternoon.claim += travel.one_way(day, expert.town, second, back=True)

    def journey(self, days: Sequence[date], home: str, there: str) -> None:
        """A journey over two days to two clients of another prefecture, with one night."""
        travellers = [one for one in self.experts if one.ordinary and one.town.prefecture == home]
        first, second, expert = next(
            (day, day + timedelta(days=1), one)
            for day in days
            for one in travellers
            if day + timedelta(days=1) in days
            and not {(one.code, day), (one.code, day + timedelta(days=1))} & self.busy
        )
        self.itineraries += 1
        itinerary = f"R{fiscal_year(first)}{self.itineraries:04d}"
        outward = self.visit(
            expert, self.client_with_room(1, first, there), first, start=time(13, 30), fixed=True
        )
        homeward = self.visit(
            expert, self.client_with_room(1, second, there), second, start=time(10), fixed=True
        )
        outward.itinerary = homeward.itinerary = itinerary
        outward.claim = travel.one_way(first, expert.town, outward.client.town)
        homeward.claim = [travel.lodging(first, self.rng)]
        if outward.client.town != homeward.client.town:
            homeward.claim += travel.one_way(second, outward.client.town, homeward.client.town)
        homeward.claim += travel.one_way(second, expert.town, homeward.client.town, back=True)

    def special_people(self, days: Sequence[date], roles: Sequence[str]) -> None:
        """Visits of the experts who have a part of their own."""
        for position, role in enumerate(roles):
            expert = self.cast[role]
            institution = None
            affiliated = expert.row["所属機関コード"]
            if affiliated:
                institution = next(body for body in self.institutions if body.code == affiliated)
            client = self.client_with_room(1, days[0], expert.town.prefecture)
            day = next(day for day in days[position % 7 :] if (expert.code, day) not in self.busy)
            self.visit(expert, client, day, institution=institution, fixed=True)

    def four_visits(self, days: Sequence[date], exception: bool) -> None:
        """One client four times in the year; the fourth with or without an approved exception."""
        client = self.fresh_client()
        expert = self.expert_for(client, days[0])
        assert expert is not None
        free = [day for day in days if (expert.code, day) not in self.busy]
        institution, topic = self.institution_for(client), self.rng.choice(expert.topics)
        for day in free[: 4 * 3 : 3]:
            last = self.visit(expert, client, day, institution=institution, topic=topic, fixed=True)
        last.limit_exception = exception

    def overlapping(self, day: date) -> None:
        """The same expert at two clients at the same time, by mistake of the report."""
        first_client = self.fresh_client()
        expert = self.expert_for(first_client, day)
        assert expert is not None
        for client, start in ((first_client, time(10)), (self.fresh_client(), time(12))):
            self.visit(expert, client, day, start=start, minutes=150, fixed=True)

    def sent_far(self, code: str, day: date, home: str, there: str) -> None:
        """A long journey on which something of the claim is missing."""
        expert = next(
            one
            for one in self.experts
            if one.ordinary and one.town.prefecture == home and (one.code, day) not in self.busy
        )
        dispatch = self.visit(expert, self.client_with_room(1, day, there), day, fixed=True)
        dispatch.claim = dispatch.claim or travel.round_trip(expert.town, dispatch.client.town, day, self.rng)
        TROUBLES[code](dispatch, self.rng)

    def let_go_wrong(self, written: Sequence[Dispatch], code: str) -> None:
        """A clean and approved dispatch gets the trouble of a code."""
        clean = [
            one
            for one in written
            if not one.fixed
            and one.approved_at
            and one.method != WEB
            and not one.declarations
            and not one.state
        ]
        # early ones first, so that what was due before the cut-off is there whatever the day of telling
        clean.sort(key=lambda one: one.planned_from)
        if code == "T07":
            clean = [one for one in clean if straight_km(one.expert.town, one.client.town) < 70] or clean
        chosen = self.rng.choice(clean[: max(1, len(clean) * 2 // 3)])
        TROUBLES[code](chosen, self.rng)
        chosen.fixed = True

    def settle_some(self, written: Sequence[Dispatch]) -> None:
        """Some troubles were declared in time."""
        for dispatch in written:
            usual = (
                dispatch.approved_at and dispatch.method != WEB and not dispatch.fixed and not dispatch.state
            )
            if usual and self.rng.random() < _SETTLED_SHARE:
                settle(dispatch, self.rng)

    def call_off_some(self, written: Sequence[Dispatch]) -> None:
        """Some never took place."""
        for dispatch in written:
            if dispatch.fixed or self.rng.random() >= _CANCELLED_SHARE:
                continue
            dispatch.state = self.rng.choice(("取消", "取消", "辞退"))
            dispatch.end_reason = self.rng.choice(
                texts.CANCELLED if dispatch.state == "取消" else texts.DECLINED
            )
            dispatch.visited_from = dispatch.visited_to = dispatch.break_minutes = None
            dispatch.accompanied, dispatch.accompanied_from, dispatch.accompanied_to = False, None, None
            dispatch.no_accompaniment_reason = dispatch.report = ""
            dispatch.reported_at = dispatch.attested_at = dispatch.approved_at = None
            dispatch.events.clear()
            dispatch.claim.clear()
