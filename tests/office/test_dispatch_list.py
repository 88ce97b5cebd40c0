"""The office's list of dispatches: what its search finds, and how much it asks the database for."""

import re
from typing import Any

import pytest
from desk import browser, stage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from stage import Stage, at

from dispatch.models import Dispatch

__all__ = ["stage"]

LIST = "/office/dispatches/"


@pytest.fixture
def desk(stage: Stage) -> Client:
    return browser(stage.operator)


def listed(client: Client, query: str = "") -> list[str]:
    """The numbers in the order of the page."""
    page = client.get(f"{LIST}?{query}").content.decode()
    return list(dict.fromkeys(re.findall(r"/office/dispatches/([^/?\"]+)/\"", page)))


def test_every_word_is_looked_for_in_number_expert_client_and_institution(stage: Stage, desk: Client) -> None:
    first = stage.applied(stage.application(stage.case("C1"), expert="E1"))
    second = stage.applied(stage.application(stage.case("C2"), expert="E2"))
    both = {first.number, second.number}
    assert set(listed(desk)) == both
    assert set(listed(desk, f"q={first.institution.name[:2]}")) == both
    for dispatch, other in ((first, second), (second, first)):
        whole = f"{dispatch.number} {dispatch.expert.name.split()[-1]}"
        assert listed(desk, f"q={dispatch.number[-5:].lower()}") == [dispatch.number]
        assert listed(desk, f"q={whole}") == [dispatch.number]
        assert dispatch.number in listed(desk, f"q={dispatch.expert.kana}")
        assert dispatch.number in listed(desk, f"q={dispatch.company.name}")
        assert listed(desk, f"q={dispatch.number} {other.number}") == []
    for odd in ("q=%25", "q=_", "q=' OR 1", "q=" + "a " * 50, "page=-1&q=x"):
        assert listed(desk, odd) == [], odd


def test_the_list_keeps_its_order_and_asks_no_more_for_many(stage: Stage, desk: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert listed(desk)
        return len(asked)

    stage.applied()
    listed(desk)
    few = queries()
    for company in ("C1", "C2"):
        stage.applied(stage.application(stage.case(company), expert="E2", **later(company)))
    assert queries() == few
    expected = list(Dispatch.objects.order_by("-planned_from", "number").values_list("number", flat=True))
    assert listed(desk) == expected
    assert listed(desk, "sort=number") == sorted(expected)


def later(company: str) -> dict[str, Any]:
    """Another day for each client."""
    day = {"C1": "07-19", "C2": "07-20"}[company]
    return {"planned_from": at(f"{day} 10:00"), "planned_to": at(f"{day} 12:00")}


def test_a_word_that_many_have_finds_the_same_in_the_same_order(
    stage: Stage, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for company in ("C1", "C2"):
        stage.applied(stage.application(stage.case(company), expert="E2", **later(company)))
    words = Dispatch.objects.order_by("number")[0]
    for query in (
        f"q={words.institution.name[:1]}",
        f"q={words.number[:2]}&sort=number",
        f"q={words.number}",
    ):
        few = listed(desk, query)
        assert few
        with monkeypatch.context() as patch:
            patch.setattr("office.selectors.FREQUENT", 0)
            assert listed(desk, query) == few


def test_what_is_not_counted_to_its_end_says_so(
    stage: Stage, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for company in ("C1", "C2"):
        stage.applied(stage.application(stage.case(company), expert="E2", **later(company)))
    whole = desk.get(LIST).content.decode()
    assert "2件中" in whole and "以上中" not in whole
    monkeypatch.setattr("office.views.dispatches.MOST_LISTED", 1)
    assert "1件以上中 1–1件を表示" in desk.get(LIST).content.decode()
    assert len(listed(desk)) == 1
