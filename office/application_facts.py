"""What the office must know to confirm a dispatch or to decide on a request: the application, its warnings, the year."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet
from django.db.models.functions import Coalesce

from accounts.models import User
from core import clock
from core.japan.calendar import fiscal_year_start
from core.programme.selectors import RuleBook, code_items, dispatch_terms
from dispatch.models import ApprovalRequest, Dispatch, DispatchApplication, Status
from rules import codes
from rules.dates import fiscal_year

_ENDED = (Status.CANCELLED, Status.DECLINED)
# A visit so near that the confirmation must come now.
NEAR = dt.timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Warning:
    """Something to look at before the confirmation; `blocks` when the confirmation would be refused."""

    title: str
    text: str
    blocks: bool = False


def waiting_for_confirmation(user: User) -> QuerySet[Dispatch]:
    """Accepted dispatches, the nearest visit first, with what their warnings need: application, requests, overlaps.

    Two queries more for the prefetched requests and applications.
    """
    others = Dispatch.objects.exclude(status__in=_ENDED).exclude(pk=OuterRef("pk"))
    meets = Q(
        visited_from=None, planned_from__lt=OuterRef("planned_to"), planned_to__gt=OuterRef("planned_from")
    )
    meets |= Q(visited_from__lt=OuterRef("planned_to"), visited_to__gt=OuterRef("planned_from"))
    return (
        Dispatch.objects.visible_to(user)
        .filter(status=Status.ACCEPTED)
        .select_related("expert", "institution", "company", "application")
        .prefetch_related(Prefetch("approval_requests", queryset=ApprovalRequest.objects.order_by("pk")))
        .annotate(
            expert_overlaps=Exists(others.filter(meets, expert=OuterRef("expert"))),
            company_overlaps=Exists(others.filter(meets, company=OuterRef("company"))),
            waits_since=Coalesce(F("status_since"), F("created_at")),
        )
        .order_by("planned_from", "number")
    )


def warnings_of(dispatch: Dispatch) -> list[Warning]:
    """What the office should know before it confirms; of a row of `waiting_for_confirmation` no query."""
    found = [*_requests(dispatch), *_unpayable(dispatch)]
    if getattr(dispatch, "expert_overlaps", False):
        found.append(
            Warning(
                "専門家の予定の重なり", "同じ専門家の別の派遣と時間が重なっています（L03 の保留になります）。"
            )
        )
    if getattr(dispatch, "company_overlaps", False):
        found.append(Warning("支援先の予定の重なり", "同じ支援先の別の派遣と時間が重なっています。"))
    if dispatch.planned_from < clock.now():
        found.append(
            Warning("予定日時の経過", "予定の開始時刻を過ぎています。日程変更か取消を確認してください。")
        )
    return found


def _requests(dispatch: Dispatch) -> list[Warning]:
    found = []
    latest: dict[str, ApprovalRequest] = {}
    for request in dispatch.approval_requests.all():
        latest[request.kind] = request
    for request in latest.values():
        if request.decided_at is None:
            found.append(Warning(request.get_kind_display(), "判断を待っています。", blocks=True))
        elif not request.approved:
            found.append(
                Warning(
                    request.get_kind_display(), f"認められていません: {request.decision_reason}", blocks=True
                )
            )
    if dispatch.method == codes.METHOD_WEB and not dispatch.web_approved and "web" not in latest:
        found.append(Warning("WEB支援の事前承認", "承認がありません。", blocks=True))
    return found


def _unpayable(dispatch: Dispatch) -> list[Warning]:
    answers = application_of(dispatch)
    found = []
    if dispatch.expert.subsidised_labour or (answers and answers.subsidised_labour):
        found.append(
            Warning(
                "X01 人件費補助",
                "支払の対象外になります。"
                if dispatch.expert.subsidised_labour
                else "機関は「有」と回答しましたが、専門家の登録は「無」です。",
            )
        )
    if dispatch.paid_by_institution:
        found.append(Warning("X02 機関からの給与・謝金", "支払の対象外になります。"))
    affiliated = dispatch.institution.code in dispatch.expert.affiliated_codes
    if affiliated or (answers and answers.member_of_institution):
        found.append(
            Warning(
                "X03 所属専門家",
                "専門家がこの機関に所属しています。"
                if affiliated
                else "機関は所属と回答しましたが、専門家の登録にありません。",
            )
        )
    if dispatch.requested_by_expert:
        found.append(Warning("X04 専門家からの要請", "支払の対象外になります。"))
    return found


def application_of(dispatch: Dispatch) -> DispatchApplication | None:
    """The institution's application; None for a dispatch that came with a file."""
    return getattr(dispatch, "application", None)


def dispatches_of_year(dispatch: Dispatch, user: User) -> dict[str, Any]:
    """The client's dispatches of the dispatch's fiscal year, and the limit of its rules: year, rows, count, limit."""
    year = fiscal_year(clock.jst(dispatch.planned_from).date())
    first, after = (
        clock.from_jst(dt.datetime.combine(fiscal_year_start(each), dt.time())) for each in (year, year + 1)
    )
    within = Q(visited_from__gte=first, visited_from__lt=after) | Q(
        visited_from=None, planned_from__gte=first, planned_from__lt=after
    )
    rows = list(
        Dispatch.objects.visible_to(user)
        .filter(within, company=dispatch.company_id)
        .select_related("expert", "institution")
        .order_by(Coalesce("visited_from", "planned_from"), "number")
    )
    rules = RuleBook()(clock.jst(dispatch.planned_from).date())
    return {
        "year": year,
        "rows": rows,
        "count": sum(row.status not in _ENDED for row in rows),
        "limit": rules.limit_for(dispatch.topic) if rules else None,
    }


def request_facts(request: ApprovalRequest, user: User) -> dict[str, Any]:
    """What a decision on a request needs beside the dispatch: case, the client's year, lead time, listed reasons."""
    dispatch = request.dispatch
    application = application_of(dispatch)
    asked_on, planned_on = clock.jst(request.asked_at).date(), clock.jst(dispatch.planned_from).date()
    reasons = code_items("web_reason", asked_on) if request.kind == ApprovalRequest.Kind.WEB else []
    return {
        "application": application,
        "case": application.case if application else None,
        "year": dispatches_of_year(dispatch, user),
        "lead_days": (planned_on - asked_on).days,
        "lead_terms": dispatch_terms(asked_on).lead_days,
        "web_reasons": reasons,
        "is_listed": request.reason in reasons,
        "others": list(
            dispatch.approval_requests.exclude(pk=request.pk)
            .select_related("decided_by")
            .order_by("asked_at", "pk")
        ),
    }
