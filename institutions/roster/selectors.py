"""What the screens and reports read of rosters."""

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from accounts.models import User
from institutions.models import Roster, RosterLine

from .difference import changes

Outcome = RosterLine.Outcome


@dataclass(frozen=True, slots=True)
class Tally:
    """How many lines of an outcome there are, and how many of them are accepted."""

    outcome: str
    label: str
    count: int
    accepted: int


def rosters_of(user: User) -> QuerySet[Roster]:
    """The rosters, the newest first, each with the number of lines and of accepted ones."""
    return (
        Roster.objects.visible_to(user)
        .select_related("uploaded_by", "ended_by")
        .annotate(
            line_count=Count("lines"),
            accepted_count=Count("lines", filter=Q(lines__accepted=True)),
            bad_count=Count("lines", filter=Q(lines__outcome=Outcome.BAD)),
        )
        .order_by("-pk")
    )


def tallies(roster: Roster) -> list[Tally]:
    """All outcomes in their order, also those without a line. One query."""
    counted = {
        row["outcome"]: (row["count"], row["accepted"])
        for row in roster.lines.order_by()
        .values("outcome")
        .annotate(count=Count("pk"), accepted=Count("pk", filter=Q(accepted=True)))
    }
    return [Tally(each.value, each.label, *counted.get(each.value, (0, 0))) for each in Outcome]


@dataclass(frozen=True, slots=True)
class Change:
    """One column of a line: what it was and what it would be."""

    column: str
    was: str
    now: str


def changes_of(line: RosterLine) -> list[Change]:
    """What a new or changed line sets, in the order of the columns; a new one without code, name and empty columns."""
    if line.outcome not in (Outcome.NEW, Outcome.CHANGED):
        return []
    found = [Change(*each) for each in changes(line.values, line.before)]
    known = ("機関コード", "機関名") if line.outcome == Outcome.NEW else ()
    return [each for each in found if (each.was or each.now) and each.column not in known]
