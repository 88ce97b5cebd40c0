"""An institution that the roster no longer has: no new applications, what runs goes on."""

import datetime as dt

import pytest
from stage import Stage

from core.audit.acting import SYSTEM, acting
from dispatch.obstacles import ObstaclesFound
from dispatch.services import accept_dispatch
from institutions.models import Institution


def end(day: dt.date) -> None:
    with acting(SYSTEM, "stage"):
        Institution.objects.filter(code="K1").update(valid_until=day)


def test_nothing_is_applied_for_after_the_end(stage: Stage) -> None:
    end(dt.date(2021, 6, 30))
    with pytest.raises(ObstaclesFound) as refused:
        stage.applied(stage.application())
    assert "6月30日" in refused.value.obstacles[0].actual


def test_nothing_is_planned_for_after_the_end(stage: Stage) -> None:
    end(dt.date(2021, 7, 2))
    with pytest.raises(ObstaclesFound):
        stage.applied(stage.application())


def test_what_was_applied_for_before_goes_on(stage: Stage) -> None:
    dispatch = stage.applied(stage.application())
    end(dt.date(2021, 6, 30))
    accept_dispatch(dispatch=dispatch, actor=stage.experts["E1"])
    dispatch.refresh_from_db()
    assert dispatch.status == "accepted"


def test_until_the_last_day_it_applies_as_ever(stage: Stage) -> None:
    end(dt.date(2021, 12, 31))
    assert stage.applied(stage.application()).status == "applied"
