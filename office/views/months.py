"""Months: what is payable, what is held and why, what is excluded."""

import datetime as dt
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from core.jobs.models import Job
from core.jobs.services import queue_job
from dispatch.models import Assessment, Dispatch
from institutions.models import Institution
from office.access import office_view, person
from office.lists import containing, month_of, page_of, sorted_by
from office.months import month_bounds, months_with_visits
from office.selectors import codes_of, finding_title
from office.views.runs import may_create
from payments.models import PayoutRun
from payments.selectors import last_check, month_summaries, month_summary
from payments.services.payee_changes import warning_of

PROCESSED = "処理済"
MONTHS_A_PAGE = 24
SEARCHED = ("number", "expert__name", "expert__kana", "company__name")


@office_view()
def month_list(request: HttpRequest) -> HttpResponse:
    """Months with visits, newest first; two years on a page, so that ten are not added up for one look."""
    page = page_of(request, months_with_visits(), MONTHS_A_PAGE)
    runs: dict[dt.date, list[PayoutRun]] = {}
    for run in PayoutRun.objects.visible_to(person(request)).order_by("month", "ordinal"):
        runs.setdefault(run.month, []).append(run)
    months = [
        {**summary, "runs": runs.get(summary["month"], [])}
        for summary in month_summaries(list(page.object_list))
    ]
    context = {"section": "months", "months": months, "page": page}
    return render(request, "office/months/list.html", context)


FILTERS = ("kind", "code", "institution", "q")


def _filtered(request: HttpRequest, month: dt.date) -> QuerySet[Dispatch]:
    first, end = month_bounds(month)
    rows = Dispatch.objects.visible_to(person(request)).filter(visited_from__gte=first, visited_from__lt=end)
    kind = request.GET.get("kind", "")
    if kind == PROCESSED:
        rows = rows.filter(status__in=("scheduled", "paid"))
    elif kind:
        rows = rows.filter(assessment__kind=kind)
    if code := request.GET.get("code"):
        rows = rows.filter(assessment__codes__contains=[code])
    if institution := request.GET.get("institution"):
        rows = rows.filter(institution__code=institution)
    return rows.filter(containing(request.GET.get("q", ""), *SEARCHED))


def _totals(request: HttpRequest, rows: QuerySet[Dispatch], month: dt.date) -> dict[str, int]:
    """謝金 and 旅費 (yen) of the list as it is filtered; of a whole month without a look at its dispatches."""
    if any(request.GET.get(name, "").strip() for name in FILTERS):
        return rows.aggregate(
            fee=Sum("assessment__fee", default=0), travel=Sum("assessment__travel", default=0)
        )
    whole = Assessment.objects.visible_to(person(request)).filter(month=month)
    return whole.aggregate(fee=Sum("fee", default=0), travel=Sum("travel", default=0))


def _share_label(summary: dict[str, Any]) -> str:
    names = (
        ("payable", "支払可"),
        ("paid", "処理済"),
        ("hold", "保留"),
        ("incomplete", "未了"),
        ("ineligible", "対象外"),
    )
    return "、".join(f"{label} {summary[key]['count']}件" for key, label in names)


@office_view()
def month_detail(request: HttpRequest, month: str) -> HttpResponse:
    """One month; a fixed number of queries however many dispatches it has."""
    user = person(request)
    first = month_of(month)
    if first is None:
        raise Http404
    summary = month_summary(first)
    rows = _filtered(request, first)
    totals = _totals(request, rows, first)
    columns = {
        "number": "number",
        "visited_from": "visited_from",
        "fee": "assessment__fee",
        "travel": "assessment__travel",
    }
    listed = sorted_by(
        request,
        rows.select_related("expert", "institution", "company", "assessment").prefetch_related("findings"),
        columns,
        ("visited_from", "number"),
    )
    codes = codes_of(user, dispatch__assessment__month=first)
    begin, end = month_bounds(first)
    # asked per institution by its index: joined, every dispatch of the month would be sorted for a few hundred names
    visited = (
        Dispatch.objects.visible_to(user)
        .filter(institution=OuterRef("pk"), visited_from__gte=begin, visited_from__lt=end)
        .order_by()
    )
    institutions = (
        Institution.objects.visible_to(user)
        .filter(Exists(visited))
        .order_by("code")
        .values_list("code", "name")
    )
    can_create, reason = may_create(user)
    runs = list(PayoutRun.objects.visible_to(user).filter(month=first).order_by("ordinal"))
    context = {
        "section": "months",
        "month": first,
        "summary": summary,
        "share_label": _share_label(summary),
        "checked_at": last_check(),
        "job": Job.objects.visible_to(user)
        .filter(kind="check_month", status__in=("queued", "running"))
        .order_by("-pk")
        .first(),
        "can_check": True,
        "codes": codes,
        "runs": runs,
        "changed_payees": [(run, warning) for run in runs for warning in warning_of(run)],
        "can_create_run": can_create,
        "create_reason": reason,
        "page": page_of(request, listed),
        "totals": {**totals, "yen": totals["fee"] + totals["travel"]},
        "kinds": [*Assessment.Kind.choices, (PROCESSED, "支払処理済")],
        "code_options": [(row["code"], f"{row['code']} {finding_title(row['code'])}") for row in codes],
        "institutions": list(institutions),
    }
    return render(request, "office/months/detail.html", context)


@require_POST
@office_view()
def month_check(request: HttpRequest, month: str) -> HttpResponse:
    """Looks at all unpaid dispatches again, as a job."""
    user = person(request)
    if not Job.objects.visible_to(user).filter(kind="check_month", status__in=("queued", "running")).exists():
        queue_job(kind="check_month", title="派遣の確認", arguments={}, actor=user)
    return redirect("office:month_detail", month=month)
