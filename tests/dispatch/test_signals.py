"""Fraud signals: each kind finds what it is named for and nothing of a decent month; people decide, and that stays."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from stage import Stage, at

from core import clock
from core.audit.acting import SYSTEM, acting
from core.errors import DomainError, NotAllowed
from core.jobs.models import Job
from core.jobs.services import execute_job
from dispatch.models import (
    CheckEvent,
    Company,
    Correction,
    Declaration,
    Dispatch,
    ReportSketch,
    ReviewSignal,
    SignalDecision,
    SignatureSketch,
)
from dispatch.services import Accompaniment, approve_dispatch
from dispatch.services.signals import (
    decide_signal,
    look_for_signals,
    set_signal_terms,
    signal_version,
    thresholds,
)
from dispatch.signals_found import KINDS, Found, Thresholds, Window
from dispatch.signals_found.reports import shared_percent, sketch_reports
from dispatch.signals_found.signatures import difference, shape_of
from dispatch.tasks import look_each_night
from experts.models import Expert
from institutions.models import Institution

LONG = (
    "売上の減少について聞き取り、固定費の内訳を一緒に見直した。来店客の曜日ごとの動きを表にし、"
    "仕入れの量を減らす日を決めた。次回までに、三か月分の資金繰り表を作ることを約束した。"
)


@pytest.fixture
def busy(stage: Stage) -> Stage:
    """The stage in August; the visits of July are over."""
    stage.travel(at("08-10 09:00"))
    return stage


_count = iter(range(1, 10_000))


def visit(
    day: int,
    hour: int = 10,
    *,
    expert: str = "E1",
    company: str = "C1",
    institution: str = "K1",
    minutes: int = 120,
    **values: Any,
) -> Dispatch:
    """A dispatch that took place in July, as a file would have brought it."""
    start = at(f"07-{day:02} {hour:02}:00")
    end = start + dt.timedelta(minutes=minutes)
    with acting(SYSTEM, "test"), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.transition', 'import', true)")
        plain = {
            "number": f"S{next(_count):05}",
            "status": "visited",
            "expert": Expert.objects.get(code=expert),
            "company": Company.objects.get(code=company),
            "institution": Institution.objects.get(code=institution),
            "topic": "創業",
            "method": "対面",
            "latitude": Decimal("35.6812"),
            "longitude": Decimal("139.7671"),
            "planned_from": start,
            "planned_to": end,
            "visited_from": start,
            "visited_to": end,
        }
        return Dispatch.objects.create(**(plain | values))


def event(
    dispatch: Dispatch,
    kind: str,
    after: float,
    lat: str = "35.68123",
    lon: str = "139.76712",
    signer: str = "",
) -> CheckEvent:
    """A record so many minutes after the visit's start."""
    assert dispatch.visited_from
    moment = dispatch.visited_from + dt.timedelta(minutes=after)
    with acting(SYSTEM, "test"):
        return CheckEvent.objects.create(
            event_id=f"{dispatch.number}-{kind}-{after}",
            dispatch=dispatch,
            kind=kind,
            device_time=moment,
            latitude=Decimal(lat),
            longitude=Decimal(lon),
            accuracy=Decimal(15),
            signer_name=signer,
        )


def look(kind: str, **terms: int) -> list[Found]:
    window = Window(at("04-01 00:00"), Thresholds.from_values(terms))
    return list(KINDS[kind].look(window))


def test_overlapping_visits_of_an_expert_and_of_a_client(busy: Stage) -> None:
    first = visit(12, 10)
    second = visit(12, 11, company="C2", institution="K2")
    visit(12, 13)
    night = visit(20, 22, minutes=240)
    late = visit(21, 1, minutes=60, company="C3")
    found = {each.dispatches: each for each in look("overlap_expert")}
    assert set(found) == {(first.pk, second.pk), (night.pk, late.pk)}
    assert found[first.pk, second.pk].facts == {"重なり（分）": 60, "別の機関": True}
    assert look("overlap_client") == []
    third = visit(12, 11, expert="E2")
    assert [each.dispatches for each in look("overlap_client")] == [(first.pk, third.pk)]


def test_travel_that_nobody_can_do(busy: Stage) -> None:
    tokyo, osaka = visit(12, 10, minutes=60), visit(12, 12, company="C2")
    event(tokyo, "終了", 60)
    event(osaka, "開始", 0, "34.70249", "135.49595")
    (found,) = look("impossible_travel")
    assert found.dispatches == (tokyo.pk, osaka.pk)
    assert found.facts["時間（秒）"] == 3600
    assert 390_000 < found.facts["距離（m）"] < 410_000
    assert 390 < found.facts["速さ（km/時）"] < 410
    # half a kilometre within a minute is what phones are wrong by
    near = visit(13, 10)
    event(near, "開始", 0)
    event(near, "終了", 1, "35.6855")
    assert len(look("impossible_travel")) == 1
    assert look("impossible_travel", travel_kmh=500) == []


def test_far_from_the_site_again_and_again(busy: Stage) -> None:
    for day in (12, 13):
        event(visit(day), "開始", 0, "35.75")
    assert look("far_from_site") == []
    event(visit(14), "開始", 0, "35.75")
    (found,) = look("far_from_site")
    assert (found.facts["離れた記録"], found.expert) == (3, Expert.objects.get(code="E1").pk)


def test_two_clients_recorded_at_the_very_same_spot(busy: Stage) -> None:
    one = visit(12)
    event(one, "開始", 0)
    event(visit(13, company="C2"), "開始", 0)
    assert look("same_position") == []  # two clients in one house
    away = visit(14, company="C3", expert="E2", latitude=Decimal("35.9"))
    event(away, "開始", 0)
    (found,) = look("same_position")
    assert found.facts["専門家"] == 2
    assert away.pk in found.dispatches


def test_plans_kept_to_the_minute_and_days_at_the_cap(busy: Stage) -> None:
    for day in range(1, 9):
        planned = visit(day, minutes=360)
        event(planned, "開始", 1)
        event(planned, "終了", 361.4)
    (found,) = look("exact_plan")
    assert found.facts == {"記録のある支援": 8, "予定と同じ長さ": 8, "割合（%）": 100}
    (found,) = look("always_cap")
    assert found.facts["上限ちょうどの日"] == 8
    for day in range(9, 12):
        other = visit(day, minutes=355)
        event(other, "開始", 1)
        event(other, "終了", 330)
    assert look("exact_plan") == []
    assert look("always_cap") == []


def test_a_pair_that_takes_most_of_an_institution(busy: Stage) -> None:
    for day in range(1, 11):
        visit(day)
        visit(day, 14, company="C2")
    visit(12, expert="E2")
    (found,) = look("dominant_pair")
    assert (found.facts["派遣"], found.facts["機関の派遣"], found.facts["支援先"]) == (20, 21, 2)
    assert found.institution == Institution.objects.get(code="K1").pk


def test_signers(busy: Stage) -> None:
    for day, company in ((12, "C1"), (13, "C2"), (14, "C3")):
        event(visit(day, company=company), "終了", 120, signer="見本 花子")
    event(visit(15), "終了", 120, signer="吉田　太郎")
    (found,) = look("same_signer")
    assert found.facts == {"署名": 3, "支援先": 3}
    assert "見本" not in str(found)
    (own,) = look("expert_signed")
    assert own.facts == {"署名": 1}
    assert look("same_signer", signer_clients=4) == []


def test_a_client_that_is_its_expert(busy: Stage) -> None:
    visit(12)
    assert look("client_is_expert") == []
    Company.objects.filter(code="C1").update(phone="０９０-1111-2222", email="E1@example.jp")
    Expert.objects.filter(code="E1").update(phone="090 1111 2222")
    (found,) = look("client_is_expert")
    assert found.facts == {"同じもの": ["電話番号", "メールアドレス"], "派遣": 1}


def test_copied_and_similar_reports(busy: Stage) -> None:
    one = visit(12, report=f"7月12日。{LONG}")
    two = visit(13, company="C2", report=f"7月13日。{LONG}　")
    visit(
        14,
        company="C3",
        report="全く別の相談で、採用の進め方と求人票の書き方、面接の準備について長く話し合った。応募の窓口も整理し、担当を決めた。",
    )
    sketch_reports()
    (found,) = look("copied_report")
    assert set(found.dispatches) == {one.pk, two.pk}
    assert look("similar_report") == []
    changed = LONG.replace("来店客の曜日ごとの動きを表にし", "常連客の好みを聞き")
    three = visit(15, company="C4", expert="E2", report=changed)
    sketch_reports()
    (alike,) = look("similar_report")
    assert alike.dispatches[1] == three.pk
    assert alike.facts["一致（%）"] == shared_percent(one.report, three.report) >= 70
    assert ReportSketch.objects.count() == 4
    assert sketch_reports() == 0
    Dispatch.objects.filter(pk=two.pk).update(report="短い。")
    assert sketch_reports() == 1
    assert look("copied_report") == []


def test_edits_declarations_and_approvals(busy: Stage) -> None:
    edited = visit(12, approved_at=at("07-20 10:00"))
    for number in range(3):
        Correction.objects.create(
            dispatch=edited, file="dispatches", column="休憩分", reason="訂正", corrected_by=busy.operator,
            corrected_at=at(f"07-2{number + 1} 10:00"),
        )  # fmt: skip
    (found,) = look("late_edits")
    assert found.facts == {"承認後の訂正": 3, "承認後の差戻し": 0}
    for day in range(1, 6):
        Declaration.objects.create(
            dispatch=visit(day), cause="終了報告失念", reason="失念", submitted_at=at("07-30 10:00")
        )
    (found,) = look("many_declarations")
    assert found.facts == {"事由": "終了報告失念", "申告書": 5}


def test_approvals_one_after_the_other(stage: Stage) -> None:
    reported = []
    for day, company in ((12, "C1"), (13, "C1"), (14, "C1"), (15, "C2"), (16, "C2")):
        stage.travel(at("07-01 09:00"))
        start = at(f"07-{day} 10:00")
        application = stage.application(
            stage.case(company), planned_from=start, planned_to=start + dt.timedelta(hours=2)
        )
        reported.append(stage.attested(stage.reported(application)))
    approvals = Window(at("04-01 00:00"), Thresholds())
    for place, dispatch in enumerate(reported):
        assert list(KINDS["hasty_approvals"].look(approvals)) == [], place
        approve_dispatch(
            dispatch=dispatch, accompaniment=Accompaniment(False, reason="遠方"), actor=stage.chief
        )
    (found,) = KINDS["hasty_approvals"].look(approvals)
    assert found.facts["承認"] == 5
    assert found.institution == Institution.objects.get(code="K1").pk


STROKES = [[[10 * n, (n * n) % 37] for n in range(30)], [[5, 60], [90, 64], [200, 61]]]


def test_the_same_and_nearly_the_same_strokes(busy: Stage) -> None:
    from portal_expert.signature_sketches import mark_of

    moved = [[[x + 7, y + 3] for x, y in stroke] for stroke in STROKES]
    shaky = [[[x + (x + y) % 2, y + x % 2] for x, y in stroke] for stroke in STROKES]
    other = [[[300 - x, 5 * y] for x, y in stroke] for stroke in STROKES]
    assert mark_of(moved) == mark_of(STROKES) != mark_of(shaky)
    assert difference(shape_of(STROKES), shape_of(moved)) == 0
    assert difference(shape_of(STROKES), shape_of(shaky)) < 6 < difference(shape_of(STROKES), shape_of(other))
    assert shape_of([[[1, 1], [2, 2]]]) == []
    for number, strokes in enumerate((STROKES, moved, shaky, other)):
        done = event(visit(12 + number, company=f"C{number + 1}"), "終了", 120)
        SignatureSketch.objects.create(event=done, strokes_mark=mark_of(strokes), shape=shape_of(strokes))
    (same,) = look("same_signature")
    assert same.facts == {"派遣": 2, "支援先": 2, "専門家": 1}
    assert len(look("similar_signature")) == 2  # the shaky one is like the first two


def test_cancelled_dispatches_and_old_ones_say_nothing(busy: Stage) -> None:
    visit(12, 10)
    visit(12, 11, company="C2", status="cancelled")
    assert look("overlap_expert") == []
    visit(12, 11, company="C2")
    late = Window(at("07-20 00:00"), Thresholds())
    assert list(KINDS["overlap_expert"].look(late)) == []


def looked() -> ReviewSignal:
    look_for_signals(actor=SYSTEM)
    return ReviewSignal.objects.get(kind="overlap_expert")


def test_a_decided_signal_comes_back_only_with_other_facts(busy: Stage) -> None:
    visit(12, 10)
    second = visit(12, 11, company="C2")
    signal = looked()
    assert (signal.decision, signal.score) == ("", 65)
    with pytest.raises(NotAllowed):
        decide_signal(signal=signal, decision="watch", reason="見る", actor=busy.chief)
    with pytest.raises(DomainError, match="理由"):
        decide_signal(signal=signal, decision="watch", reason=" ", actor=busy.operator)
    with pytest.raises(DomainError, match="判断"):
        decide_signal(signal=signal, decision="pay", reason="払う", actor=busy.operator)
    decide_signal(signal=signal, decision="no_concern", reason="時計の誤り", actor=busy.operator)
    again = looked()
    assert (again.pk, again.decision, again.ended_at) == (signal.pk, "no_concern", None)
    Dispatch.objects.filter(pk=second.pk).update(visited_from=at("07-12 11:15"))
    changed = looked()
    assert (changed.pk, changed.decision, changed.decided_by) == (signal.pk, "", None)
    assert SignalDecision.objects.get().reason == "時計の誤り"
    assert SignalDecision.objects.get().facts["重なり（分）"] == 60
    with pytest.raises(DomainError, match="事実が変わりました"):
        decide_signal(
            signal=changed,
            decision="watch",
            reason="見る",
            actor=busy.operator,
            version=signal_version(signal),
        )
    Dispatch.objects.filter(pk=second.pk).update(status="visited", visited_from=at("07-12 12:30"))
    look_for_signals(actor=SYSTEM)
    changed.refresh_from_db()
    assert changed.ended_at is not None
    assert not ReviewSignal.objects.visible_to(busy.operator).waiting().exists()
    assert not ReviewSignal.objects.visible_to(busy.chief).exists()


def test_two_people_deciding_see_each_other_and_a_double_click_is_one_decision(busy: Stage) -> None:
    visit(12, 10)
    visit(12, 11, company="C2")
    signal = looked()
    seen = signal_version(signal)
    for _ in range(2):
        decide_signal(signal=signal, decision="watch", reason="聞く", actor=busy.operator, version=seen)
    assert SignalDecision.objects.count() == 1
    with pytest.raises(DomainError, match="さんが「経過を見る」と判断しました"):
        decide_signal(signal=signal, decision="no_concern", reason="済", actor=busy.approver, version=seen)
    now = signal_version(ReviewSignal.objects.get(pk=signal.pk))
    decide_signal(signal=signal, decision="no_concern", reason="済", actor=busy.approver, version=now)
    assert SignalDecision.objects.count() == 2


def test_a_signal_changes_nothing_of_the_dispatch(busy: Stage) -> None:
    visit(12, 10)
    visit(12, 11, company="C2")
    before = list(Dispatch.objects.order_by("pk").values())
    signal = looked()
    decide_signal(signal=signal, decision="escalate", reason="中小企業庁へ報告する", actor=busy.approver)
    assert list(Dispatch.objects.order_by("pk").values()) == before


def test_thresholds_are_dated(busy: Stage) -> None:
    admin = type(busy.operator).objects.create(username="kanri", role="office_admin")
    with pytest.raises(NotAllowed):
        set_signal_terms(
            name="x", first_day=dt.date(2021, 8, 1), values={"travel_kmh": 200}, actor=busy.operator
        )
    set_signal_terms(name="8月から", first_day=dt.date(2021, 8, 1), values={"travel_kmh": 200}, actor=admin)
    set_signal_terms(name="9月から", first_day=dt.date(2021, 9, 1), values={"far_times": 5}, actor=admin)
    assert thresholds(dt.date(2021, 7, 31)) == Thresholds()
    assert thresholds(dt.date(2021, 8, 31)).travel_kmh == 200
    september = thresholds(dt.date(2021, 9, 1))
    assert (september.travel_kmh, september.far_times) == (200, 5)
    for values in ({"speed": 1}, {"travel_kmh": 0}, {"travel_kmh": "5"}, {"travel_kmh": True}):
        with pytest.raises(DomainError):
            set_signal_terms(name="x", first_day=dt.date(2021, 10, 1), values=values, actor=admin)  # type: ignore[arg-type]
    with pytest.raises(DomainError, match="既に"):
        set_signal_terms(name="x", first_day=dt.date(2021, 9, 1), values={}, actor=admin)


def test_each_night_one_job_looks(fresh_database: Any, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock(), time_machine.travel(at("08-10 01:30"), tick=False):
        assert look_each_night()
        assert not look_each_night()
        execute_job(Job.objects.get().pk)
        job = Job.objects.get()
        assert (job.status, job.error) == (Job.Status.DONE, "")
        assert set(job.result) == set(KINDS)
        assert clock.today() == dt.date(2021, 8, 10)
