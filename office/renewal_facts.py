"""What is still on its way for experts whose registration ends, and what waits for the office in a renewal."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, F, Q
from django.urls import reverse

from accounts.models import User
from accounts.rights import may
from core import clock
from dispatch.models import Dispatch, Status
from experts.renewal.campaigns import ACT
from experts.renewal.models import Ask, Campaign
from experts.renewal.selectors import figures_by_prefecture, open_campaign, total_of, unreached
from experts.standing import ACT as END
from office.waiting import Waiting, waiting_source

# Agreed or asked for, and not in a payment yet.
ON_THE_WAY: Final = (
    Status.APPLIED, Status.ACCEPTED, Status.CONFIRMED, Status.VISITED, Status.REPORTED, Status.APPROVED, Status.VERIFIED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Work:
    """Dispatches of one expert that go on: to come, to be paid, and planned after the registration's last day."""

    coming: int = 0
    unpaid: int = 0
    late: int = 0


def work_of(user: User, experts: Collection[int], last_day: dt.date) -> dict[int, Work]:
    """What is on its way, by the expert's id. One query."""
    after = clock.from_jst(dt.datetime.combine(last_day + dt.timedelta(days=1), dt.time()))
    to_come = Q(status__in=(Status.APPLIED, Status.ACCEPTED, Status.CONFIRMED))
    rows = (
        Dispatch.objects.visible_to(user)
        .filter(expert__in=list(experts), status__in=ON_THE_WAY)
        .order_by()
        .values("expert")
        .annotate(
            coming=Count("pk", filter=to_come),
            unpaid=Count("pk", filter=~to_come),
            late=Count("pk", filter=to_come & Q(planned_from__gte=after)),
        )
    )
    return {row["expert"]: Work(row["coming"], row["unpaid"], row["late"]) for row in rows}


def work_left(user: User, campaign: Campaign) -> dict[str, int]:
    """Of all whose registration closing would end: experts with work, dispatches to come, unpaid, late. One query."""
    leaving = Ask.objects.filter(
        campaign=campaign, answer__in=["", "decline"], exempt_reason="", expert__valid_until=None
    )
    after = clock.from_jst(dt.datetime.combine(campaign.last_day + dt.timedelta(days=1), dt.time()))
    to_come = Q(status__in=(Status.APPLIED, Status.ACCEPTED, Status.CONFIRMED))
    return (
        Dispatch.objects.visible_to(user)
        .filter(expert__in=leaving.values("expert"), status__in=ON_THE_WAY)
        .order_by()
        .aggregate(
            experts=Count(F("expert"), distinct=True),
            coming=Count("pk", filter=to_come),
            unpaid=Count("pk", filter=~to_come),
            late=Count("pk", filter=to_come & Q(planned_from__gte=after)),
        )
    )


@waiting_source(46)
def renewal_waiting(user: User) -> list[Waiting]:
    """The renewal that runs: whom no mail reached, and that it is time to close."""
    if not may(user, ACT).allowed:
        return []
    campaign = open_campaign()
    if campaign is None:
        return []
    year = campaign.fiscal_year
    if campaign.state == Campaign.State.PREPARING:
        return [
            {
                "title": f"{year}年度末の登録の更新: 案内を送っていません",
                "url": reverse("office:renewal_detail", args=[year]),
                "count": 1,
                "oldest": campaign.prepared_at,
                "note": "",
            }
        ]
    figures = total_of(figures_by_prefecture(campaign))
    found: list[Waiting] = []
    if clock.today() > campaign.answer_by and may(user, END).allowed:
        found.append(
            {
                "title": f"{year}年度末の登録の更新: 締め切り",
                "url": reverse("office:renewal_close", args=[year]),
                "count": figures.silent + figures.declined,
                "oldest": None,
                "note": "回答期限が過ぎました。登録が終わる人を確かめて締め切ってください。",
            }
        )
    lost = unreached(Ask.objects.filter(campaign=campaign, answer="")).count()
    if lost:
        found.append(
            {
                "title": f"{year}年度末の登録の更新: メールが届いていない人",
                "url": reverse("office:renewal_detail", args=[year]) + "?group=unreached#list",
                "count": lost,
                "oldest": None,
                "note": "電話で確かめ、回答を記録してください。",
            }
        )
    return found
