"""What stands around a roster for the one who decides about it: open dispatches of institutions that are gone."""

from collections.abc import Collection

from django.db.models import Count

from accounts.models import User
from dispatch.models import Dispatch
from dispatch.selectors import SETTLED
from institutions.models import Roster, RosterLine


def open_dispatches(user: User, codes: Collection[str]) -> dict[str, int]:
    """How many dispatches of each of these institutions are still on their way; by code, without zeros. One query."""
    if not codes:
        return {}
    return dict(
        Dispatch.objects.visible_to(user)
        .filter(institution__code__in=codes)
        .exclude(status__in=SETTLED)
        .order_by()
        .values_list("institution__code")
        .annotate(count=Count("pk"))
    )


def left_open(user: User, roster: Roster) -> list[tuple[RosterLine, int]]:
    """The accepted lines that end an institution with open dispatches, and how many these are. Two queries."""
    lines = list(roster.lines.filter(outcome=RosterLine.Outcome.GONE, accepted=True).order_by("code"))
    counts = open_dispatches(user, [line.code for line in lines])
    return [(line, counts[line.code]) for line in lines if line.code in counts]
