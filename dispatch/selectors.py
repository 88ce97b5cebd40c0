"""Reads about dispatches that other apps need."""

import datetime as dt

from core import clock

from .models import Dispatch, DispatchQuerySet, Status

# Nothing more will be paid for these.
SETTLED = (Status.SCHEDULED, Status.PAID, Status.DECLINED, Status.CANCELLED, Status.INELIGIBLE)


def unpaid_since(day: dt.date) -> DispatchQuerySet:
    """Dispatches that took place before `day` and are neither paid nor out of the question, oldest first."""
    moment = clock.from_jst(dt.datetime.combine(day, dt.time()))
    return (
        Dispatch.objects.filter(visited_from__lt=moment)
        .exclude(status__in=SETTLED)
        .order_by("visited_from", "number")
    )
