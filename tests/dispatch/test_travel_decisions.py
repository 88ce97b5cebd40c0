"""検収 of several lines: all or none, more than claimed never, and what others changed meanwhile is said."""

import datetime as dt
from decimal import Decimal

import pytest
from stage import Stage

from core.errors import NotAllowed
from dispatch.models import Correction, Dispatch, TravelLine
from dispatch.services import (
    ClaimLine,
    LineDecision,
    StaleEdit,
    TravelCheckRefused,
    check_travel_line,
    check_travel_lines,
    correct_travel_line,
    line_versions,
)

DAY = dt.date(2021, 7, 12)
CAR = ClaimLine(day=DAY, kind="私有車", km=Decimal("30.5"), claimed=1200)
TAXI = ClaimLine(day=DAY, kind="タクシー", claimed=3000, receipt=True, no_public_transport=True)


@pytest.fixture
def dispatch(stage: Stage) -> Dispatch:
    return stage.approved(stage.application(), CAR, TAXI)


def seen(dispatch: Dispatch) -> dict[int, int]:
    lines = list(dispatch.travel_lines.all())
    versions = line_versions(lines)
    return {line.line_no: versions[line.pk] for line in lines}


def test_several_lines_are_decided_at_once(stage: Stage, dispatch: Dispatch) -> None:
    versions = seen(dispatch)
    check_travel_lines(
        dispatch=dispatch,
        decisions=[
            LineDecision(line_no=1, accepted_km=Decimal("28.4"), seen=versions[1]),
            LineDecision(line_no=2, accepted_yen=2000, reason="経路の一部", seen=versions[2]),
        ],
        actor=stage.operator,
    )
    assert list(dispatch.travel_lines.values_list("accepted_km", "accepted_yen")) == [
        (Decimal("28.4"), None),
        (None, 2000),
    ]
    assert Correction.objects.get(row_key="2").reason == "経路の一部"


def test_one_wrong_line_leaves_all_as_they_were_and_every_one_is_named(
    stage: Stage, dispatch: Dispatch
) -> None:
    with pytest.raises(TravelCheckRefused) as refused:
        check_travel_lines(
            dispatch=dispatch,
            decisions=[
                LineDecision(line_no=1, accepted_km=Decimal("28.4")),
                LineDecision(line_no=2, accepted_yen=3001, reason="誤り"),
                LineDecision(line_no=9, accepted_yen=1, reason="誤り"),
            ],
            actor=stage.operator,
        )
    assert set(refused.value.by_line) == {2, 9}
    assert "請求額（3,000 円）" in refused.value.by_line[2]["認定額"]
    assert not TravelLine.objects.exclude(accepted_km=None, accepted_yen=None).exists()
    assert not Correction.objects.exists()


def test_what_another_decided_meanwhile_is_shown_and_not_overwritten(
    stage: Stage, dispatch: Dispatch
) -> None:
    versions = seen(dispatch)
    taxi = dispatch.travel_lines.get(line_no=2)
    check_travel_line(line=taxi, accepted_yen=2500, reason="領収書の額", actor=stage.approver)
    decision = LineDecision(line_no=2, accepted_yen=1000, reason="経路の一部", seen=versions[2])
    with pytest.raises(TravelCheckRefused) as refused:
        check_travel_lines(dispatch=dispatch, decisions=[decision], actor=stage.operator)
    (change,) = refused.value.changes[2]
    assert (change.field, change.before, change.after) == ("認定額", "（空）", "2500")
    taxi.refresh_from_db()
    assert taxi.accepted_yen == 2500
    with pytest.raises(StaleEdit, match="認定額"):
        correct_travel_line(
            line=taxi, values={"領収書": "無"}, reason="写真", actor=stage.operator, seen=versions[2]
        )


def test_the_same_decision_again_changes_nothing(stage: Stage, dispatch: Dispatch) -> None:
    decision = LineDecision(line_no=2, accepted_yen=2000, reason="経路の一部")
    for _ in range(2):
        check_travel_lines(dispatch=dispatch, decisions=[decision], actor=stage.operator)
    assert Correction.objects.count() == 1


def test_only_the_office_decides(stage: Stage, dispatch: Dispatch) -> None:
    decision = LineDecision(line_no=2, accepted_yen=2000, reason="経路の一部")
    for actor in (stage.chief, stage.experts["E1"]):
        with pytest.raises(NotAllowed):
            check_travel_lines(dispatch=dispatch, decisions=[decision], actor=actor)
