"""Applying for a dispatch, and planning it anew or calling it off before it takes place (C3–C5)."""

import datetime as dt
import secrets
from dataclasses import replace
from decimal import Decimal
from typing import Any

from core import clock
from core.audit.acting import Actor, System, acting
from core.database.numbers import next_number
from core.errors import DomainError
from experts.models import Expert
from rules import codes
from rules.dates import fiscal_year

from ..applications import check_application, missing_fields
from ..models import ApprovalRequest, Case, Company, Dispatch, DispatchApplication, Status
from ..obstacles import Application, Obstacle, ObstacleKind, ObstaclesFound
from ..transitions import PLANNED
from . import telling
from .steps import (
    allow,
    change,
    locked,
    person,
    require_reason,
    require_status,
    step,
    wait_for_approval,
)

_ANOTHER_YEAR = (
    "今の予定と同じ年度の日を選ぶか、この派遣を取り消し、新しい日で、上限例外の理由を添えて申請してください。"
)
_REASONS = {"web": "web_reason", "limit": "limit_reason", "lead": "lead_reason"}


def apply_for_dispatch(*, application: Application, actor: Actor, key: str = "") -> Dispatch:
    """Applies for a dispatch: it is `applied`, the expert is asked, and the office for what only it can allow.

    Raises ObstaclesFound for what blocks. The same `key`, made by the form, answers the first dispatch again.
    """
    allow(actor, "apply_for_dispatch")
    key = key or secrets.token_urlsafe(16)
    application = application.with_topic()
    with acting(actor, "apply_for_dispatch"):
        wait_for_approval()
        case = _own_case(application.case, actor)
        again = DispatchApplication.objects.filter(key=key).select_related("dispatch").first()
        if again is not None:
            if again.case_id != case.pk:
                raise DomainError(
                    "この画面からは、別の支援案件の申請が既に送信されています。"
                    "画面を開き直して、もう一度申請してください。",
                    code="key",
                )
            return again.dispatch
        application = replace(application, expert=_one_at_a_time(case.company_id, application.expert))
        obstacles = [*missing_fields(application), *check_application(application)]
        blocking = [each for each in obstacles if each.kind is ObstacleKind.BLOCK]
        if blocking:
            raise ObstaclesFound(blocking)
        dispatch = _create(application)
        DispatchApplication.objects.create(
            dispatch=dispatch,
            case=case,
            key=key,
            subsidised_labour=application.subsidised_labour,
            paid_by_institution=application.paid_by_institution,
            member_of_institution=application.member_of_institution,
            requested_by_expert=application.requested_by_expert,
            applied_by=person(actor),
            applied_at=clock.now(),
        )
        step(dispatch, "apply", "申請")
        _ask_office(dispatch, obstacles, application, actor)
        _ask_expert(dispatch, actor)
        return dispatch


def _own_case(case: Case, actor: Actor) -> Case:
    seen = Case.objects.all() if isinstance(actor, System) else Case.objects.visible_to(actor)  # type: ignore[arg-type]
    return Case.objects.select_for_update(of=("self",)).get(pk=case.pk, pk__in=seen.values("pk"))


def _one_at_a_time(company_id: int, expert: Expert | None) -> Expert | None:
    """Limits and overlaps are counted by one application after the other; the expert as the register has them now."""
    Company.objects.select_for_update(no_key=True).get(pk=company_id)
    if expert is None:
        return None
    return (
        Expert.objects.select_for_update(no_key=True, of=("self",)).select_related("user").get(pk=expert.pk)
    )


def _create(application: Application) -> Dispatch:
    assert application.expert and application.planned_from and application.planned_to
    year = fiscal_year(application.planned_from.astimezone(clock.JST).date())
    return Dispatch.objects.create(
        number=next_number("dispatch_number_seq", "D", year),
        institution=application.case.institution,
        expert=application.expert,
        company=application.case.company,
        topic=application.topic,
        method=application.method,
        place=application.place.strip(),
        latitude=application.latitude,
        longitude=application.longitude,
        planned_from=_minute(application.planned_from),
        planned_to=_minute(application.planned_to),
        accompanied=application.accompanied,
        no_accompaniment_reason=""
        if application.accompanied
        else application.no_accompaniment_reason.strip(),
        requested_by_expert=application.requested_by_expert,
        paid_by_institution=application.paid_by_institution,
        itinerary=application.itinerary.strip(),
    )


def _minute(moment: dt.datetime) -> dt.datetime:
    return moment.replace(second=0, microsecond=0)


def _ask_office(
    dispatch: Dispatch, obstacles: list[Obstacle], application: Application, actor: Actor
) -> None:
    for obstacle in obstacles:
        if obstacle.kind is not ObstacleKind.APPROVAL:
            continue
        ask_for(dispatch, obstacle.request, getattr(application, _REASONS[obstacle.request]), actor)
    if application.subsidised_labour and not dispatch.expert.subsidised_labour:
        telling.tell_office(
            dispatch,
            telling.REQUEST,
            f"派遣 {dispatch.number}: 機関が人件費補助ありと回答しました（専門家の登録は無）",
            actor,
        )


def ask_for(dispatch: Dispatch, kind: str, reason: str, actor: Actor) -> ApprovalRequest:
    """Puts a request to the office; one open request of a kind."""
    if dispatch.approval_requests.filter(kind=kind, decided_at=None).exists():
        raise DomainError(f"{ApprovalRequest.Kind(kind).label}は申請済みで、事務局の判断を待っています。")
    request = ApprovalRequest.objects.create(
        dispatch=dispatch, kind=kind, reason=reason.strip(), asked_by=person(actor), asked_at=clock.now()
    )
    # whoever asks again has seen the refusal
    telling.settle(dispatch, actor, telling.REFUSED)
    telling.tell_office(
        dispatch,
        telling.REQUEST,
        f"派遣 {dispatch.number}: {request.get_kind_display()}の判断",
        actor,
        request.reason[:200],
    )
    return request


def _ask_expert(dispatch: Dispatch, actor: Actor) -> None:
    telling.tell_expert(
        dispatch,
        telling.ANSWER,
        f"派遣 {dispatch.number} の承諾または辞退をお願いします",
        actor,
        f"{clock.jst(dispatch.planned_from):%Y-%m-%d %H:%M}～{clock.jst(dispatch.planned_to):%H:%M}"
        f" {dispatch.company.name}",
    )


def reschedule_dispatch(
    *,
    dispatch: Dispatch,
    planned_from: dt.datetime,
    planned_to: dt.datetime,
    reason: str,
    actor: Actor,
    edit_token: str = "",
    place: str | None = None,
    latitude: Decimal | None = None,
    longitude: Decimal | None = None,
    lead_reason: str = "",
) -> Dispatch:
    """Plans a dispatch anew; the expert is asked again. The same rules as for an application."""
    reason = require_reason(reason, "日程変更の理由")
    with acting(actor, "reschedule_dispatch", reason):
        row = locked(dispatch, actor, "change_plan", edit_token)
        require_status(row, PLANNED, "日程変更")
        row.expert = _one_at_a_time(row.company_id, row.expert) or row.expert
        obstacles = check_reschedule(row, planned_from, planned_to, lead_reason)
        blocking = [each for each in obstacles if each.kind is ObstacleKind.BLOCK]
        if blocking:
            raise ObstaclesFound(blocking)
        values: dict[str, Any] = {"planned_from": _minute(planned_from), "planned_to": _minute(planned_to)}
        if place is not None:
            values |= {"place": place.strip(), "latitude": latitude, "longitude": longitude}
            if row.method == codes.METHOD_FACE_TO_FACE and None in (latitude, longitude):
                raise DomainError("対面の派遣には、支援場所の緯度と経度が必要です。")
        if row.status == Status.APPLIED:
            change(row, **values)
        else:
            step(row, "reschedule", "日程変更", **values)
        telling.settle(row, actor, telling.ANSWER, telling.CONFIRM, telling.REPORT)
        for obstacle in obstacles:
            if (
                obstacle.kind is ObstacleKind.APPROVAL
                and not row.approval_requests.filter(kind=obstacle.request, decided_at=None).exists()
            ):
                ask_for(row, obstacle.request, lead_reason, actor)
        _ask_expert(row, actor)
        return row


def check_reschedule(
    dispatch: Dispatch,
    planned_from: dt.datetime | None,
    planned_to: dt.datetime | None,
    lead_reason: str = "",
) -> list[Obstacle]:
    """The rules of time a dispatch wouldn't meet at another time, whether or not it came from a case; read only.
    The expert must be registered on the new day, too, and in another fiscal year the client must have one left.

    What isn't filled in yet is not judged.
    """
    new_year = planned_from is not None and _year(planned_from) != _year(dispatch.planned_from)
    application = Application(
        case=Case(institution=dispatch.institution, company=dispatch.company, topic=dispatch.topic),
        expert=dispatch.expert,
        topic=dispatch.topic,
        planned_from=planned_from,
        planned_to=planned_to,
        lead_reason=lead_reason,
        # within its year the dispatch has its place; what the office allowed beyond was for that year
        limit_reason="" if new_year else "申請済み",
    )
    found = []
    for each in check_application(application, ignoring=dispatch):
        if each.field in ("expert", "planned_from", "planned_to", "lead_reason"):
            found.append(each)
        elif each.field == "limit_reason" and each.kind is ObstacleKind.BLOCK:
            found.append(replace(each, field="planned_from", next_step=_ANOTHER_YEAR))
    return found


def _year(moment: dt.datetime) -> int:
    return fiscal_year(moment.astimezone(clock.JST).date())


def cancel_dispatch(*, dispatch: Dispatch, reason: str, actor: Actor, edit_token: str = "") -> Dispatch:
    """Calls a dispatch off. Refused once somebody has checked in: then the office decides."""
    reason = require_reason(reason, "取消の理由")
    with acting(actor, "cancel_dispatch", reason):
        row = locked(dispatch, actor, "change_plan", edit_token)
        if row.status in PLANNED and row.check_events.exists():
            raise DomainError(
                f"派遣 {row.number} はチェックインの記録があるため取消できません。"
                "実施されていない場合は、事務局へ連絡してください。"
            )
        step(row, "cancel", "取消", end_reason=reason)
        telling.settle_all(row, actor)
        telling.tell_expert(row, telling.NEWS, f"派遣 {row.number} は取り消されました", actor, reason[:200])
        return row
