"""The office's start page: what waits for whom."""

import datetime as dt

from django.db.models import Count, Min, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.models import User
from accounts.rights import may
from core.jobs.models import Job
from office.access import office_view, person
from office.months import months_with_visits
from office.waiting import Waiting, everything_waiting, waiting_source
from payments.models import PayoutRun
from payments.selectors import month_summary

RECENT = dt.timedelta(days=3)


def _text(month: dt.date) -> str:
    return f"{month:%Y-%m}"


@waiting_source(10)
def runs_waiting(user: User) -> list[Waiting]:
    """Runs this person can take a step further: approve first, then compute, export, confirm the transfer."""
    lines: list[Waiting] = []
    runs = PayoutRun.objects.visible_to(user)
    waiting = runs.filter(status=PayoutRun.Status.COMPUTED).select_related("maker").first()
    if waiting and may(user, "approve_run").allowed and waiting.maker_id != user.pk:
        lines.append(
            {
                "title": f"支払データ {waiting.name} の承認",
                "url": reverse("office:run_detail", args=[waiting.name]),
                "count": 1,
                "oldest": waiting.computed_at,
                "note": f"{waiting.maker.get_full_name()}さんが作成しました。",
            }
        )
    for status, title in (
        (PayoutRun.Status.DRAFT, "の計算"),
        (PayoutRun.Status.APPROVED, "の出力"),
        (PayoutRun.Status.EXPORTED, "の振込の確認"),
    ):
        for run in runs.filter(status=status).order_by("month", "ordinal")[:5]:
            lines.append(
                {
                    "title": f"支払データ {run.name} {title}",
                    "url": reverse("office:run_detail", args=[run.name]),
                    "count": 1,
                    "oldest": run.exported_at or run.approved_at or run.created_at,
                    "note": "",
                }
            )
    return lines


@waiting_source(40)
def failed_jobs(user: User) -> list[Waiting]:
    """Jobs that somebody has to look at."""
    failed = (
        Job.objects.visible_to(user)
        .filter(status=Job.Status.FAILED)
        .aggregate(count=Count("pk"), oldest=Min("ended_at"))
    )
    if not failed["count"]:
        return []
    return [
        {
            "title": "失敗したジョブ",
            "url": f"{reverse('office:job_list')}?status=failed",
            "count": failed["count"],
            "oldest": failed["oldest"],
            "note": "内容を確認して、もう一度実行してください。",
        }
    ]


@office_view()
def office_home(request: HttpRequest) -> HttpResponse:
    """What waits for this person, and how the current month stands."""
    from core import clock

    user = person(request)
    months = months_with_visits()
    context = {
        "section": "home",
        "queue": everything_waiting(user),
        "summary": month_summary(months[0]) if months else None,
        "runs": PayoutRun.objects.visible_to(user).order_by("-month", "-ordinal")[:5],
        "jobs": Job.objects.visible_to(user)
        .filter(
            Q(status__in=(Job.Status.QUEUED, Job.Status.RUNNING))
            | Q(status=Job.Status.FAILED, ended_at__gte=clock.now() - RECENT)
        )
        .order_by("-pk")[:5],
    }
    return render(request, "office/home.html", context)
