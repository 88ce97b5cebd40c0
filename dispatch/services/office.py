"""What the office does with a dispatch: confirm, verify, ask back, waive, hold, exclude (C5, C12, C15)."""

import datetime as dt

from core import clock
from core.audit.acting import Actor, acting
from core.errors import DomainError
from core.programme.selectors import dispatch_terms
from institutions.models import Member
from rules import codes

from ..models import Dispatch, Finding, Inquiry, Status, Waiver
from ..transitions import EXCLUDABLE, OPEN
from . import telling
from .steps import allow, change, locked, person, require_reason, require_status, somebody, step

# What may be asked about and held: whatever isn't over or on its way to payment.
_OPEN = tuple(status for status in OPEN if status not in (Status.DECLINED, Status.CANCELLED, Status.DRAFT))


def confirm_dispatch(*, dispatch: Dispatch, actor: Actor, edit_token: str = "") -> Dispatch:
    """受付: the plan stands. Refused while a request waits, or without the approval that WEB support needs."""
    with acting(actor, "confirm_dispatch"):
        row = locked(dispatch, actor, "confirm_dispatch", edit_token)
        require_status(row, (Status.ACCEPTED,), "受付")
        waiting = row.approval_requests.filter(decided_at=None).first()
        if waiting is not None:
            raise DomainError(
                f"派遣 {row.number} の{waiting.get_kind_display()}がまだ判断されていません。判断してから受け付けてください。"
            )
        if row.method == codes.METHOD_WEB and not row.web_approved:
            raise DomainError(
                f"派遣 {row.number} はWEB支援の事前承認がないため受け付けられません。"
                "機関へ照会し、例外承認の申請または取消を依頼してください。"
            )
        for request in row.approval_requests.filter(approved=False):
            later = row.approval_requests.filter(kind=request.kind, approved=True, pk__gt=request.pk)
            if request.kind != "web" and not later.exists():
                raise DomainError(
                    f"派遣 {row.number} の{request.get_kind_display()}は認められていません。"
                    "日程変更または取消を機関へ依頼してください。"
                )
        step(row, "confirm", "受付")
        # an answer of the institution that the office was told of counts as seen, too
        telling.settle(row, actor, telling.CONFIRM, telling.REQUEST)
        title = f"派遣 {row.number} を受け付けました"
        when = f"{clock.jst(row.planned_from):%Y-%m-%d %H:%M} {row.company.name}"
        telling.tell_expert(row, telling.NEWS, title, actor, when)
        return row


def verify_dispatch(*, dispatch: Dispatch, actor: Actor, edit_token: str = "") -> Dispatch:
    """The office has checked the dispatch. Refused while the last check found something that stands."""
    with acting(actor, "verify_dispatch"):
        row = locked(dispatch, actor, "verify_dispatch", edit_token)
        require_status(row, (Status.APPROVED,), "確認済に")
        waived = row.waivers.filter(revoked_at=None).values("code")
        codes_left = list(
            Finding.objects.filter(dispatch=row)
            .exclude(kind=codes.FINDING_HOLD, code__in=waived)
            .order_by("code")
            .values_list("code", flat=True)
        )
        if codes_left:
            raise DomainError(
                f"派遣 {row.number} には確認事項（{'、'.join(codes_left)}）が残っているため、確認済にできません。"
                "照会・訂正・差戻し、または承認者による解除をしてください。"
            )
        step(row, "verify", "確認済に")
        telling.settle(row, actor, telling.VERIFY, telling.INQUIRY_ANSWERED)
        return row


def ask_back(
    *, dispatch: Dispatch, asked_of: str, question: str, actor: Actor, finding_code: str = ""
) -> Inquiry:
    """照会: asks the institution or the expert; due after the days of the terms in force.

    The same question that has no answer yet is not asked twice: the open inquiry is answered.
    """
    question = require_reason(question, "照会の内容")
    if asked_of not in Inquiry.AskedOf.values:
        raise DomainError("照会先を選んでください。")
    with acting(actor, "ask_back", question):
        row = locked(dispatch, actor, "ask_back")
        require_status(row, _OPEN, "照会")
        again = row.inquiries.filter(
            asked_of=asked_of, finding_code=finding_code[:3], question=question, answered_at=None
        ).first()
        if again is not None:
            return again
        now = clock.now()
        inquiry = Inquiry.objects.create(
            dispatch=row,
            asked_of=asked_of,
            finding_code=finding_code[:3],
            question=question,
            asked_by=somebody(actor),
            asked_at=now,
            due_on=now.date() + dt.timedelta(days=dispatch_terms(now.date()).inquiry_days),
        )
        tell = telling.tell_expert if asked_of == Inquiry.AskedOf.EXPERT else telling.tell_institution
        tell(row, telling.INQUIRY, f"派遣 {row.number} について事務局からの照会", actor, question[:200])
        return inquiry


def answer_inquiry(*, inquiry: Inquiry, answer: str, actor: Actor) -> Inquiry:
    """Answers an inquiry; only those it was asked of, once."""
    answer = require_reason(answer, "回答")
    with acting(actor, "answer_inquiry"):
        row = locked(inquiry.dispatch, actor, "answer_inquiry")
        asked = Inquiry.objects.select_for_update().get(pk=inquiry.pk)
        mine = (
            row.expert.user_id == actor.pk
            if asked.asked_of == Inquiry.AskedOf.EXPERT
            else Member.objects.filter(user=person(actor), institution=row.institution_id).exists()
        )
        if not mine:
            raise Inquiry.DoesNotExist
        if asked.answered_at is not None:
            raise DomainError("この照会には回答が済んでいます。追加がある場合は事務局へ連絡してください。")
        asked.answer, asked.answered_by, asked.answered_at = answer, person(actor), clock.now()
        asked.save(update_fields=["answer", "answered_by", "answered_at"])
        if not row.inquiries.filter(answered_at=None, asked_of=asked.asked_of).exists():
            telling.settle_inquiry(row, actor, asked.asked_of)
        telling.tell_office(
            row, telling.INQUIRY_ANSWERED, f"派遣 {row.number} の照会に回答", actor, answer[:200]
        )
        return asked


def close_inquiry(*, inquiry: Inquiry, outcome: str, actor: Actor) -> Inquiry:
    """The office ends an inquiry that has no answer: it was answered by telephone, or is settled otherwise.

    `outcome` stands as the answer, in the name of whoever ended it; those who were asked are told.
    """
    outcome = require_reason(outcome, "回答または終了の理由")
    with acting(actor, "close_inquiry", outcome):
        row = locked(inquiry.dispatch, actor, "ask_back")
        asked = Inquiry.objects.select_for_update().get(pk=inquiry.pk)
        if asked.answered_at is not None:
            raise DomainError("この照会には回答が済んでいます。画面を更新してください。")
        asked.answer, asked.answered_by, asked.answered_at = outcome, somebody(actor), clock.now()
        asked.save(update_fields=["answer", "answered_by", "answered_at"])
        if not row.inquiries.filter(answered_at=None, asked_of=asked.asked_of).exists():
            telling.settle_inquiry(row, actor, asked.asked_of)
        tell = telling.tell_expert if asked.asked_of == Inquiry.AskedOf.EXPERT else telling.tell_institution
        tell(row, telling.NEWS, f"派遣 {row.number} の照会は事務局で終了しました", actor, outcome[:200])
        return asked


def accept_answer(*, inquiry: Inquiry, actor: Actor) -> Inquiry:
    """The office has read the answer: it no longer waits for anybody of the office."""
    with acting(actor, "accept_answer"):
        row = locked(inquiry.dispatch, actor, "ask_back")
        if inquiry.answered_at is None:
            raise DomainError("この照会にはまだ回答がありません。")
        telling.settle(row, actor, telling.INQUIRY_ANSWERED)
        return inquiry


def waive_finding(
    *, dispatch: Dispatch, code: str, reason: str, actor: Actor, edit_token: str = ""
) -> Waiver:
    """Waives a 保留 of the last check with a reason: the calculation leaves it out from now on (rules.md §5)."""
    reason = require_reason(reason, "解除の理由")
    with acting(actor, "waive_finding", reason):
        row = locked(dispatch, actor, "waive_finding", edit_token)
        require_status(row, EXCLUDABLE, "保留の解除")
        finding = Finding.objects.filter(dispatch=row, code=code).first()
        if row.waivers.filter(code=code, revoked_at=None).exists():
            raise DomainError(f"派遣 {row.number} の {code} は既に解除されています。")
        if finding is None:
            raise DomainError(f"派遣 {row.number} に確認事項 {code} はありません。画面を更新してください。")
        if finding.kind != codes.FINDING_HOLD:
            raise DomainError(
                f"{code} は「{finding.kind}」のため解除できません。解除できるのは保留だけです。"
            )
        if code == "M01":
            raise DomainError("事務局判断の保留は、解除ではなく事務局判断を取り消してください。")
        return Waiver.objects.create(
            dispatch=row, code=code, reason=reason, waived_by=somebody(actor), waived_at=clock.now()
        )


def revoke_waiver(*, waiver: Waiver, reason: str, actor: Actor) -> Waiver:
    """Takes a waiver back: the finding counts again."""
    reason = require_reason(reason, "取消の理由")
    with acting(actor, "revoke_waiver", reason):
        row = locked(waiver.dispatch, actor, "waive_finding")
        require_status(row, EXCLUDABLE, "解除の取消")
        found = Waiver.objects.select_for_update().get(pk=waiver.pk)
        if found.revoked_at is not None:
            raise DomainError("この解除は既に取り消されています。")
        found.revoked_by, found.revoked_at, found.revoke_reason = person(actor), clock.now(), reason
        found.save(update_fields=["revoked_by", "revoked_at", "revoke_reason"])
        return found


def hold_dispatch(*, dispatch: Dispatch, reason: str, actor: Actor, edit_token: str = "") -> Dispatch:
    """事務局判断 保留: the dispatch isn't paid until it is released (M01)."""
    reason = require_reason(reason, "保留の理由")
    with acting(actor, "hold_dispatch", reason):
        row = locked(dispatch, actor, "decide_dispatch", edit_token)
        require_status(row, EXCLUDABLE, "保留")
        return change(row, office_decision=codes.DECISION_HOLD, office_decision_reason=reason)


def exclude_dispatch(
    *, dispatch: Dispatch, reason: str, actor: Actor, told: str = "", edit_token: str = ""
) -> Dispatch:
    """事務局判断 対象外: neither fee nor travel (X06). Expert and institution are told.

    `reason` is the office's own note; `told` is what they read.
    """
    reason = require_reason(reason, "対象外とする理由")
    told = told.strip()
    with acting(actor, "exclude_dispatch", reason):
        row = locked(dispatch, actor, "decide_dispatch", edit_token)
        decision = {
            "office_decision": codes.DECISION_INELIGIBLE,
            "office_decision_reason": reason,
            "decision_told": told,
        }
        step(row, "exclude", "対象外に", **decision)
        telling.settle_all(row, actor)
        title = f"派遣 {row.number} は支払の対象外となりました"
        note = told[:200] or "理由は、事務局へお問い合わせください。"
        telling.tell_expert(row, telling.NEWS, title, actor, note)
        telling.tell_institution(row, telling.NEWS, title, actor, note)
        return row


def release_dispatch(*, dispatch: Dispatch, reason: str, actor: Actor, edit_token: str = "") -> Dispatch:
    """Takes the office's decision back; an excluded dispatch stands again where its report and approval say."""
    reason = require_reason(reason, "取り消す理由")
    with acting(actor, "release_dispatch", reason):
        allow(actor, "decide_dispatch")
        row = locked(dispatch, actor, "decide_dispatch", edit_token)
        nothing = {"office_decision": "", "office_decision_reason": "", "decision_told": ""}
        if row.status == Status.INELIGIBLE:
            return step(row, "release", "対象外の取消", target=_standing(row), **nothing)
        if row.office_decision != codes.DECISION_HOLD:
            raise DomainError(f"派遣 {row.number} には、取り消す事務局判断がありません。")
        require_status(row, EXCLUDABLE, "保留の取消")
        return change(row, **nothing)


def _standing(row: Dispatch) -> str:
    """Where the columns say a dispatch stands (as dispatch/exchange.py reads them)."""
    if row.approved_at is not None:
        return Status.APPROVED
    if row.reported_at is not None:
        return Status.REPORTED
    return Status.VISITED if row.visited_from is not None else Status.CONFIRMED
