"""Figures and lists of a renewal, each a fixed number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from core.japan.prefectures import BY_CODE
from core.notify.models import Mail
from experts.models import Expert

from .models import Ask, AskQuerySet, Campaign, Link

# Mails that did not arrive as far as anybody knows.
LOST: Final = (Mail.State.FAILED, Mail.State.UNSURE, Mail.State.CANCELLED)
GROUPS: Final = {
    "silent": "未回答",
    "unreached": "メール不達",
    "declined": "更新しない",
    "renewed": "更新する",
    "changed": "登録内容に変更あり",
    "exempt": "例外",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """How a renewal stands, of everybody or of one prefecture (code; empty for all)."""

    prefecture: str = ""
    asked: int = 0
    unreached: int = 0
    renewed: int = 0
    declined: int = 0
    silent: int = 0
    changed: int = 0
    exempt: int = 0
    retired: int = 0

    @property
    def name(self) -> str:
        """The prefecture's name."""
        return BY_CODE[self.prefecture].name if self.prefecture in BY_CODE else self.prefecture

    @property
    def answered_percent(self) -> int:
        """Answers of those who were asked, 0–100."""
        return (self.renewed + self.declined) * 100 // self.asked if self.asked else 0


def unreached(asks: AskQuerySet) -> AskQuerySet:
    """Those whom no mail reached as far as anybody knows: none of theirs got through, or there was no address."""
    through = Link.objects.filter(ask=OuterRef("pk")).exclude(mail__state__in=[state.value for state in LOST])
    return asks.filter(~Exists(through))


def latest_mails(asks: Iterable[Ask]) -> dict[int, Mail]:
    """The latest mail to each ask, by the ask's id. One query."""
    links = Link.objects.filter(ask__in=[ask.pk for ask in asks]).select_related("mail").order_by("pk")
    return {link.ask_id: link.mail for link in links.defer("mail__body_cipher")}


def of_group(asks: AskQuerySet, group: str) -> AskQuerySet:
    """Those that belong to a group of GROUPS; all for another word."""
    match group:
        case "silent":
            return asks.filter(answer="")
        case "unreached":
            return unreached(asks)
        case "declined":
            return asks.filter(answer="decline")
        case "renewed":
            return asks.filter(answer="renew")
        case "changed":
            return asks.filter(answer="renew", data_right=False)
        case "exempt":
            return asks.exclude(exempt_reason="")
    return asks


def figures_by_prefecture(campaign: Campaign) -> list[Figures]:
    """One row per prefecture in order of code. Two queries."""
    asks = Ask.objects.filter(campaign=campaign)
    lost: dict[str, int] = dict(
        unreached(asks)
        .order_by()
        .values("expert__prefecture_code")
        .annotate(people=Count("pk"))
        .values_list("expert__prefecture_code", "people")
    )
    rows: Any = (
        asks.order_by()
        .values(prefecture=F("expert__prefecture_code"))
        .annotate(
            asked=Count("pk"),
            renewed=Count("pk", filter=Q(answer="renew")),
            declined=Count("pk", filter=Q(answer="decline")),
            silent=Count("pk", filter=Q(answer="")),
            changed=Count("pk", filter=Q(answer="renew", data_right=False)),
            exempt=Count("pk", filter=~Q(exempt_reason="")),
            retired=Count("pk", filter=Q(outcome=Ask.Outcome.RETIRED)),
        )
        .order_by("prefecture")
    )
    return [Figures(**row, unreached=lost.get(row["prefecture"], 0)) for row in rows]


def total_of(rows: list[Figures]) -> Figures:
    """All prefectures together."""
    names = ("asked", "unreached", "renewed", "declined", "silent", "changed", "exempt", "retired")
    return Figures(**{name: sum(getattr(row, name) for row in rows) for name in names})


@dataclass(frozen=True, slots=True)
class Recipients:
    """Whom a first question would reach."""

    asked: int
    without_address: int
    without_account: int
    ended: int


def recipients() -> Recipients:
    """Whom the question would go to now: everybody whose registration has no end. One query."""
    open_ended = Q(valid_until=None)
    counts = Expert.objects.aggregate(
        asked=Count("pk", filter=open_ended),
        without_address=Count("pk", filter=open_ended & ~Q(email__contains="@")),
        without_account=Count("pk", filter=open_ended & Q(user=None)),
        ended=Count("pk", filter=~open_ended),
    )
    return Recipients(**counts)


def open_campaign() -> Campaign | None:
    """The renewal that is not closed; None when there is none. One query."""
    return Campaign.objects.exclude(state=Campaign.State.CLOSED).first()


def campaigns_with_counts(rows: QuerySet[Campaign]) -> QuerySet[Campaign]:
    """Campaigns with `asked`, `renewed`, `declined` and `retired`."""
    return rows.annotate(
        asked=Count("asks"),
        renewed=Count("asks", filter=Q(asks__answer="renew")),
        declined=Count("asks", filter=Q(asks__answer="decline")),
        retired=Count("asks", filter=Q(asks__outcome=Ask.Outcome.RETIRED)),
    )
