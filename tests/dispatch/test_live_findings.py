"""Findings stand there the moment an act is committed, are the same as those of the full check, and end with how."""

import datetime as dt
import random
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import stage as stages
import time_machine
from django.core.cache import cache
from django.db import connection, connections, transaction
from stage import Stage, at

from core.errors import DomainError
from dispatch import after_change
from dispatch.after_change import Changed
from dispatch.finding_reads import ended_findings, findings_for
from dispatch.finding_words import WORDS
from dispatch.models import Assessment, Dispatch, EndedFinding, Finding
from dispatch.services import (
    Accompaniment,
    ClaimLine,
    ReportData,
    approve_dispatch,
    cancel_dispatch,
    check_travel_line,
    correct_dispatch,
    declare,
    finish_visit,
    hold_dispatch,
    release_dispatch,
    return_dispatch,
    revoke_waiver,
    submit_report,
    waive_finding,
)
from payments.services import assessment, finding_rows, live
from payments.services.assessment import check_experts, check_month
from rules.findings import CHECKS

CAR = ClaimLine(day=dt.date(2021, 7, 12), kind="私有車", claimed=5000)


@pytest.fixture
def told(fresh_database: Any, django_db_blocker: Any) -> Iterator[Stage]:
    """The stage on a database where commits are real."""
    with django_db_blocker.unblock(), time_machine.travel(at("07-01 09:00"), tick=False) as traveller:
        yield stages.build(traveller)


def codes(dispatch: Dispatch) -> list[str]:
    return list(Finding.objects.filter(dispatch=dispatch).order_by("code").values_list("code", flat=True))


def rows() -> tuple[list[Any], list[Any]]:
    """Everything the check keeps, without the moments."""
    return (
        list(
            Assessment.objects.order_by("dispatch").values_list(
                "dispatch__number", "month", "kind", "codes", "fee", "travel"
            )
        ),
        list(
            Finding.objects.order_by("dispatch", "code").values_list(
                "dispatch__number", "code", "kind", "reason", "expected", "actual"
            )
        ),
    )


def finished(stage: Stage, day: int, company: str = "C1", **values: Any) -> Dispatch:
    """A visit of that day without any check event."""
    start = at(f"07-{day:02} 10:00")
    stage.travel(at("07-01 09:00"))
    dispatch = stage.confirmed(
        stage.application(
            stage.case(company), planned_from=start, planned_to=start + dt.timedelta(hours=2), **values
        )
    )
    stage.travel(start + dt.timedelta(hours=3))
    return finish_visit(
        dispatch=dispatch,
        visited_from=start,
        visited_to=start + dt.timedelta(hours=2),
        actor=stage.experts[dispatch.expert.code],
    )


def test_a_finding_is_there_when_the_act_is_done_and_says_how_it_ended(told: Stage) -> None:
    dispatch = finished(told, 12)
    assert codes(dispatch) == ["E01", "E02", "P01", "P02", "P03", "P05"]
    expert = told.experts["E1"]
    declare(
        dispatch=dispatch,
        cause="開始報告失念",
        reason="電池切れ",
        actor=expert,
        declared_from=at("07-12 10:00"),
    )
    assert codes(dispatch) == ["E02", "P01", "P02", "P03", "P05"]
    ended = EndedFinding.objects.get()
    assert (ended.code, ended.how, ended.note) == ("E01", "declared", "電池切れ")
    waive_finding(dispatch=dispatch, code="E02", reason="支援先に確認した", actor=told.approver)
    ended = EndedFinding.objects.get(code="E02")
    assert (ended.how, ended.ended_by, ended.note) == ("waived", told.approver, "支援先に確認した")
    assert [each.code for each in ended_findings(dispatch, told.operator)] == ["E02", "E01"]
    hold_dispatch(dispatch=dispatch, reason="通報あり", actor=told.operator)
    assert "M01" in codes(dispatch)
    release_dispatch(dispatch=dispatch, reason="確認済み", actor=told.operator)
    assert EndedFinding.objects.get(code="M01").how == "released"
    # what isn't complete yet leaves with its step, not as a finding that ended
    assert not EndedFinding.objects.filter(kind="未了").exists()


def test_those_it_concerns_read_it_in_plain_words_and_no_more_than_is_theirs(told: Stage) -> None:
    dispatch = finished(told, 12)
    hold_dispatch(dispatch=dispatch, reason="通報あり", actor=told.operator)
    for person in (told.experts["E1"], told.chief):
        said = findings_for(dispatch, person)
        assert [each.code for each in said] == ["E01", "E02", "M01", "P05", "P01", "P02", "P03"]
        assert not [
            each for each in said if "通報" in f"{each.what}{each.next_step}{each.expected}{each.actual}"
        ]
        assert not Finding.objects.visible_to(person).filter(code="M01").exists()
        assert next(each for each in said if each.code == "M01").kind == "保留"
    assert Finding.objects.visible_to(told.operator).filter(code="M01").exists()
    assert findings_for(dispatch, told.other_chief) == []
    assert findings_for(dispatch, told.experts["E2"]) == []
    assert not Assessment.objects.visible_to(told.other_chief).exists()


def test_an_institution_is_told_of_a_bank_account_without_a_word_of_it(told: Stage) -> None:
    dispatch = finished(told, 12)
    type(dispatch.expert).objects.filter(pk=dispatch.expert_id).update(bank_code="9998")
    check_month()
    assert "B01" in codes(dispatch)
    own = {each.code: each for each in findings_for(dispatch, told.experts["E1"])}
    assert "9998" in own["B01"].actual
    theirs = {each.code: each for each in findings_for(dispatch, told.chief)}
    assert theirs["B01"].actual == ""
    assert not Finding.objects.visible_to(told.chief).filter(code="B01").exists()


def test_every_code_has_plain_words() -> None:
    assert {check.code for check in CHECKS} <= set(WORDS)


def test_a_change_is_seen_at_the_expert_s_other_visits_and_at_the_client_s(told: Stage) -> None:
    first = finished(told, 12)
    second = finished(told, 13)
    correct_dispatch(
        dispatch=second,
        values={"実施開始": "2021-07-12 11:00", "実施終了": "2021-07-12 13:00"},
        reason="日を誤った",
        actor=told.operator,
    )
    assert "L03" in codes(first)
    assert "L03" in codes(second)
    others = [finished(told, 14, expert="E2"), finished(told, 15, "C2", expert="E2")]
    correct_dispatch(
        dispatch=others[1], values={"企業コード": "C1"}, reason="支援先を誤った", actor=told.operator
    )
    assert [("L01" in codes(each)) for each in (first, second, *others)] == [False, False, False, True]
    # with one fewer before it, the last is within the limit again, though nobody touched it
    correct_dispatch(
        dispatch=first, values={"企業コード": "C2"}, reason="支援先を誤った", actor=told.operator
    )
    assert "L01" not in codes(others[1])
    assert EndedFinding.objects.get(code="L01").how == "fixed"


Act = Callable[[Stage, Dispatch, random.Random], object]


def _times(stage: Stage, dispatch: Dispatch, chance: random.Random) -> object:
    start = at(f"07-{chance.randrange(12, 15)} {chance.randrange(9, 13):02}:00")
    stage.travel(at("07-20 09:00"))
    return correct_dispatch(
        dispatch=dispatch,
        values={
            "実施開始": f"{start:%Y-%m-%d %H:%M}",
            "実施終了": f"{start + dt.timedelta(hours=chance.randrange(1, 5)):%Y-%m-%d %H:%M}",
        },
        reason="訂正",
        actor=stage.operator,
    )


def _report(stage: Stage, dispatch: Dispatch, chance: random.Random) -> object:
    lines = [CAR] * chance.randrange(3)
    expert = stage.experts[dispatch.expert.code]
    return submit_report(dispatch=dispatch, report=ReportData("助言した。"), lines=lines, actor=expert)


def _approve(stage: Stage, dispatch: Dispatch, chance: random.Random) -> object:
    return approve_dispatch(
        dispatch=stage.attested(dispatch),
        accompaniment=Accompaniment(False, reason="遠方"),
        actor=stage.chief,
    )


def _declare(stage: Stage, dispatch: Dispatch, chance: random.Random) -> object:
    cause = chance.choice(["開始報告失念", "終了報告失念", "時刻訂正"])
    return declare(dispatch=dispatch, cause=cause, reason="失念", actor=stage.operator)


def _waive(stage: Stage, dispatch: Dispatch, chance: random.Random) -> object:
    return waive_finding(
        dispatch=dispatch,
        code=chance.choice(["E01", "E02", "L01", "L03"]),
        reason="確認",
        actor=stage.approver,
    )


def _unwaive(stage: Stage, dispatch: Dispatch, chance: random.Random) -> object:
    waiver = dispatch.waivers.filter(revoked_at=None).first()
    return waiver and revoke_waiver(waiver=waiver, reason="誤り", actor=stage.approver)


def _hold(stage: Stage, dispatch: Dispatch, chance: random.Random) -> object:
    return hold_dispatch(dispatch=dispatch, reason="確認中", actor=stage.operator)


def _release(stage: Stage, dispatch: Dispatch, chance: random.Random) -> object:
    return release_dispatch(dispatch=dispatch, reason="済", actor=stage.operator)


def _return(stage: Stage, dispatch: Dispatch, chance: random.Random) -> object:
    return return_dispatch(dispatch=dispatch, reasons=["記載の不足"], actor=stage.operator)


def _km(stage: Stage, dispatch: Dispatch, chance: random.Random) -> object:
    line = dispatch.travel_lines.first()
    return line and check_travel_line(
        line=line, accepted_km=Decimal(chance.randrange(200)), reason="最短", actor=stage.operator
    )


def _client(stage: Stage, dispatch: Dispatch, chance: random.Random) -> object:
    values = {"企業コード": chance.choice(["C1", "C2"])}
    return correct_dispatch(dispatch=dispatch, values=values, reason="支援先", actor=stage.operator)


def _expert(stage: Stage, dispatch: Dispatch, chance: random.Random) -> object:
    values = {"専門家コード": chance.choice(["E1", "E2"])}
    return correct_dispatch(dispatch=dispatch, values=values, reason="専門家", actor=stage.operator)


def _cancel(stage: Stage, dispatch: Dispatch, chance: random.Random) -> object:
    return cancel_dispatch(dispatch=dispatch, reason="都合", actor=stage.chief)


ACTS: list[Act] = [
    _times, _times, _report, _report, _approve, _approve, _declare, _waive, _unwaive, _hold, _release, _return, _km, _km,
    _client, _expert, _cancel,
]  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_any_acts_the_live_rows_are_those_of_the_full_check(told: Stage, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a repeatable test
    dispatches = [
        finished(told, 12 + n % 3, ("C1", "C2")[n // 3], expert=("E1", "E2")[n % 2]) for n in range(5)
    ]
    told.travel(at("07-20 09:00"))
    done = 0
    for _ in range(30):
        dispatch = Dispatch.objects.get(pk=chance.choice(dispatches).pk)
        try:
            chance.choice(ACTS)(told, dispatch, chance)
        except DomainError:
            continue
        done += 1
        now = rows()
        check_month()
        assert rows() == now
    assert done > 10


def test_an_act_is_done_though_its_check_fails_and_the_worker_is_told(
    told: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatch = finished(told, 12)

    def broken(**_: Any) -> int:
        raise RuntimeError("out of order")

    queued: list[list[int]] = []
    monkeypatch.setattr(live, "check_experts", broken)
    monkeypatch.setattr("payments.tasks.judge_experts.delay", queued.append)
    declare(dispatch=dispatch, cause="開始報告失念", reason="電池切れ", actor=told.experts["E1"])
    assert dispatch.declarations.exists()
    assert queued == [[dispatch.expert_id]]
    # one that waits isn't queued again, until the worker has taken it
    declare(dispatch=dispatch, cause="終了報告失念", reason="電池切れ", actor=told.experts["E1"])
    assert len(queued) == 1
    monkeypatch.undo()
    live.judge_queued([dispatch.expert_id])
    assert "E01" not in codes(dispatch)
    assert cache.add(f"judge-expert-{dispatch.expert_id}", 1)


def test_what_came_from_phones_is_judged_in_the_background_in_one_message(
    told: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[list[int]] = []
    monkeypatch.setattr("payments.tasks.judge_experts.delay", queued.append)
    monkeypatch.setattr(live, "GATHERING_SECONDS", 3600)
    for running in threading.enumerate():
        if isinstance(running, threading.Timer) and running.interval < 3600:
            running.join()  # what another test gathered
    dispatches = [told.confirmed(), told.confirmed(told.application(told.case("C2"), expert="E3"))]
    live.queue_gathered()
    queued.clear()
    told.travel(at("07-12 13:00"))
    for dispatch in dispatches:
        told.checked(dispatch)
    assert queued == []
    live.queue_gathered()
    assert queued == [sorted(dispatch.expert_id for dispatch in dispatches)]
    assert not Assessment.objects.exists()
    live.judge_queued(queued[0])
    assert Assessment.objects.count() == 2
    # a broken queue is nobody's trouble
    monkeypatch.setattr(live, "queue_experts", lambda experts: 1 / 0)
    live.queue_gathered()


def test_nothing_is_judged_of_what_was_rolled_back(told: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    dispatch = finished(told, 12)
    heard: list[Changed] = []
    monkeypatch.setattr(after_change, "_LISTENERS", [heard.append])
    with pytest.raises(RuntimeError), transaction.atomic():
        declare(dispatch=dispatch, cause="開始報告失念", reason="電池切れ", actor=told.experts["E1"])
        raise RuntimeError
    assert heard == []
    declare(dispatch=dispatch, cause="開始報告失念", reason="電池切れ", actor=told.experts["E1"])
    assert [each.at_once for each in heard] == [True]


def test_an_older_view_never_replaces_a_newer_one(told: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The full check has read, then a person acts and the live check writes, then the full check writes."""
    dispatch = finished(told, 12)
    expert = told.experts["E1"]
    real = finding_rows.keep
    passed: list[bool] = []

    def slow(columns: Any) -> None:
        if not passed:
            passed.append(True)
            # on another connection, while this transaction keeps its view
            act = threading.Thread(target=_declared, args=(dispatch, expert))
            act.start()
            act.join()
        real(columns)

    def _declared(row: Dispatch, actor: Any) -> None:
        try:
            monkeypatch.setattr(assessment, "keep", real)
            declare(dispatch=row, cause="開始報告失念", reason="電池切れ", actor=actor)
            monkeypatch.setattr(assessment, "keep", slow)
        finally:
            connections.close_all()

    monkeypatch.setattr(assessment, "keep", slow)
    check_month()
    assert passed
    assert "E01" not in codes(dispatch)
    assert Assessment.objects.get().codes == codes(dispatch)


def test_checks_beside_each_other_never_wait_in_a_circle(told: Stage) -> None:
    dispatches = [finished(told, 12 + n, ("C1", "C2")[n % 2], expert=("E1", "E2")[n % 2]) for n in range(4)]
    experts = sorted({each.expert_id for each in dispatches})
    failed: list[Exception] = []

    def work(number: int) -> None:
        try:
            for turn in range(8):
                if number:
                    with transaction.atomic():
                        Dispatch.objects.filter(pk=dispatches[turn % 4].pk).update(
                            break_minutes=turn + number
                        )
                    check_experts(experts=experts if turn % 2 else experts[::-1])
                else:
                    check_month()
        except Exception as error:  # noqa: BLE001 - told by the test itself
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    now = rows()
    check_month()
    assert rows() == now


def test_the_live_check_takes_the_same_queries_for_more_dispatches(told: Stage) -> None:
    dispatch = finished(told, 12)

    def queries() -> int:
        found = []

        def counted(execute: Any, *arguments: Any) -> Any:
            found.append(1)
            return execute(*arguments)

        with connection.execute_wrapper(counted):
            live.judge_changed(
                Changed(frozenset({dispatch.pk}), frozenset({dispatch.expert_id}), frozenset(), at_once=True)
            )
        return len(found)

    few = queries()
    for day in (13, 14, 15):
        finished(told, day, "C2")
    assert queries() == few


def test_what_ended_without_payment_has_no_rows_any_more(told: Stage) -> None:
    dispatch = finished(told, 12)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.transition', 'import', true)")
        Dispatch.objects.filter(pk=dispatch.pk).update(status="cancelled")
        after_change.changed(dispatch)
    assert codes(dispatch) == []
    assert not Assessment.objects.exists()
    assert set(EndedFinding.objects.values_list("code", "how")) == {
        ("E01", "closed"),
        ("E02", "closed"),
        ("P05", "closed"),
    }
