"""What the page of one dispatch shows beside its columns: evidence compared, positions drawn, history in order."""

import datetime as dt
from typing import Any

from django.db.models import Q

from accounts.models import User
from core import clock
from core.audit.models import Change
from core.programme.selectors import RuleBook
from dispatch.finding_reads import ended_findings
from dispatch.models import (
    ApprovalRequest,
    CheckEvent,
    Correction,
    Declaration,
    Dispatch,
    DispatchApplication,
    Reminder,
    TravelLine,
)
from dispatch.selectors import timeline
from dispatch.services import declarations_of_expert
from dispatch.services.reminding import ESCALATION_OF
from dispatch.signatures import drawn_signature
from office.place_drawing import Drawing, Position, draw
from payments.selectors import dispatch_calculation, visit_of
from rules import codes
from rules.facts import Visit, support_minutes
from rules.findings.evidence import counted_event, distance_m
from rules.ruleset import RuleSet

HISTORY_LIMIT = 200
# what the history calls the tables that belong to a dispatch
TABLES = {
    "dispatch_dispatch": "派遣",
    "dispatch_checkevent": "チェックイン・アウト",
    "dispatch_declaration": "申告書",
    "dispatch_travelline": "旅費請求",
}
# what files and overdue steps are called
FILES = {"dispatches": "派遣", "declarations": "申告書", "travel_claims": "旅費請求"}
_STEPS = {
    "answer": "専門家の回答",
    "report": "支援実績報告",
    "attestation": "従事証明",
    "approval": "機関の承認",
    "inquiry_expert": "照会への回答（専門家）",
    "inquiry_institution": "照会への回答（機関）",
}
NOT_SHOWN = frozenset({"id", "updated_at", "created_at", "dispatch_id", "status"})


def dispatch_page(dispatch: Dispatch, user: User) -> dict[str, Any]:
    """The context of the page of one dispatch; a fixed number of queries."""
    visit = visit_of(dispatch)
    rules = RuleBook()(visit.start.date()) if visit else None
    events = list(CheckEvent.objects.visible_to(user).filter(dispatch=dispatch).select_related("extra"))
    calculation = dispatch_calculation(dispatch)
    checks = [_visit_check(dispatch, visit, rules, events, kind) for kind in codes.EVENT_KINDS]
    return {
        "assessment": getattr(dispatch, "assessment", None),
        "application": DispatchApplication.objects.visible_to(user)
        .filter(dispatch=dispatch)
        .select_related("case", "applied_by")
        .first(),
        "requests": ApprovalRequest.objects.visible_to(user)
        .filter(dispatch=dispatch)
        .select_related("asked_by", "decided_by"),
        "support_minutes": support_minutes(visit) if visit else None,
        "visit_checks": checks,
        "drawing": _drawing(dispatch, checks),
        "events": events,
        "signature": drawn_signature(dispatch, user),
        "declaration_counts": sorted(declarations_of_expert(dispatch.expert_id).items()),
        "calculation": calculation,
        "corrections": _corrections(dispatch, user),
        "ended": ended_findings(dispatch, user),
        "story": _story(dispatch, user),
        "changes": _changes(dispatch),
    }


def _drawing(dispatch: Dispatch, checks: list[dict[str, Any]]) -> Drawing | None:
    """The places of the events that count, around the place of support; None where either is unknown."""
    if dispatch.latitude is None or dispatch.longitude is None:
        return None
    positions = [
        Position(
            name=row["kind"],
            latitude=float(row["event"].latitude),
            longitude=float(row["event"].longitude),
            accuracy_m=None if row["event"].accuracy is None else float(row["event"].accuracy),
            tolerance_m=float(row["tolerance"]),
        )
        for row in checks
        if row["distance"] is not None
    ]
    return draw(float(dispatch.latitude), float(dispatch.longitude), positions)


def _corrections(dispatch: Dispatch, user: User) -> list[dict[str, Any]]:
    """What was corrected: the value as first received, every correction after it, who and why."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for each in (
        Correction.objects.visible_to(user)
        .filter(dispatch=dispatch)
        .select_related("corrected_by")
        .order_by("corrected_at", "pk")
    ):
        row = rows.setdefault(
            (each.file, each.row_key, each.column),
            {
                "file": FILES.get(each.file, each.file),
                "row_key": each.row_key,
                "column": each.column,
                "received": each.received,
                "steps": [],
            },
        )
        row["steps"].append(each)
        row["corrected"] = each.corrected
    return list(rows.values())


def _visit_check(
    dispatch: Dispatch, visit: Visit | None, rules: RuleSet | None, events: list[CheckEvent], kind: str
) -> dict[str, Any]:
    approved = dispatch.visited_from if kind == codes.EVENT_START else dispatch.visited_to
    row: dict[str, Any] = {
        "kind": kind,
        "event": None,
        "approved_at": approved,
        "difference": None,
        "time_ok": None,
        "distance": None,
        "tolerance": None,
        "place_ok": None,
        "signer": "",
    }
    counted = counted_event(visit, kind) if visit else None
    if counted is None or visit is None or approved is None:
        return row
    event = next(event for event in events if event.event_id == counted.event_id)
    difference = (event.device_time - approved).total_seconds()
    row.update(event=event, difference=int(difference), signer=event.signer_name)
    if rules is None:
        return row
    row["time_ok"] = abs(difference) <= rules.time_tolerance_seconds
    if visit.method == codes.METHOD_WEB and not rules.web_checks_place:
        return row
    row["tolerance"] = rules.place_tolerance_m + min(
        max(counted.accuracy_m or 0.0, 0.0), rules.accuracy_cap_m
    )
    row["place_ok"] = False
    if None not in (counted.lat, counted.lon, visit.lat, visit.lon):
        row["distance"] = distance_m(visit.lat, visit.lon, counted.lat, counted.lon)  # type: ignore[arg-type]
        row["place_ok"] = row["distance"] <= row["tolerance"]
    return row


def _reminded(reminder: Reminder) -> str:
    told = {escalated: step for step, escalated in ESCALATION_OF.items()}
    word = _STEPS.get(told.get(reminder.step, reminder.step), "手続き")
    what = "督促の後も済まないことの事務局への連絡" if reminder.step in told else "督促"
    return f"{word}の{what}（期限 {reminder.due_on:%Y/%m/%d}）"


def _story(dispatch: Dispatch, user: User) -> list[dict[str, Any]]:
    """Who did what, when and why, newest first: steps, answers, inquiries, decisions, corrections, reminders."""
    entries = [
        {"at": entry.at, "actor": entry.who or "システム", "action": entry.what, "reason": entry.why}
        for entry in timeline(dispatch, user)
    ]
    for reminder in Reminder.objects.visible_to(user).filter(dispatch=dispatch):
        entries.append(
            {
                "at": reminder.sent_at,
                "actor": "システム",
                "action": _reminded(reminder),
                "reason": "",
            }
        )
    decisions = Change.objects.filter(
        table="dispatch_dispatch", row_id=dispatch.pk, action__in=("hold_dispatch", "release_dispatch")
    )
    for change in decisions.order_by("id")[:HISTORY_LIMIT]:
        before, after = (change.old or {}).get("office_decision"), (change.new or {}).get("office_decision")
        if before != after and after != codes.DECISION_INELIGIBLE and before != codes.DECISION_INELIGIBLE:
            what = "事務局判断: 保留" if after else "事務局判断（保留）の取消"
            entries.append(
                {"at": change.at, "actor": change.actor_name, "action": what, "reason": change.reason}
            )
    return sorted(entries, key=lambda entry: entry["at"], reverse=True)


def _changes(dispatch: Dispatch) -> list[dict[str, Any]]:
    """Every change of the dispatch's rows as the database recorded it, newest first."""
    own = {
        "dispatch_dispatch": [dispatch.pk],
        "dispatch_declaration": list(dispatch.declarations.values_list("pk", flat=True)),
        "dispatch_travelline": list(dispatch.travel_lines.values_list("pk", flat=True)),
    }
    wanted = Q()
    for table, ids in own.items():
        wanted |= Q(table=table, row_id__in=ids)
    entries = []
    for change in Change.objects.filter(wanted).order_by("-id")[:HISTORY_LIMIT]:
        what = changed_columns(change)
        if change.operation == Change.Operation.UPDATE and not what:
            continue  # the status alone: told by its own step
        entries.append(
            {
                "at": change.at,
                "actor": change.actor_name or "システム",
                "action": f"{TABLES[change.table]}の{change.get_operation_display()}",
                "reason": "\n".join(filter(None, [change.reason, *what])),
            }
        )
    return entries


def changed_columns(change: Change) -> list[str]:
    """What an update changed, column by column, in words: 名前: 前 → 後."""
    if change.operation != Change.Operation.UPDATE:
        return []
    model = {"dispatch_declaration": Declaration, "dispatch_travelline": TravelLine}.get(
        change.table, Dispatch
    )
    names = {field.column: str(field.verbose_name) for field in model._meta.fields}
    before, after = change.old or {}, change.new or {}
    return [
        f"{names.get(column, column)}: {_shown(before.get(column))} → {_shown(after.get(column))}"
        for column in after
        if column not in NOT_SHOWN and before.get(column) != after.get(column)
    ]


def _shown(value: Any) -> str:
    if value in (None, ""):
        return "（空）"
    if value is True:
        return "有"
    if value is False:
        return "無"
    if isinstance(value, str) and len(value) >= 19 and value[10:11] == "T":
        return f"{clock.jst(dt.datetime.fromisoformat(value)):%Y-%m-%d %H:%M}"
    return str(value)
