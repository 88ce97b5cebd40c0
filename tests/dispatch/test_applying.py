"""Rules that stand against an application: each says rule, expected, actual and what to do."""

import datetime as dt
from typing import Any

import pytest
from stage import Stage, at

from core.audit.acting import SYSTEM, acting
from core.errors import DomainError
from core.notify.models import Task
from core.programme.models import RuleSet
from dispatch.models import ApprovalRequest, Case, Dispatch, Status
from dispatch.services import (
    Obstacle,
    ObstaclesFound,
    accept_dispatch,
    apply_for_dispatch,
    check_application,
    check_reschedule,
    confirm_dispatch,
    decide_request,
    missing_fields,
    open_case,
    request_approval,
    reschedule_dispatch,
)
from experts.models import Expert
from institutions.models import Institution


def found(stage: Stage, **values: Any) -> dict[str, Obstacle]:
    return {each.rule: each for each in check_application(stage.application(**values))}


def next_year(text: str) -> dt.datetime:
    """A moment of 2022 in Japan."""
    return at(text).replace(year=2022)


def test_nothing_stands_against_a_plain_application(stage: Stage) -> None:
    application = stage.application()
    assert check_application(application) == []
    assert missing_fields(application) == []


def test_a_form_just_opened_is_judged_as_far_as_it_goes(stage: Stage) -> None:
    from dispatch.services import Application

    empty = Application(case=stage.case())
    assert check_application(empty) == []
    assert {each.field for each in missing_fields(empty)} == {
        "expert", "method", "planned_from", "planned_to",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "rule", "kind", "actual"),
    [
        ({"planned_to": at("07-12 09:00")}, "予定の時刻", "block", "10:00～09:00"),
        (
            {"planned_from": at("07-02 10:00"), "planned_to": at("07-02 11:00")},
            "申請の期限",
            "block",
            "2021年7月2日",
        ),
        ({"method": "WEB"}, "WEB支援の事前承認", "block", "理由なし"),
        (
            {"method": "WEB", "web_reason": "事業所が閉鎖・休業している"},
            "WEB支援の事前承認",
            "approval",
            "未承認",
        ),
        ({"subsidised_labour": True}, "人件費補助（X01）", "warning", "人件費が公的に補助されている"),
        ({"expert": "E3"}, "人件費補助（X01）", "warning", "人件費が公的に補助されている"),
        ({"paid_by_institution": True}, "機関からの給与謝金（X02）", "warning", "機関が給与・謝金を支払う"),
        ({"requested_by_expert": True}, "専門家からの要請（X04）", "warning", "専門家からの要請"),
        ({"topic": "宇宙"}, "経営課題", "block", "宇宙"),
        ({"planned_from": None, "planned_to": None, "topic": "宇宙"}, "経営課題", "block", "宇宙"),
    ],
)
def test_each_rule_names_itself(
    stage: Stage, values: dict[str, Any], rule: str, kind: str, actual: str
) -> None:
    obstacles = found(stage, **values)
    assert (obstacles[rule].kind, obstacles[rule].actual) == (kind, actual)
    assert len(obstacles) == 1
    assert obstacles[rule].expected
    assert obstacles[rule].next_step.endswith("。")


def test_a_day_outside_the_period_or_without_rules_is_refused(stage: Stage) -> None:
    period = found(stage, planned_from=at("07-12 10:00").replace(year=2022, month=3), planned_to=None)
    assert period["派遣期間"].expected == "2021年4月1日～2022年2月28日"
    unruled = found(stage, planned_from=at("07-12 10:00").replace(year=2025), planned_to=None)
    assert unruled["派遣期間"].expected == "支出基準のある日"


def test_an_expert_of_the_institution_is_not_payable_but_for_the_exempt_kinds(stage: Stage) -> None:
    case = stage.case(institution="K2")
    assert "所属機関からの派遣（X03）" in found(stage, case=case, expert="E2")
    assert found(stage, member_of_institution=True) == {}  # K1 is a 商工会


def test_an_institution_that_may_not_dispatch_is_told_so(stage: Stage) -> None:
    case = Case(institution=Institution.objects.get(code="K3"), company=stage.case().company, topic="創業")
    assert found(stage, case=case)["派遣できる機関"].kind == "block"


def test_an_expert_is_in_one_place_at_a_time_and_touching_ends_are_none(stage: Stage) -> None:
    first = stage.applied()
    other = stage.case("C2")
    overlapping = found(stage, case=other, planned_from=at("07-12 11:59"), planned_to=at("07-12 13:00"))
    assert overlapping["専門家の予定の重なり"].actual == "07/12 10:00～12:00 に別の派遣"
    assert found(stage, case=other, planned_from=at("07-12 12:00"), planned_to=at("07-12 13:00")) == {}
    same_client = found(stage, expert="E2", planned_from=at("07-12 11:00"), planned_to=at("07-12 13:00"))
    assert same_client["支援先の予定の重なり"].kind == "warning"
    assert same_client["支援先の予定の重なり"].actual == f"07/12 10:00～12:00 に派遣 {first.number}"
    elsewhere = stage.case(institution="K2")
    times = {"planned_from": at("07-12 11:00"), "planned_to": at("07-12 13:00")}
    unnamed = found(stage, case=elsewhere, expert="E3", **times)["支援先の予定の重なり"]
    assert unnamed.actual == "07/12 10:00～12:00 に別の機関の派遣"


def test_the_fourth_of_a_year_needs_a_reason_and_then_the_offices_exception(stage: Stage) -> None:
    for day in (12, 13, 14):
        stage.applied(stage.application(planned_from=at(f"07-{day} 10:00"), planned_to=at(f"07-{day} 11:00")))
    fourth = {"planned_from": at("07-15 10:00"), "planned_to": at("07-15 11:00")}
    assert found(stage, **fourth)["支援先の派遣回数"].actual == "4回目"
    dispatch = stage.applied(stage.application(**fourth, limit_reason="事業承継が間近"))
    dispatch = accept_dispatch(dispatch=dispatch, actor=stage.experts["E1"])
    with pytest.raises(DomainError, match="まだ判断されていません"):
        confirm_dispatch(dispatch=dispatch, actor=stage.operator)
    request = ApprovalRequest.objects.get()
    decide_request(request=request, approved=True, reason="やむを得ない", actor=stage.operator)
    dispatch = confirm_dispatch(dispatch=dispatch, actor=stage.operator)
    assert (dispatch.status, dispatch.limit_exception) == (Status.CONFIRMED, True)
    with pytest.raises(DomainError, match="既に判断"):
        decide_request(request=request, approved=False, reason="誤り", actor=stage.approver)


def test_web_support_the_office_refused_is_not_confirmed_until_a_new_request(stage: Stage) -> None:
    application = stage.application(
        method="WEB", place="", latitude=None, longitude=None, web_reason="事業所が閉鎖・休業している"
    )
    dispatch = accept_dispatch(dispatch=stage.applied(application), actor=stage.experts["E1"])
    first = ApprovalRequest.objects.get()
    decide_request(request=first, approved=False, reason="対面で可能", actor=stage.operator)
    with pytest.raises(DomainError, match="事前承認がない"):
        confirm_dispatch(dispatch=dispatch, actor=stage.operator)
    refusal = Task.objects.filter(code="dispatch_request_refused")
    assert refusal.open().exists()
    again = request_approval(dispatch=dispatch, kind="web", reason="感染者が出た", actor=stage.chief)
    assert not refusal.open().exists()  # asked again, the refusal waits for nobody
    with pytest.raises(DomainError, match="申請済み"):
        request_approval(dispatch=dispatch, kind="web", reason="感染者が出た", actor=stage.chief)
    decide_request(request=again, approved=True, reason="了承", actor=stage.operator)
    assert confirm_dispatch(dispatch=dispatch, actor=stage.operator).web_approved


def test_a_blocked_application_leaves_nothing(stage: Stage) -> None:
    with pytest.raises(ObstaclesFound) as refused:
        stage.applied(stage.application(topic="宇宙", place=""))
    assert {each.rule for each in refused.value.obstacles} == {"経営課題", "必須の項目"}
    assert not Dispatch.objects.exists()


def test_a_double_click_applies_once(stage: Stage) -> None:
    application = stage.application()
    first = apply_for_dispatch(application=application, actor=stage.chief, key="form-1")
    second = apply_for_dispatch(application=application, actor=stage.chief, key="form-1")
    assert first.pk == second.pk
    assert Dispatch.objects.count() == 1


def test_a_forms_key_that_applied_for_another_case_is_refused_in_words(stage: Stage) -> None:
    apply_for_dispatch(application=stage.application(), actor=stage.chief, key="form-1")
    with pytest.raises(DomainError, match="画面を開き直して"):
        apply_for_dispatch(application=stage.application(stage.case("C2")), actor=stage.chief, key="form-1")
    assert Dispatch.objects.count() == 1


def test_without_the_clients_consent_nothing_is_sent(stage: Stage) -> None:
    case = open_case(
        institution=Institution.objects.get(code="K1"),
        company=stage.case().company,
        topic="創業",
        problem="課題",
        why_not_alone="理由",
        actor=stage.chief,
    )
    with pytest.raises(ObstaclesFound, match="情報共有の同意"):
        stage.applied(stage.application(case))


def test_another_institutions_case_is_not_there(stage: Stage) -> None:
    application = stage.application(stage.case(institution="K2"))
    with pytest.raises(Case.DoesNotExist):
        apply_for_dispatch(application=application, actor=stage.chief)


def test_checking_takes_few_queries_however_many_dispatches(
    stage: Stage, django_assert_max_num_queries: Any
) -> None:
    application = stage.application()
    for day in (13, 14):
        stage.applied(stage.application(planned_from=at(f"07-{day} 10:00"), planned_to=at(f"07-{day} 11:00")))
    assert Expert.objects.count() == 3
    with django_assert_max_num_queries(8):
        check_application(application)


@pytest.mark.parametrize("taken", [2, 3])
def test_into_another_year_a_dispatch_moves_only_while_the_client_has_one_left_there(
    stage: Stage, taken: int
) -> None:
    first = RuleSet.objects.get(code="R3")
    with acting(SYSTEM, "test"):
        RuleSet.objects.create(
            code="R4",
            name="令和4年度",
            valid=(dt.date(2022, 4, 1), dt.date(2023, 4, 1)),
            values=first.values,
        )
    stage.travel(next_year("02-01 09:00"))
    moved = stage.applied(
        stage.application(planned_from=next_year("02-20 10:00"), planned_to=next_year("02-20 12:00"))
    )
    for day in range(taken):
        start = next_year(f"04-{day + 10:02} 10:00")
        stage.applied(stage.application(planned_from=start, planned_to=start + dt.timedelta(hours=1)))
    new = {"planned_from": next_year("04-20 10:00"), "planned_to": next_year("04-20 12:00")}
    if taken < 3:
        assert reschedule_dispatch(dispatch=moved, reason="都合", actor=stage.chief, **new).planned_from
        return
    with pytest.raises(ObstaclesFound) as refused:
        reschedule_dispatch(dispatch=moved, reason="都合", actor=stage.chief, **new)
    [obstacle] = refused.value.obstacles
    assert (obstacle.rule, obstacle.actual) == ("支援先の派遣回数", "4回目")
    assert "同じ年度の日" in obstacle.next_step
    # an exception that the office allowed was for the year it was asked for
    with acting(SYSTEM, "test"):
        Dispatch.objects.filter(pk=moved.pk).update(limit_exception=True)
    moved.refresh_from_db()
    assert check_reschedule(moved, **new) != []
    assert check_reschedule(moved, next_year("02-21 10:00"), next_year("02-21 12:00")) == []
