"""What the expert and the institution who sign in find on their first day: visits to make, to report, to approve."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Final

from . import texts
from .calendar import business_days, dispatch_day
from .dispatches import Dispatch, event_of
from .experts import Expert
from .institutions import Institution
from .stage import Stage

# As far back as a visit may lie that is still being worked on.
_LAST_DAYS: Final = 21
_START: Final = time(13, 30)
_MINUTES: Final = 120


def visits_of_those_who_sign_in(stage: Stage, expert: Expert, institution: Institution) -> None:
    """Visits of this expert for this institution, at every step between today's visit and the approval.

    In March nobody visits anybody: then there are none.
    """
    today = stage.plan.today
    past = _free_days(stage, expert, today - timedelta(days=_LAST_DAYS), today)
    for step in (_unreported, _end_forgotten, _unattested, _to_approve, _to_approve, _unattested):
        day = next(past, None)
        if day is not None:
            step(stage, _visit(stage, expert, institution, day))
    ahead = _free_days(stage, expert, today + timedelta(days=1), stage.plan.last_planned)
    days = [today] if dispatch_day(today) and (expert.code, today) not in stage.busy else []
    days += sorted(ahead)[:1]
    for day in days:
        _visit(stage, expert, institution, day)


def _free_days(stage: Stage, expert: Expert, first: date, end: date) -> Iterator[date]:
    """Business days on which the expert has nothing to do, the latest first."""
    return (day for day in reversed(business_days(first, end)) if (expert.code, day) not in stage.busy)


def _visit(stage: Stage, expert: Expert, institution: Institution, day: date) -> Dispatch:
    client = stage.client_with_room(1, day, expert.town.prefecture)
    dispatch = stage.visit(
        expert, client, day, institution=institution, start=_START, minutes=_MINUTES, fixed=True
    )
    dispatch.reported_at = dispatch.attested_at = dispatch.approved_at = None
    dispatch.report = ""
    return dispatch


def _unreported(stage: Stage, dispatch: Dispatch) -> None:
    _before_report(dispatch)


def _end_forgotten(stage: Stage, dispatch: Dispatch) -> None:
    _before_report(dispatch)
    dispatch.events.remove(event_of(dispatch, "終了"))


def _before_report(dispatch: Dispatch) -> None:
    dispatch.claim.clear()
    dispatch.accompanied, dispatch.accompanied_from, dispatch.accompanied_to = False, None, None
    dispatch.no_accompaniment_reason = ""


def _unattested(stage: Stage, dispatch: Dispatch) -> None:
    assert dispatch.visited_to is not None
    dispatch.reported_at = _in_time(stage, dispatch.visited_to + timedelta(hours=2))
    dispatch.report = texts.report(dispatch.topic, dispatch.client.product, stage.rng)
    dispatch.accompanied, dispatch.accompanied_from, dispatch.accompanied_to = False, None, None
    dispatch.no_accompaniment_reason = ""


def _to_approve(stage: Stage, dispatch: Dispatch) -> None:
    _unattested(stage, dispatch)
    assert dispatch.visited_to is not None
    dispatch.attested_at = _in_time(stage, dispatch.visited_to + timedelta(hours=3))


def _in_time(stage: Stage, moment: datetime) -> datetime:
    return min(moment, stage.now - timedelta(minutes=1))
