"""What the page of one dispatch shows beside its columns: evidence compared, travel priced, history in order."""

import datetime as dt
from typing import Any

from core import clock
from core.audit.models import Change
from core.programme.selectors import RuleBook
from dispatch.models import CheckEvent, Dispatch
from office.selectors import finding_title
from payments.selectors import dispatch_calculation, visit_of
from rules import codes
from rules.facts import Visit, support_minutes
from rules.findings.evidence import counted_event, distance_m
from rules.ruleset import RuleSet
from rules.travel import assess

HISTORY_LIMIT = 200
# what the history calls the tables that belong to a dispatch
TABLES = {
    "dispatch_dispatch": "派遣",
    "dispatch_checkevent": "チェックイン・アウト",
    "dispatch_declaration": "申告書",
    "dispatch_travelline": "旅費請求",
}
NOT_SHOWN = frozenset({"id", "updated_at", "created_at", "dispatch_id", "status"})


def dispatch_page(dispatch: Dispatch, *, today: dt.date) -> dict[str, Any]:
    """The context of the page of one dispatch; a fixed number of queries."""
    visit = visit_of(dispatch)
    rules = RuleBook()(visit.start.date()) if visit else None
    events = list(dispatch.check_events.all())
    calculation = dispatch_calculation(dispatch)
    assessment = getattr(dispatch, "assessment", None)
    return {
        "assessment": assessment,
        "support_minutes": support_minutes(visit) if visit else None,
        "findings": [
            {
                "code": finding.code,
                "title": finding_title(finding.code),
                "kind": finding.kind,
                "reason": finding.reason,
                "expected": finding.expected,
                "actual": finding.actual,
                "first_seen_at": finding.first_seen_at,
            }
            for finding in dispatch.findings.order_by("kind", "code")
        ],
        "visit_checks": [_visit_check(dispatch, visit, rules, events, kind) for kind in codes.EVENT_KINDS],
        "events": events,
        "declarations": dispatch.declarations.all(),
        "travel": _travel(dispatch, visit, rules, calculation),
        "calculation": calculation,
        "history": _history(dispatch),
    }


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


def _travel(
    dispatch: Dispatch, visit: Visit | None, rules: RuleSet | None, calculation: dict[str, Any] | None
) -> list[dict[str, Any]]:
    by_rule = {result.line_no: result for result in assess(visit, rules)} if visit and rules else {}
    paid: dict[int, int] = {}
    if calculation and calculation["run"]:
        paid = {line.line_no: line.amount for line in calculation["lines"] if line.item in codes.TRAVEL_KINDS}
    rows = []
    for line in dispatch.travel_lines.all():
        priced = by_rule.get(line.line_no)
        rows.append(
            {
                "line": line,
                "rule_yen": priced.amount if priced else None,
                "paid_yen": paid.get(line.line_no),
                "note": priced.explanation if priced else "",
            }
        )
    return rows


def _history(dispatch: Dispatch) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = [
        {
            "at": step.at,
            "actor": step.actor_name or "システム",
            "action": f"状態: {step.get_from_status_display()} → {step.get_to_status_display()}",
            "reason": step.reason,
        }
        for step in dispatch.status_changes.order_by("-id")[:HISTORY_LIMIT]
    ]
    own = {
        "dispatch_dispatch": [dispatch.pk],
        "dispatch_declaration": list(dispatch.declarations.values_list("pk", flat=True)),
        "dispatch_travelline": list(dispatch.travel_lines.values_list("pk", flat=True)),
    }
    for table, ids in own.items():
        for change in Change.objects.filter(table=table, row_id__in=ids).order_by("-id")[:HISTORY_LIMIT]:
            what = changed_columns(change)
            if change.operation == Change.Operation.UPDATE and not what:
                continue  # the status alone: told by its own step
            entries.append(
                {
                    "at": change.at,
                    "actor": change.actor_name or "システム",
                    "action": f"{TABLES[table]}の{change.get_operation_display()}",
                    "reason": "\n".join(filter(None, [change.reason, *what])),
                }
            )
    return sorted(entries, key=lambda entry: entry["at"], reverse=True)[:HISTORY_LIMIT]


def changed_columns(change: Change) -> list[str]:
    """What an update changed, column by column, in words: 名前: 前 → 後."""
    if change.operation != Change.Operation.UPDATE:
        return []
    names = {field.column: str(field.verbose_name) for field in Dispatch._meta.fields}
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
