"""What an expert's pages read; each a fixed number of queries."""

import datetime as dt

from accounts.models import User
from core import clock
from dispatch.models import Dispatch, DispatchQuerySet, Status

# A visit that was confirmed or is said to be; loaded ones are confirmed at once.
ON_THE_WAY = (Status.ACCEPTED, Status.CONFIRMED, Status.VISITED)
# What a phone keeps for the days without network, and how long a visit stays on the first page.
KEPT_DAYS = 14
PAST_DAYS = 1


def own_dispatches(user: User) -> DispatchQuerySet:
    """The dispatches in which this person is the expert."""
    return Dispatch.objects.visible_to(user).filter(expert__user=user)


def coming_visits(user: User) -> list[Dispatch]:
    """Visits from yesterday to two weeks ahead, in time order, each with its check events."""
    first = clock.from_jst(dt.datetime.combine(clock.today() - dt.timedelta(days=PAST_DAYS), dt.time()))
    last = first + dt.timedelta(days=PAST_DAYS + KEPT_DAYS + 1)
    return list(
        own_dispatches(user)
        .filter(status__in=ON_THE_WAY, planned_from__gte=first, planned_from__lt=last)
        .select_related("company", "institution")
        .prefetch_related("check_events")
        .order_by("planned_from", "number")
    )


def offers(user: User) -> list[Dispatch]:
    """What waits for this person's answer, the nearest first."""
    return list(
        own_dispatches(user)
        .filter(status=Status.APPLIED)
        .select_related("company", "institution")
        .order_by("planned_from", "number")
    )


def unreported(user: User) -> list[Dispatch]:
    """Visits that took place and have no report yet, the oldest first."""
    return list(
        own_dispatches(user)
        .filter(status=Status.VISITED)
        .select_related("company")
        .order_by("planned_from", "number")
    )
