"""Days that count from an act, and links that end: by Japan's clock at ends of months and years, and when it jumps."""

import datetime as dt

import pytest
from stage import Stage

from core.clock import JST
from core.programme.selectors import dispatch_terms
from dispatch.models import Dispatch
from dispatch.services import (
    ask_back,
    attest,
    issue_attestation_link,
    link_of,
    remind_overdue,
)
from dispatch.services.attesting import last_answer
from dispatch.services.reminding import due_dates

# the last moments of a day in Japan, each with the day after; UTC is at 15:00 of the same day
MIDNIGHTS = ["2021-07-31", "2021-12-31", "2022-02-28"]


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=JST)


@pytest.mark.parametrize("last", MIDNIGHTS)
def test_an_inquiry_is_due_so_many_days_after_its_day_in_japan(stage: Stage, last: str) -> None:
    day = dt.date.fromisoformat(last)
    dispatch = stage.visited()
    due = []
    for number, moment in enumerate(
        (at(f"{last} 23:59:59"), at(f"{last} 23:59:59") + dt.timedelta(seconds=1))
    ):
        stage.travel(moment)
        inquiry = ask_back(
            dispatch=dispatch, asked_of="expert", question=f"照会{number}", actor=stage.operator
        )
        due.append(inquiry.due_on - dt.timedelta(days=dispatch_terms(day).inquiry_days))
    assert due == [day, day + dt.timedelta(days=1)]


@pytest.mark.parametrize("last", MIDNIGHTS)
def test_a_step_is_late_from_midnight_in_japan(stage: Stage, last: str) -> None:
    dispatch = stage.applied()
    days = dispatch_terms(dt.date(2021, 7, 1)).answer_days
    asked = at(f"{last} 09:00") - dt.timedelta(days=days)
    Dispatch.objects.filter(pk=dispatch.pk).update(status_since=asked)
    dispatch.refresh_from_db()
    (due,) = due_dates(dispatch)
    assert due.due_on == dt.date.fromisoformat(last)
    # people are told in the morning of the day after, whatever UTC says
    stage.travel(at(f"{last} 23:59:59"))
    assert remind_overdue() == 0
    stage.travel(at(f"{last} 09:30") + dt.timedelta(days=1))
    assert remind_overdue() == 1
    # set back to before and on again: nobody is reminded twice
    stage.travel(at(f"{last} 12:00"))
    assert remind_overdue() == 0
    stage.travel(at(f"{last} 10:30") + dt.timedelta(days=1))
    assert remind_overdue() == 0


def test_a_link_ends_to_the_second_and_a_wrong_clock_ends_none(stage: Stage) -> None:
    dispatch = stage.visited()
    stage.travel(at("2021-12-31 23:50:00"))
    link = issue_attestation_link(dispatch=dispatch, channel="qr", actor=stage.operator)
    ends = at("2021-12-31 23:50:00") + dt.timedelta(days=dispatch_terms(dt.date(2021, 12, 31)).link_days)
    stage.travel(ends - dt.timedelta(seconds=1))
    assert link_of(link.token) is not None
    stage.travel(ends)
    assert link_of(link.token) is None
    # a clock a year ahead, corrected a moment later
    stage.travel(at("2023-01-01 00:00:00"))
    assert link_of(link.token) is None
    stage.travel(at("2022-01-05 00:00:00"))
    assert link_of(link.token) is not None
    attest(token=link.token, confirmed=True, name="試験 社長")
    assert link_of(link.token) is None


def test_the_clients_latest_answer_is_the_one_given_last_whatever_the_clock_said(stage: Stage) -> None:
    dispatch = stage.reported()
    stage.travel(at("2021-08-01 10:00"))
    stage.attested(dispatch, confirmed=False, comment="時刻が違います。")
    stage.travel(at("2021-08-01 09:00"))
    stage.attested(dispatch)
    answer = last_answer(dispatch)
    assert answer is not None
    assert answer.confirmed
