"""The travel check on the screen: the queue, the decisions on lines, corrections, conflicts, the wrong person."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from desk import browser, stage, strangers, text_of
from django.db import connection
from django.test.utils import CaptureQueriesContext
from stage import Stage, at

from core.audit.acting import SYSTEM
from core.audit.models import Access
from core.programme.services import save_dispatch_terms
from dispatch.models import Correction, Dispatch, TravelLine
from dispatch.services import (
    ClaimLine,
    LineDecision,
    check_travel_line,
    check_travel_lines,
    exclude_dispatch,
    line_versions,
)
from office.views.travel import claims_waiting
from payments.services.assessment import check_month

__all__ = ["stage"]

DAY = dt.date(2021, 7, 12)
CAR = ClaimLine(day=DAY, kind="私有車", origin="自宅", destination="見本町", km=Decimal("30.5"), claimed=1200)
TAXI = ClaimLine(day=DAY, kind="タクシー", claimed=3000, receipt=True, no_public_transport=True)
FLIGHT = ClaimLine(
    day=DAY, kind="航空", claimed=45_000, ordinary_fare=45_000, receipt=True, stub=True, seat="普通席"
)


@pytest.fixture
def dispatch(stage: Stage) -> Dispatch:
    """An approved dispatch with a car line and a taxi line, checked by the rules: T07."""
    found = stage.approved(stage.application(), CAR, TAXI)
    check_month()
    return found


def path(dispatch: Dispatch) -> str:
    return f"/office/travel/{dispatch.number}/"


def form_of(dispatch: Dispatch, **typed: str) -> dict[str, str]:
    """What the form sends when only `typed` was typed: value_1, reason_1 …"""
    lines = list(dispatch.travel_lines.all())
    versions = line_versions(lines)
    data = {}
    for line in lines:
        accepted = line.accepted_km if line.kind == "私有車" else line.accepted_yen
        was = "" if accepted is None else str(accepted)
        data |= {
            f"value-{line.line_no}": was,
            f"was-{line.line_no}": was,
            f"seen-{line.line_no}": str(versions[line.pk]),
            f"reason-{line.line_no}": "",
        }
    return data | {name.replace("_", "-"): value for name, value in typed.items()}


def test_the_queue_shows_what_waits_and_why(stage: Stage, dispatch: Dispatch) -> None:
    page = text_of(browser(stage.operator).get("/office/travel/"))
    for words in (dispatch.number, "T07", "私有車の認定距離なし", "4,200円", "吉田 太郎"):
        assert words in page
    assert dispatch.number in text_of(browser(stage.operator).get("/office/travel/?code=T07&kind=タクシー"))
    for query in ("code=T06", "kind=航空", "q=いない人", "code=目安超"):
        assert "確認を待つ旅費はありません" in text_of(
            browser(stage.operator).get(f"/office/travel/?{query}")
        )
    (line,) = claims_waiting(stage.operator)
    assert line["count"] == 1


def test_a_claim_above_what_is_usual_waits_until_somebody_has_decided(stage: Stage) -> None:
    dispatch = stage.approved(stage.application(), FLIGHT)
    check_month()
    client = browser(stage.operator)
    assert "目安超" in text_of(client.get("/office/travel/?code=目安超"))
    assert "1行の目安 30,000円を超えています" in text_of(client.get(path(dispatch)))
    client.post(path(dispatch), form_of(dispatch, value_1="45000"))
    assert TravelLine.objects.get().accepted_yen == 45_000
    assert "確認を待つ旅費はありません" in text_of(client.get("/office/travel/"))


def test_dated_data_says_what_is_usual(stage: Stage) -> None:
    save_dispatch_terms(
        name="目安なし", first_day=DAY, end_day=None, values={"usual_claim_yen": 0}, actor=SYSTEM
    )
    stage.approved(stage.application(), FLIGHT)
    check_month()
    assert claims_waiting(stage.operator) == []


def test_each_line_shows_its_facts_and_what_the_rules_say(stage: Stage, dispatch: Dispatch) -> None:
    page = text_of(browser(stage.operator).get(path(dispatch)))
    for words in (
        "30.5km",
        "自宅 → 見本町",
        "公共交通機関なし",
        "認定距離がありません",
        "規程による見込み 3,000円",
    ):
        assert words in page
    assert Access.objects.filter(what="evidence", row_ids=[dispatch.pk], actor_id=stage.operator.pk).exists()


def test_the_straight_line_is_a_hint_for_cars(stage: Stage, dispatch: Dispatch) -> None:
    assert "直線距離は分かりません" in text_of(browser(stage.operator).get(path(dispatch)))
    expert = dispatch.expert
    expert.base_latitude, expert.base_longitude = Decimal("35.681236"), Decimal("139.867125")
    expert.save(update_fields=["base_latitude", "base_longitude"])
    assert "直線距離は 9.0km、往復 18.1km" in text_of(browser(stage.operator).get(path(dispatch)))


def test_several_lines_are_decided_at_once_and_the_amount_follows_the_rules(
    stage: Stage, dispatch: Dispatch
) -> None:
    client = browser(stage.operator)
    sent = form_of(
        dispatch, value_1="２８．４ｋｍ", value_2="2,000円", reason_2="支援に必要な区間だけを認める"
    )
    answer = client.post(path(dispatch), sent, follow=True)
    # 28 km × 37 yen = 1,036 yen, and the taxi as far as accepted
    assert "旅費の見込み（日当を除く）は 3,000円 → 3,036円 です" in text_of(answer)
    car, taxi = dispatch.travel_lines.all()
    assert (car.accepted_km, taxi.accepted_yen) == (Decimal("28.4"), 2000)
    assert Correction.objects.get(row_key="2").reason == "支援に必要な区間だけを認める"
    # a second press of the same form changes nothing
    client.post(path(dispatch), sent)
    assert Correction.objects.count() == 2


@pytest.mark.parametrize(
    ("typed", "field", "why"),
    [
        ({"value_2": "3001"}, "value-2", "請求額（3,000 円）まで"),
        ({"value_2": "-1"}, "value-2", "0 以上"),
        ({"value_2": "たくさん"}, "value-2", "数字で"),
        ({"value_2": "100.5"}, "value-2", "整数"),
        ({"value_1": "100000"}, "value-1", "99,999"),
        ({"value_2": "2000"}, "reason-2", "理由を入れてください"),
    ],
)
def test_what_cannot_be_accepted_stands_beside_its_field_and_everything_typed_stays(
    stage: Stage, dispatch: Dispatch, typed: dict[str, str], field: str, why: str
) -> None:
    sent = form_of(dispatch, **{"reason_1": "地図で測った", "value_1": "28", **typed})
    page = text_of(browser(stage.operator).post(path(dispatch), sent))
    assert f'href="#id_{field}"' in page
    assert why in page
    assert "地図で測った" in page
    assert f'value="{sent["value-1"]}"' in page
    assert not TravelLine.objects.exclude(accepted_km=None, accepted_yen=None).exists()


def test_what_another_decided_meanwhile_is_said_and_then_can_be_changed(
    stage: Stage, dispatch: Dispatch
) -> None:
    client, sent = browser(stage.operator), form_of(dispatch, value_2="1000", reason_2="区間の一部")
    taxi = dispatch.travel_lines.get(line_no=2)
    stage.approver.last_name = "承認 花子"
    stage.approver.save(update_fields=["last_name"])
    check_travel_line(line=taxi, accepted_yen=2500, reason="領収書の額", actor=stage.approver)
    answer = client.post(path(dispatch), sent)
    page = text_of(answer)
    assert "ほかの人が変更しました: 認定額（承認 花子）" in page
    assert 'value="1000"' in page
    assert TravelLine.objects.get(line_no=2).accepted_yen == 2500
    again = answer.context["claim_form"].data
    client.post(path(dispatch), again)
    assert TravelLine.objects.get(line_no=2).accepted_yen == 1000


def test_a_line_nobody_edited_is_never_set_back(stage: Stage, dispatch: Dispatch) -> None:
    client, sent = browser(stage.operator), form_of(dispatch, value_1="28")
    taxi = dispatch.travel_lines.get(line_no=2)
    check_travel_line(line=taxi, accepted_yen=2500, reason="領収書の額", actor=stage.approver)
    client.post(path(dispatch), sent)
    assert list(dispatch.travel_lines.values_list("accepted_km", "accepted_yen")) == [
        (Decimal(28), None),
        (None, 2500),
    ]


def test_a_line_that_is_no_longer_claimed_is_named(stage: Stage, dispatch: Dispatch) -> None:
    sent = form_of(dispatch, value_1="28") | {"seen-7": "1", "value-7": "100", "was-7": ""}
    page = text_of(browser(stage.operator).post(path(dispatch), sent))
    assert "7行目は、開いた後に請求からなくなりました" in page
    assert not TravelLine.objects.exclude(accepted_km=None).exists()


def test_the_preview_says_what_would_change_and_changes_nothing(stage: Stage, dispatch: Dispatch) -> None:
    client = browser(stage.operator)
    answer = client.post(f"{path(dispatch)}preview/", form_of(dispatch, value_1="28.4", value_2="よめない"))
    page = text_of(answer)
    assert "3,000円 → 4,036円" in page
    assert "28km × 37円" in page
    assert not TravelLine.objects.exclude(accepted_km=None).exists()
    assert client.get(f"{path(dispatch)}preview/").status_code == 405


def test_from_the_queue_the_next_claim_comes(stage: Stage, dispatch: Dispatch) -> None:
    stage.travel(at("07-13 09:00"))
    second = stage.approved(
        stage.application(stage.case("C2"), planned_from=at("07-20 10:00"), planned_to=at("07-20 12:00")), CAR
    )
    check_month()
    client = browser(stage.operator)
    answer = client.post(path(dispatch), form_of(dispatch, value_1="28", go="next"))
    assert answer["Location"] == f"{path(second)}?from=queue"
    check_month()
    answer = client.post(path(second), form_of(second, value_1="28", go="next"))
    assert answer["Location"] == "/office/travel/"


def test_a_fact_is_corrected_and_both_values_stay(stage: Stage, dispatch: Dispatch) -> None:
    client, address = browser(stage.operator), f"{path(dispatch)}lines/2/"
    form = client.get(address).context["form"]
    sent = {name: str(form[name].initial or "") for name in form.fields}
    place = next(name for name, field in form.fields.items() if field.label == "領収書")
    refused = client.post(address, sent | {place: "無"})
    assert "訂正の理由" in text_of(refused)
    assert TravelLine.objects.get(line_no=2).receipt is True
    answer = client.post(address, sent | {place: "無", "reason": "写真がない"}, follow=True)
    assert "1項目を訂正しました" in text_of(answer)
    assert "（受付時 有）" in text_of(answer)
    correction = Correction.objects.get()
    assert (correction.column, correction.received, correction.corrected) == ("領収書", "有", "無")
    # sent again from the page that was opened before
    stale = text_of(client.post(address, sent | {place: "有", "reason": "あった"}))
    assert "ほかの人が変更しました: 領収書" in stale
    assert TravelLine.objects.get(line_no=2).receipt is False


@pytest.mark.parametrize("typed", ["あいう", "99999999999999999999999"])
def test_a_wrong_correction_stands_beside_its_field(stage: Stage, dispatch: Dispatch, typed: str) -> None:
    client, address = browser(stage.operator), f"{path(dispatch)}lines/2/"
    form = client.get(address).context["form"]
    sent = {name: str(form[name].initial or "") for name in form.fields}
    place = next(name for name, field in form.fields.items() if field.label == "請求額")
    page = text_of(client.post(address, sent | {place: typed, "reason": "読み違い"}))
    assert f'href="#id_{place}"' in page
    assert "読み違い" in page
    assert not Correction.objects.exists()


def test_a_claim_that_is_over_or_unknown_cannot_be_decided(stage: Stage, dispatch: Dispatch) -> None:
    client = browser(stage.operator)
    for address in ("/office/travel/D9999/", f"{path(dispatch)}lines/9/", "/office/travel/D9999/lines/1/"):
        assert client.get(address).status_code == 404
    sent = form_of(dispatch, value_1="28")
    exclude_dispatch(dispatch=dispatch, reason="虚偽", actor=stage.operator)
    assert "旅費の認定は変えられません" in text_of(client.get(path(dispatch)))
    refused = client.post(path(dispatch), sent)
    assert refused.status_code == 200
    assert "「対象外」のため、旅費の認定できません" in text_of(refused)
    assert not TravelLine.objects.exclude(accepted_km=None).exists()


def test_only_the_office_sees_and_decides(stage: Stage, dispatch: Dispatch) -> None:
    for user in strangers(stage):
        client = browser(user)
        for address in ("/office/travel/", path(dispatch), f"{path(dispatch)}lines/1/"):
            assert client.get(address).status_code == 403
        assert client.post(path(dispatch), form_of(dispatch, value_1="1")).status_code == 403
        assert client.post(f"{path(dispatch)}preview/", {}).status_code == 403
        assert claims_waiting(user) == []
    assert not TravelLine.objects.exclude(accepted_km=None).exists()


def test_the_number_of_queries_does_not_grow_with_the_queue(
    stage: Stage, dispatch: Dispatch, django_assert_max_num_queries: Any
) -> None:
    client = browser(stage.operator)
    client.get("/office/travel/")
    with CaptureQueriesContext(connection) as few:
        client.get("/office/travel/")
    for day in (14, 15, 16):
        stage.travel(at("07-13 09:00"))
        stage.approved(
            stage.application(
                stage.case(f"C{day - 12}"),
                planned_from=at(f"07-{day + 4} 10:00"),
                planned_to=at(f"07-{day + 4} 12:00"),
            ),
            CAR,
            TAXI,
        )
    check_month()
    client = browser(stage.operator)
    client.get("/office/travel/")
    with CaptureQueriesContext(connection) as many:
        page = client.get("/office/travel/")
    assert len(page.context["page"].object_list) == 4
    assert len(many) <= len(few)
    with django_assert_max_num_queries(40):
        client.get(path(dispatch))


def test_decisions_reach_the_calculation(stage: Stage, dispatch: Dispatch) -> None:
    check_travel_lines(
        dispatch=dispatch,
        decisions=[LineDecision(line_no=1, accepted_km=Decimal("28.4"))],
        actor=stage.operator,
    )
    check_month()
    assert claims_waiting(stage.operator) == []
