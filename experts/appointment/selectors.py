"""Figures and lists of appointments, each a fixed number of queries."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.models import User
from core import clock
from experts.models import Expert
from experts.standing import registered
from rules.dates import fiscal_year

from .models import Appointment, AppointmentQuerySet, Round

State = Appointment.State
# What a list shows one at a time; the words are the state's own, but for the last two.
GROUPS: Final = {
    **{state.value: state.label for state in State},
    "problem": "発行できない",
    "ended": "登録終了",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """How many experts stand where in one round. `ended`: offered one, but the registration has ended meanwhile."""

    total: int
    offered: int
    agreed: int
    declined: int
    issued: int
    accepted: int
    problem: int
    ended: int

    @property
    def letters(self) -> int:
        """How many letters there are."""
        return self.issued + self.accepted

    @property
    def waiting(self) -> int:
        """Of how many something is waited for."""
        return self.offered + self.issued

    @property
    def percent(self) -> int:
        """How many of those offered one have accepted, 0–100."""
        return self.accepted * 100 // self.total if self.total else 0


def _active() -> Exists:
    return Exists(Expert.objects.filter(registered(clock.today()), pk=OuterRef("expert")))


def figures(round: Round) -> Figures:
    """How a round stands. One query. Who has a letter counts there, whatever became of the registration."""
    active = Q(active=True)
    rows: Any = Appointment.objects.filter(round=round).annotate(active=_active())
    return Figures(
        **rows.aggregate(
            total=Count("pk"),
            offered=Count("pk", filter=active & Q(state=State.OFFERED)),
            agreed=Count("pk", filter=active & Q(state=State.AGREED)),
            declined=Count("pk", filter=active & Q(state=State.DECLINED)),
            issued=Count("pk", filter=Q(state=State.ISSUED)),
            accepted=Count("pk", filter=Q(state=State.ACCEPTED)),
            problem=Count("pk", filter=active & Q(state=State.AGREED) & ~Q(problem="")),
            ended=Count("pk", filter=~active & ~Q(state__in=[State.ISSUED, State.ACCEPTED])),
        )
    )


def of_group(rows: AppointmentQuerySet, group: str) -> AppointmentQuerySet:
    """Those of a group of GROUPS; all for another word."""
    if group not in GROUPS:
        return rows
    rows = rows.annotate(active=_active())
    match group:
        case "problem":
            return rows.filter(active=True, state=State.AGREED).exclude(problem="")
        case "ended":
            return rows.filter(active=False).exclude(state__in=[State.ISSUED, State.ACCEPTED])
        case State.ISSUED | State.ACCEPTED:
            return rows.filter(state=group)
    return rows.filter(active=True, state=group)


def rounds_with_counts(user: User) -> QuerySet[Round]:
    """Rounds with `total`, `letters` and `accepted`, the newest first."""
    return (
        Round.objects.visible_to(user)
        .annotate(
            total=Count("appointments"),
            letters=Count("appointments", filter=Q(appointments__state__in=[State.ISSUED, State.ACCEPTED])),
            accepted=Count("appointments", filter=Q(appointments__state=State.ACCEPTED)),
        )
        .order_by("-fiscal_year")
    )


def appointment_of_day(expert: Expert, day: dt.date) -> Appointment | None:
    """An expert's appointment for the fiscal year of a day, whatever its state; None when none was offered. One query."""
    rows = Appointment.objects.filter(expert=expert, round__fiscal_year=fiscal_year(day))
    return rows.select_related("round").first()


def own_appointments(user: User) -> list[Appointment]:
    """A person's own, the newest first, with everything a page shows of them. One query."""
    return list(
        Appointment.objects.visible_to(user)
        .filter(expert__user=user)
        .select_related("round", "expert", "agreement__text", "letter", "acceptance")
        .order_by("-round__fiscal_year")
    )
