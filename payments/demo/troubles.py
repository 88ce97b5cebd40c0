"""What goes wrong in the story: for each code of rules.md §5 one function that lets it happen to a clean dispatch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Final

from . import texts, travel
from .dispatches import WEB, Declared, Dispatch, event_of

Trouble = Callable[[Dispatch, Random], None]
TROUBLES: Final[dict[str, Trouble]] = {}


def trouble(code: str) -> Callable[[Trouble], Trouble]:
    """Registers what makes a clean face-to-face dispatch have the finding of this code."""

    def register(function: Trouble) -> Trouble:
        TROUBLES[code] = function
        return function

    return register


@trouble("E01")
def start_not_recorded(dispatch: Dispatch, rng: Random) -> None:
    """Nobody checked in."""
    dispatch.events.remove(event_of(dispatch, "開始"))


@trouble("E02")
def end_not_recorded(dispatch: Dispatch, rng: Random) -> None:
    """Nobody checked out."""
    dispatch.events.remove(event_of(dispatch, "終了"))


@trouble("E03")
def not_signed(dispatch: Dispatch, rng: Random) -> None:
    """The client did not sign."""
    event_of(dispatch, "終了").signer = ""


@trouble("E04")
def elsewhere(dispatch: Dispatch, rng: Random) -> None:
    """The check-in came from the station, or without a position."""
    event = event_of(dispatch, "開始")
    if rng.random() < 0.3:
        event.latitude = event.longitude = event.accuracy = None
    else:
        event.latitude = round((event.latitude or 0) + rng.choice((0.011, 0.019, -0.014)), 6)


@trouble("E05")
def late_record(dispatch: Dispatch, rng: Random) -> None:
    """The check-out was recorded long after the end."""
    event_of(dispatch, "終了").at += timedelta(minutes=rng.choice((18, 27, 46)))


@trouble("P01")
def not_reported(dispatch: Dispatch, rng: Random) -> None:
    """The expert has not reported, so nothing could be approved."""
    dispatch.report = ""
    dispatch.reported_at = dispatch.approved_at = None
    dispatch.claim.clear()


@trouble("P02")
def not_attested(dispatch: Dispatch, rng: Random) -> None:
    """The client has not answered the mail."""
    dispatch.attested_at = None


@trouble("P03")
def not_approved(dispatch: Dispatch, rng: Random) -> None:
    """The institution has not approved."""
    dispatch.approved_at = None


@trouble("P04")
def alone_without_reason(dispatch: Dispatch, rng: Random) -> None:
    """Nobody went along and nobody says why."""
    dispatch.accompanied = False
    dispatch.accompanied_from = dispatch.accompanied_to = None
    dispatch.no_accompaniment_reason = ""


@trouble("P05")
def accompanied_at_another_time(dispatch: Dispatch, rng: Random) -> None:
    """The accompaniment was written down for the evening, or without its end."""
    dispatch.accompanied, dispatch.no_accompaniment_reason = True, ""
    assert dispatch.visited_to is not None
    dispatch.accompanied_from = dispatch.visited_to + timedelta(minutes=30)
    dispatch.accompanied_to = dispatch.visited_to + timedelta(minutes=90) if rng.random() < 0.6 else None


@trouble("X02")
def paid_by_institution(dispatch: Dispatch, rng: Random) -> None:
    """The institution pays the expert anyway."""
    dispatch.paid_by_institution = True


@trouble("X04")
def requested_by_expert(dispatch: Dispatch, rng: Random) -> None:
    """The expert asked for the dispatch."""
    dispatch.requested_by_expert = True


@trouble("X05")
def web_without_approval(dispatch: Dispatch, rng: Random) -> None:
    """They met on the screen and had not asked before."""
    dispatch.method, dispatch.web_approved = WEB, False
    dispatch.claim.clear()


@trouble("X06")
def false_report(dispatch: Dispatch, rng: Random) -> None:
    """The office found that there was no visit."""
    dispatch.office_decision, dispatch.office_decision_reason = "対象外", rng.choice(texts.EXCLUDED)


@trouble("M01")
def held_by_office(dispatch: Dispatch, rng: Random) -> None:
    """The office is asking the institution."""
    dispatch.office_decision, dispatch.office_decision_reason = "保留", rng.choice(texts.HELD)


@trouble("T02")
def no_receipt(dispatch: Dispatch, rng: Random) -> None:
    """A taxi without a receipt."""
    line = travel.taxi(
        dispatch.planned_from.date(), dispatch.client.town.station, "支援先", rng.uniform(3.0, 8.0)
    )
    dispatch.claim.append(line | {"領収書": False})


@trouble("T03")
def taxi_beside_the_bus(dispatch: Dispatch, rng: Random) -> None:
    """A taxi where a bus runs."""
    line = travel.taxi(
        dispatch.planned_from.date(), dispatch.client.town.station, "支援先", rng.uniform(2.0, 5.0)
    )
    dispatch.claim.append(line | {"公共交通機関なし": False})


@trouble("T06")
def rental_not_judged(dispatch: Dispatch, rng: Random) -> None:
    """The office has not yet said what of the rental car is accepted."""
    station = dispatch.client.town.station
    dispatch.claim.append(
        travel.rental_car(dispatch.planned_from.date(), station, rng.uniform(30.0, 70.0), None)
    )


@trouble("T07")
def car_not_measured(dispatch: Dispatch, rng: Random) -> None:
    """The office has not yet measured the shortest route."""
    home, there, day = dispatch.expert.town, dispatch.client.town, dispatch.planned_from.date()
    dispatch.claim = travel.by_car(home, there, day, rng, measured=False)


# These need a long journey; the story sends somebody on one first.


@trouble("T01")
def no_boarding_stub(dispatch: Dispatch, rng: Random) -> None:
    """The flight's stub is missing."""
    _flight(dispatch)["半券"] = False


@trouble("T05")
def upper_class(dispatch: Dispatch, rng: Random) -> None:
    """The flight was not in an ordinary seat."""
    _flight(dispatch)["座席"] = "上位席"


@trouble("T04")
def night_without_reason(dispatch: Dispatch, rng: Random) -> None:
    """A night, and nobody says why."""
    night = dispatch.planned_from.date() - timedelta(days=1)
    dispatch.claim = [line for line in dispatch.claim if line["種別"] != "宿泊"]
    dispatch.claim.append(travel.lodging(night, rng) | {"必要理由": ""})


def _flight(dispatch: Dispatch) -> travel.Line:
    return next(line for line in dispatch.claim if line["種別"] == "航空")


def settle(dispatch: Dispatch, rng: Random) -> None:
    """Something went wrong and was declared in time: payable all the same."""
    cause = rng.choice(tuple(texts.DECLARED))
    start, end = dispatch.visited_from, dispatch.visited_to
    assert start is not None and end is not None
    declared_start = declared_end = None
    if cause == "開始報告失念":
        start_not_recorded(dispatch, rng)
        declared_start = start
    elif cause == "終了報告失念":
        end_not_recorded(dispatch, rng)
        declared_end = end
    elif cause == "時刻訂正":
        late_record(dispatch, rng)
        declared_start, declared_end = start, end
    elif cause == "位置情報不備":
        elsewhere(dispatch, rng)
    else:
        not_signed(dispatch, rng)
    reason = rng.choice(texts.DECLARED[cause])
    dispatch.declarations.append(
        Declared(cause, declared_start, declared_end, end + timedelta(minutes=40), reason)
    )
