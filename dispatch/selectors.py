"""Reads about dispatches that other apps need."""

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import models

from accounts.models import Role
from accounts.rights import may
from core import clock

from .models import (
    ApprovalRequest,
    Attestation,
    Correction,
    Dispatch,
    DispatchQuerySet,
    Escalation,
    Inquiry,
    Receipt,
    Status,
    StatusChange,
    Waiver,
)
from .transitions import ESCALATABLE, EXCLUDABLE, PLANNED, sources_of

if TYPE_CHECKING:
    from accounts.models import User

# Nothing more will be paid for these.
SETTLED = (Status.SCHEDULED, Status.PAID, Status.DECLINED, Status.CANCELLED, Status.INELIGIBLE)


def unpaid_since(day: dt.date) -> DispatchQuerySet:
    """Dispatches that took place before `day` and are neither paid nor out of the question, oldest first."""
    moment = clock.from_jst(dt.datetime.combine(day, dt.time()))
    return (
        Dispatch.objects.filter(visited_from__lt=moment)
        .exclude(status__in=SETTLED)
        .order_by("visited_from", "number")
    )


@dataclass(frozen=True, slots=True)
class Action:
    """An act for a button: its code, its name, and why it can't be taken now ("" when it can)."""

    code: str
    label: str
    why_not: str = ""


# In the order of a dispatch's way; the right of each is in accounts/permissions.csv.
_ACTIONS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("accept", "承諾する", "answer_dispatch", sources_of("accept")),
    ("decline", "辞退する", "answer_dispatch", sources_of("decline")),
    ("reschedule", "日程を変更する", "change_plan", PLANNED),
    ("cancel", "取り消す", "change_plan", PLANNED),
    ("request_approval", "例外承認を申請する", "request_approval", PLANNED),
    ("decide_request", "例外承認を判断する", "decide_request", PLANNED),
    ("confirm", "受け付ける", "confirm_dispatch", sources_of("confirm")),
    ("finish", "支援の終了を記録する", "record_visit", (Status.CONFIRMED, Status.VISITED)),
    ("ask_attestation", "従事証明を依頼する", "ask_attestation", (Status.VISITED, Status.REPORTED)),
    ("report", "報告する", "write_report", sources_of("report")),
    ("approve", "承認する", "approve_dispatch", sources_of("approve")),
    ("return", "差し戻す", "return_dispatch", sources_of("return")),
    ("verify", "確認済にする", "verify_dispatch", sources_of("verify")),
    ("ask_back", "照会する", "ask_back", (*PLANNED, *EXCLUDABLE, Status.INELIGIBLE)),
    ("correct", "訂正する", "correct_dispatch", tuple(dict.fromkeys((*PLANNED, *EXCLUDABLE)))),
    ("check_travel", "旅費を認定する", "check_travel", EXCLUDABLE),
    ("waive", "保留を解除する", "waive_finding", EXCLUDABLE),
    ("hold", "保留にする", "decide_dispatch", EXCLUDABLE),
    ("exclude", "対象外にする", "decide_dispatch", EXCLUDABLE),
    ("escalate", "中小企業庁へ報告する", "escalate_dispatch", ESCALATABLE),
    ("release", "事務局判断を取り消す", "decide_dispatch", (*EXCLUDABLE, Status.INELIGIBLE)),
)


def allowed_actions(dispatch: Dispatch, user: "User") -> list[Action]:
    """What this person may do with a dispatch they see; acts for another state say when they are possible."""
    found = []
    for code, label, act, sources in _ACTIONS:
        if not may(user, act).allowed:
            continue
        if code == "return" and user.role.startswith("institution") and dispatch.status != Status.REPORTED:
            continue
        if code == "release" and not dispatch.office_decision:
            continue
        why_not = ""
        if dispatch.status not in sources:
            why_not = f"「{'・'.join(Status(source).label for source in sources)}」のときにできます。"
        elif code == "approve" and dispatch.attested_at is None:
            why_not = "支援先の従事証明を待っています。"
        found.append(Action(code, label, why_not))
    return found


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a dispatch's story: when, who, what, and why."""

    at: dt.datetime
    who: str
    what: str
    why: str = ""


_STEP_NAMES = {
    "apply": "申請", "accept": "承諾", "decline": "辞退", "reschedule": "日程変更", "cancel": "取消", "confirm": "受付",
    "finish": "支援終了", "report": "報告", "approve": "承認", "return": "差戻し", "verify": "確認", "exclude": "対象外",
    "release": "対象外の取消", "schedule": "支払予定", "pay": "支払", "import": "取込",
}  # fmt: skip
# Steps whose reason the office wrote for itself.
_NOTED_BY_OFFICE = ("exclude", "release")


def timeline(dispatch: Dispatch, user: "User") -> list[Entry]:
    """Who did what with a dispatch, when and why, oldest first; what the person may not see is left out.

    Why the office put a dispatch aside is its own note (as of M01 and X06; `decision_told` is what others read); what
    it asked the institution, the expert doesn't read.
    """
    is_expert = user.role == Role.EXPERT
    is_office = user.role.startswith("office")
    found = [
        Entry(
            change.at,
            change.actor_name,
            f"{_STEP_NAMES.get(change.action, change.action)}（{change.get_from_status_display()} →"
            f" {change.get_to_status_display()}）",
            "" if not is_office and change.action in _NOTED_BY_OFFICE else change.reason,
        )
        for change in StatusChange.objects.visible_to(user).filter(dispatch=dispatch)
    ]
    for answer in Attestation.objects.visible_to(user).filter(dispatch=dispatch):
        what = "従事証明（相違なし）" if answer.confirmed else "従事証明（相違あり）"
        found.append(Entry(answer.answered_at, answer.name, what, answer.comment))
    for report in (
        Escalation.objects.visible_to(user)
        .filter(dispatch=dispatch)
        .select_related("reported_by", "closed_by")
    ):
        what = f"中小企業庁への報告（{report.get_kind_display()}）"
        found.append(Entry(report.reported_at, _name(report.reported_by), what, report.text))
        if report.closed_at:
            found.append(
                Entry(report.closed_at, _name(report.closed_by), "中小企業庁の回答の記録", report.answer)
            )
    inquiries = Inquiry.objects.visible_to(user).filter(dispatch=dispatch)
    if is_expert:
        inquiries = inquiries.filter(asked_of=Inquiry.AskedOf.EXPERT)
    for inquiry in inquiries.select_related("asked_by", "answered_by"):
        found.append(
            Entry(
                inquiry.asked_at,
                _name(inquiry.asked_by),
                f"{inquiry.get_asked_of_display()}への照会",
                inquiry.question,
            )
        )
        if inquiry.answered_at:
            found.append(
                Entry(inquiry.answered_at, _name(inquiry.answered_by), "照会への回答", inquiry.answer)
            )
    for request in (
        ApprovalRequest.objects.visible_to(user)
        .filter(dispatch=dispatch)
        .select_related("asked_by", "decided_by")
    ):
        found.append(
            Entry(
                request.asked_at,
                _name(request.asked_by),
                f"{request.get_kind_display()}の申請",
                request.reason,
            )
        )
        if request.decided_at:
            what = f"{request.get_kind_display()}の{'承認' if request.approved else '不承認'}"
            found.append(Entry(request.decided_at, _name(request.decided_by), what, request.decision_reason))
    for correction in (
        Correction.objects.visible_to(user).filter(dispatch=dispatch).select_related("corrected_by")
    ):
        what = f"{correction.column}の訂正: {correction.received or '（空）'} → {correction.corrected or '（空）'}"
        found.append(Entry(correction.corrected_at, _name(correction.corrected_by), what, correction.reason))
    for waiver in (
        Waiver.objects.visible_to(user).filter(dispatch=dispatch).select_related("waived_by", "revoked_by")
    ):
        found.append(
            Entry(waiver.waived_at, _name(waiver.waived_by), f"保留 {waiver.code} の解除", waiver.reason)
        )
        if waiver.revoked_at:
            found.append(
                Entry(
                    waiver.revoked_at,
                    _name(waiver.revoked_by),
                    f"{waiver.code} の解除の取消",
                    waiver.revoke_reason,
                )
            )
    receipts = Receipt.objects.visible_to(user).filter(dispatch=dispatch)
    for receipt in receipts.select_related("uploaded_by", "removed_by"):
        named = f"{receipt.purpose}（{receipt.original_name or '名前のないファイル'}）"
        refused = receipt.state == Receipt.State.REFUSED
        what = f"{named}の{'拒否（ウイルス検査）' if refused else '追加'}"
        found.append(Entry(receipt.uploaded_at, _name(receipt.uploaded_by), what, receipt.add_reason))
        if receipt.removed_at:
            what = f"{named}の取り除き"
            found.append(Entry(receipt.removed_at, _name(receipt.removed_by), what, receipt.remove_reason))
    return sorted(found, key=lambda entry: entry.at)


def _name(user: "User | None") -> str:
    return user.get_full_name() if user else "システム"


def received_values(dispatch: Dispatch) -> dict[tuple[str, str, str], str]:
    """(file, row, column) → the value as it was first received, for everything the office corrected."""
    found: dict[tuple[str, str, str], str] = {}
    for each in Correction.objects.filter(dispatch=dispatch).order_by("corrected_at", "pk"):
        found.setdefault((each.file, each.row_key, each.column), each.received)
    return found


def open_requests(user: "User") -> models.QuerySet[ApprovalRequest]:
    """Requests that wait for the office, oldest first."""
    return (
        ApprovalRequest.objects.visible_to(user)
        .filter(decided_at=None)
        .select_related("dispatch", "dispatch__institution", "dispatch__company", "dispatch__expert")
        .order_by("asked_at", "pk")
    )


def open_inquiries(user: "User") -> models.QuerySet[Inquiry]:
    """Inquiries without an answer, the most urgent first."""
    return (
        Inquiry.objects.visible_to(user)
        .filter(answered_at=None)
        .select_related("dispatch", "dispatch__institution", "dispatch__expert", "asked_by")
        .order_by("due_on", "pk")
    )
