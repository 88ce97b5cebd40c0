"""E01–E05: check-in, check-out, signature, place and time (rules.md §5)."""

from __future__ import annotations

from datetime import datetime
from math import asin, cos, radians, sin, sqrt

from rules import codes
from rules.facts import Declaration, Event, Payee, Visit
from rules.findings.registry import hold
from rules.problems import Problem, joined
from rules.ruleset import RuleSet
from rules.wording import moment, offset, seconds

MEAN_EARTH_RADIUS_M = 6_371_008.8


def counted_event(visit: Visit, kind: str) -> Event | None:
    """The event that counts: the earliest 開始, the latest 終了 (ties: イベントID)."""
    found: Event | None = None
    for event in visit.events:
        if event.kind != kind:
            continue
        if found is None:
            found = event
        elif kind == codes.EVENT_START:
            if (event.at, event.event_id) < (found.at, found.event_id):
                found = event
        elif (event.at, event.event_id) > (found.at, found.event_id):
            found = event
    return found


def declaration(visit: Visit, cause: str) -> Declaration | None:
    """The declaration of a cause; one without a reason does not count."""
    for declared in visit.declarations:
        if declared.cause == cause and declared.reason.strip():
            return declared
    return None


def distance_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Great-circle distance in metres on a sphere of the mean radius of the earth."""
    a, b = radians(lat_a), radians(lat_b)
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(lon_b - lon_a) / 2) ** 2
    return 2 * MEAN_EARTH_RADIUS_M * asin(min(1.0, sqrt(half)))


@hold("E01", "開始の記録なし")
def no_start(visit: Visit, payee: Payee, rules: RuleSet, cutoff: datetime | None) -> Problem | None:
    """No 開始 event and no declaration 開始報告失念."""
    if counted_event(visit, codes.EVENT_START) or declaration(visit, codes.CAUSE_START_FORGOTTEN):
        return None
    return Problem("開始の記録も申告もありません", "開始の記録、または申告（開始報告失念）", "どちらもなし")


@hold("E02", "終了の記録なし")
def no_end(visit: Visit, payee: Payee, rules: RuleSet, cutoff: datetime | None) -> Problem | None:
    """No 終了 event and no declaration 終了報告失念."""
    if counted_event(visit, codes.EVENT_END) or declaration(visit, codes.CAUSE_END_FORGOTTEN):
        return None
    return Problem("終了の記録も申告もありません", "終了の記録、または申告（終了報告失念）", "どちらもなし")


@hold("E03", "署名なし")
def no_signature(visit: Visit, payee: Payee, rules: RuleSet, cutoff: datetime | None) -> Problem | None:
    """Face to face: the 終了 event has no 署名者氏名 and there is no declaration 署名不備."""
    if visit.method == codes.METHOD_WEB and not rules.web_checks_signature:
        return None
    event = counted_event(visit, codes.EVENT_END)
    if event is None or event.signer.strip() or declaration(visit, codes.CAUSE_SIGNATURE):
        return None
    return Problem("終了の記録に署名がありません", "支援先の署名、または申告（署名不備）", "署名者氏名 空欄")


@hold("E04", "位置の不一致")
def wrong_place(visit: Visit, payee: Payee, rules: RuleSet, cutoff: datetime | None) -> Problem | None:
    """Face to face: an event without a position, or farther from the place of support than the tolerance."""
    if visit.method == codes.METHOD_WEB and not rules.web_checks_place:
        return None
    problems = []
    for kind in codes.EVENT_KINDS:
        event = counted_event(visit, kind)
        if event is not None and (problem := _place_problem(visit, event, rules)):
            problems.append(problem)
    if not problems or declaration(visit, codes.CAUSE_POSITION):
        return None
    return joined(problems)


def _place_problem(visit: Visit, event: Event, rules: RuleSet) -> Problem | None:
    if event.lat is None or event.lon is None:
        return Problem(
            f"{event.kind}の記録に位置がありません", _expected_place(rules), f"{event.kind}: 位置なし"
        )
    if visit.lat is None or visit.lon is None:
        return Problem("支援場所の位置がありません", "支援場所の緯度・経度", "空欄")
    accuracy = min(max(event.accuracy_m or 0.0, 0.0), rules.accuracy_cap_m)
    distance = distance_m(visit.lat, visit.lon, event.lat, event.lon)
    if distance <= rules.place_tolerance_m + accuracy:
        return None
    return Problem(
        f"{event.kind}の記録の位置が支援場所から離れています",
        _expected_place(rules),
        f"{event.kind}: {distance:,.1f}m（許容 {rules.place_tolerance_m + accuracy:,.0f}m）",
    )


def _expected_place(rules: RuleSet) -> str:
    return f"支援場所から{rules.place_tolerance_m:,}m＋位置の精度（{rules.accuracy_cap_m:,}mまで）以内"


@hold("E05", "時刻の不一致")
def wrong_time(visit: Visit, payee: Payee, rules: RuleSet, cutoff: datetime | None) -> Problem | None:
    """An event, or the declared time of a missing one, is too far from 実施開始 / 実施終了 or is empty."""
    start = _time_problem(visit, codes.EVENT_START, visit.start, rules)
    end = _time_problem(visit, codes.EVENT_END, visit.end, rules)
    if (start is None and end is None) or declaration(visit, codes.CAUSE_TIME_CORRECTION):
        return None
    return joined([problem for problem in (start, end) if problem])


def _time_problem(visit: Visit, kind: str, approved: datetime, rules: RuleSet) -> Problem | None:
    event = counted_event(visit, kind)
    if event is not None:
        recorded, source = event.at, f"{kind}の記録"
    else:
        is_start = kind == codes.EVENT_START
        declared = declaration(visit, codes.CAUSE_START_FORGOTTEN if is_start else codes.CAUSE_END_FORGOTTEN)
        if declared is None:
            return None
        time = declared.start if is_start else declared.end
        source = f"申告した{kind}"
        if time is None:
            return Problem(
                f"{source}の時刻がありません", _expected_time(kind, approved, rules), f"{source}: 時刻 空欄"
            )
        recorded = time
    if abs((recorded - approved).total_seconds()) <= rules.time_tolerance_seconds:
        return None
    shown = recorded.strftime("%H:%M:%S" if recorded.second else "%H:%M")
    if recorded.date() != approved.date():
        shown = moment(recorded)
    return Problem(
        f"{source}の時刻が実施{kind}と異なります",
        _expected_time(kind, approved, rules),
        f"{source}: {shown}（{offset(recorded, approved)}）",
    )


def _expected_time(kind: str, approved: datetime, rules: RuleSet) -> str:
    return f"実施{kind} {approved:%H:%M} の前後{seconds(rules.time_tolerance_seconds)}以内"
