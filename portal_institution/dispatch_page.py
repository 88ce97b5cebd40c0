"""What the page of one dispatch shows an institution; a fixed number of queries."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from accounts.models import User
from dispatch.finding_reads import findings_for
from dispatch.finding_words import Told
from dispatch.models import (
    ApprovalRequest,
    CheckEvent,
    Declaration,
    Dispatch,
    Inquiry,
    Status,
    TravelLine,
)
from dispatch.receipt_views import panel as receipts_panel
from dispatch.selectors import Action, allowed_actions, timeline
from dispatch.services.reminding import due_dates
from dispatch.signatures import drawn_signature
from portal_institution.attestation_mail import AttestationState, attestation_state
from portal_institution.waiting import CLIENT, EXPERT, US, Waiting, waiting_of
from rules import codes

# How far a moment may lie from the plan before the page points at it; what is paid, the rules decide.
NOTABLE = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a dispatch's way: done (at), current, or next."""

    label: str
    state: str
    at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment in the comparison: how many seconds it lies from the plan, and whether that is worth a look."""

    at: dt.datetime | None
    off: int | None = None
    notable: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """開始 or 終了 as planned, checked in, reported and attested."""

    label: str
    planned: dt.datetime
    checked: Moment
    reported: Moment
    attested: Moment


_ASIDE = (Status.DECLINED, Status.CANCELLED, Status.INELIGIBLE)
# The dispatch's way, and the states in which each step is done.
_WAY = (
    Status.APPLIED,
    Status.ACCEPTED,
    Status.CONFIRMED,
    Status.VISITED,
    Status.REPORTED,
    Status.APPROVED,
    Status.VERIFIED,
    Status.PAID,
)
_LABELS = ("申請", "承諾", "受付", "訪問", "報告", "従事証明", "機関承認", "事務局確認", "支払")


def dispatch_page(dispatch: Dispatch, user: User) -> dict[str, Any]:
    """The context of the page beside the dispatch itself (of `with_waiting`)."""
    attestation = attestation_state(dispatch, user)
    application = getattr(dispatch, "application", None)
    return {
        "waiting": _with_due(waiting_of(dispatch), dispatch),
        "steps": steps_of(dispatch),
        "aside": dispatch.status in _ASIDE,
        **evidence(dispatch, user, attestation),
        "application": application,
        "answers": _answers(application, dispatch),
        "requests": list(
            ApprovalRequest.objects.visible_to(user)
            .filter(dispatch=dispatch)
            .select_related("asked_by", "decided_by")
        ),
        "inquiries": list(
            Inquiry.objects.visible_to(user)
            .filter(dispatch=dispatch, asked_of=Inquiry.AskedOf.INSTITUTION)
            .select_related("asked_by", "answered_by")
        ),
        "history": [
            {"at": entry.at, "actor": entry.who or "システム", "action": entry.what, "reason": entry.why}
            for entry in reversed(timeline(dispatch, user))
        ],
        "actions": actions_of(dispatch, user),
    }


def evidence(dispatch: Dispatch, user: User, attestation: AttestationState) -> dict[str, Any]:
    """Report and attestation of a visit, side by side: what the approval and the dispatch's page share."""
    events = list(CheckEvent.objects.visible_to(user).filter(dispatch=dispatch))
    travel = list(TravelLine.objects.visible_to(user).filter(dispatch=dispatch).order_by("line_no"))
    return {
        "attestation": attestation,
        "compared": compared(dispatch, events, attestation),
        "events": events,
        "signature": drawn_signature(dispatch, user),
        "signer": next((event.signer_name for event in reversed(events) if event.signer_name), ""),
        "declarations": list(Declaration.objects.visible_to(user).filter(dispatch=dispatch)),
        "travel": travel,
        "claimed": sum(line.claimed for line in travel),
        "findings": _findings(dispatch, user),
        **receipts_panel(dispatch, user),
        "support_minutes": support_minutes(dispatch),
    }


# What report, attestation and approval themselves will settle, or what is only asked by the approval.
_STILL_TO_COME = frozenset({"P01", "P02", "P03", "P04", "P05"})


def _findings(dispatch: Dispatch, user: User) -> list[Told]:
    """The findings; before the approval without those that say no more than what is waited for."""
    found = findings_for(dispatch, user)
    if dispatch.approved_at is None:
        return [each for each in found if each.code not in _STILL_TO_COME]
    return found


def support_minutes(dispatch: Dispatch) -> int | None:
    """The reported time without breaks, in minutes; None before the visit."""
    if dispatch.visited_from is None or dispatch.visited_to is None:
        return None
    whole = int((dispatch.visited_to - dispatch.visited_from).total_seconds()) // 60
    return max(0, whole - (dispatch.break_minutes or 0))


def compared(dispatch: Dispatch, events: list[CheckEvent], attestation: AttestationState) -> list[Compared]:
    """Start and end as planned, as the phone sent them, as reported, and as the client was shown them."""
    starts = [event.device_time for event in events if event.kind == codes.EVENT_START]
    ends = [event.device_time for event in events if event.kind == codes.EVENT_END]
    shown = attestation.answer
    return [
        Compared(
            label,
            planned,
            _moment(checked, planned),
            _moment(reported, planned),
            _moment(attested, planned),
        )
        for label, planned, checked, reported, attested in (
            (
                "開始",
                dispatch.planned_from,
                min(starts, default=None),
                dispatch.visited_from,
                shown.shown_from if shown else None,
            ),
            (
                "終了",
                dispatch.planned_to,
                max(ends, default=None),
                dispatch.visited_to,
                shown.shown_to if shown else None,
            ),
        )
    ]


def _moment(at: dt.datetime | None, planned: dt.datetime) -> Moment:
    if at is None:
        return Moment(None)
    off = at - planned
    return Moment(at, int(off.total_seconds()), abs(off) > NOTABLE)


def steps_of(dispatch: Dispatch) -> list[Step]:
    """The dispatch's way with where it stands; empty where it has left it (辞退, 取消, 対象外)."""
    if dispatch.status in _ASIDE:
        return []
    # 支払予定 is still before the payment
    status = Status.VERIFIED if dispatch.status == Status.SCHEDULED else dispatch.status
    reached = _WAY.index(Status(status)) if status in _WAY else -1
    attested = dispatch.attested_at is not None or reached >= _WAY.index(Status.APPROVED)
    application = getattr(dispatch, "application", None)
    done = [
        reached >= 0,
        *(reached >= at for at in range(1, 5)),
        attested,
        *(reached >= at for at in range(5, 8)),
    ]
    times = [
        application.applied_at if application else None,
        None,
        None,
        dispatch.visited_to,
        dispatch.reported_at,
    ]
    times += [dispatch.attested_at, dispatch.approved_at, None, None]
    found, current = [], False
    for label, is_done, at in zip(_LABELS, done, times, strict=True):
        state = "done" if is_done else "next" if current else "current"
        current = current or not is_done
        found.append(Step(label, state, at if is_done else None))
    return found


def _with_due(waiting: list[Waiting], dispatch: Dispatch) -> list[Waiting]:
    """Adds the days of the terms in force to what is waited for."""
    days = {due.step: due.due_on for due in due_dates(dispatch)}
    steps = {
        (EXPERT, "承諾または辞退の回答"): "answer",
        (EXPERT, "支援実績報告"): "report",
        (US, "承認"): "approval",
        (CLIENT, "従事証明の回答"): "attestation",
    }
    return [
        each if each.due_on else replace(each, due_on=days.get(steps.get((each.who, each.what), "")))
        for each in waiting
    ]


def _answers(application: Any, dispatch: Dispatch) -> list[tuple[str, bool]]:
    """The four questions of the application (C4) with what was answered; two of them are columns of every dispatch."""
    if application is None:
        return [
            ("機関から専門家への給与・謝金の支払", dispatch.paid_by_institution),
            ("専門家からの要請による派遣", dispatch.requested_by_expert),
        ]
    return [
        ("専門家の人件費への公的な補助", application.subsidised_labour),
        ("機関から専門家への給与・謝金の支払", application.paid_by_institution),
        ("専門家が当機関に所属", application.member_of_institution),
        ("専門家からの要請による派遣", application.requested_by_expert),
    ]


def actions_of(dispatch: Dispatch, user: User) -> dict[str, Action]:
    """What the person may do with the dispatch, by code; where not now, the act says when."""
    found = {action.code: action for action in allowed_actions(dispatch, user)}
    ask = found.get("ask_attestation")
    if ask and not ask.why_not and dispatch.attested_at is not None:
        found["ask_attestation"] = replace(ask, why_not="従事証明は済んでいます。")
    return found
