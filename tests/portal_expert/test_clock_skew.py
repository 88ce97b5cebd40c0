"""A phone whose clock is off: the event is kept, somebody is asked to look, nothing is held."""

import datetime as dt
import uuid
from typing import Any

import pytest
import time_machine

from core import clock
from core.audit.acting import SYSTEM
from core.errors import DomainError, NotAllowed
from core.programme.services import save_dispatch_terms
from dispatch.models import Assessment, Dispatch, EndedFinding, Finding
from dispatch.services.findings import review_finding
from payments.services.assessment import check_month
from portal_expert.receiving import receive_check_events

NOON = dt.datetime(2021, 7, 20, 12, 0, tzinfo=clock.JST)


def send(cast: Any, kind: str, moment: dt.datetime, off: int) -> None:
    """An event sent at that moment by a phone whose clock is `off` seconds ahead."""
    phone = moment + dt.timedelta(seconds=off)
    with time_machine.travel(moment, tick=False):
        answers = receive_check_events(
            actor=cast.expert,
            events=[
                {
                    "event_id": str(uuid.uuid4()),
                    "dispatch": "D1",
                    "kind": kind,
                    "device_time": phone.isoformat(),
                    "sent_time": phone.isoformat(),
                    "latitude": 35.681236,
                    "longitude": 139.767125,
                    "signer_name": "見本 花子" if kind == "終了" else "",
                }
            ],
        )
    assert [answer.status for answer in answers] == ["created"]


@pytest.fixture
def visited(tell_story: Any, db: None) -> Any:
    """D1 with a check-in whose phone was 12 minutes ahead, and a check-out of a right one."""
    with time_machine.travel(NOON, tick=False):
        cast = tell_story(NOON.date())
    send(cast, "開始", NOON, 12 * 60)
    send(cast, "終了", NOON + dt.timedelta(hours=2), 3)
    with time_machine.travel(NOON + dt.timedelta(days=1), tick=False):
        yield cast


def skewed() -> Finding | None:
    check_month()
    return Finding.objects.filter(code="C01").first()


def test_a_skewed_clock_is_worth_a_look_and_holds_nothing(
    visited: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = skewed()
    assert found is not None
    assert (found.kind, found.expected) == ("要確認", "時計のずれ 5分以内")
    assert "開始: 端末が12分進み" in found.actual
    assert "終了" not in found.actual
    kept = list(Assessment.objects.values("kind", "codes", "fee", "travel"))
    monkeypatch.setattr("payments.services.finding_rows.ADVISORIES", {})
    assert skewed() is None
    assert list(Assessment.objects.values("kind", "codes", "fee", "travel")) == kept


def test_how_much_is_too_much_is_dated(visited: Any) -> None:
    save_dispatch_terms(
        name="ゆるい", first_day=NOON.date(), end_day=None, values={"clock_skew_seconds": 900}, actor=SYSTEM
    )
    # events are received by the database's clock, long after the first day
    assert skewed() is None


def test_who_looked_into_it_says_why_and_it_comes_back_with_other_facts_only(visited: Any) -> None:
    assert skewed()
    dispatch = Dispatch.objects.get(number="D1")
    with pytest.raises(NotAllowed):
        review_finding(dispatch=dispatch, code="C01", reason="見た", actor=visited.expert)
    with pytest.raises(DomainError, match="確認の結果"):
        review_finding(dispatch=dispatch, code="C01", reason=" ", actor=visited.operator)
    with pytest.raises(DomainError, match="未了"):
        review_finding(dispatch=dispatch, code="P01", reason="見た", actor=visited.operator)
    review_finding(dispatch=dispatch, code="C01", reason="時計の故障と確認", actor=visited.operator)
    with pytest.raises(DomainError, match="既に確認"):
        review_finding(dispatch=dispatch, code="C01", reason="もう一度", actor=visited.operator)
    assert skewed() is None
    ended = EndedFinding.objects.get(code="C01")
    assert (ended.how, ended.ended_by, ended.note) == ("reviewed", visited.operator, "時計の故障と確認")
    send(visited, "終了", NOON + dt.timedelta(hours=3), -20 * 60)
    again = skewed()
    assert again is not None
    assert "端末が20分遅れ" in again.actual
