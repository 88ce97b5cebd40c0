"""The year-end question to every expert: one campaign a year, its mails in waves, one answer per expert."""

import datetime as dt
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from accounts.rights import Reach, reach
from core.database.fields import CodeField
from core.japan.calendar import fiscal_year_end
from experts.models import Expert

if TYPE_CHECKING:
    from accounts.models import User


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def visible_to(self, user: "User") -> Self:
        """Everything for the office, nothing for others: an expert sees it with the own ask."""
        return self.all() if reach(user, "read", self.model) is Reach.ALL else self.none()


class WaveQuerySet(models.QuerySet["Wave"]):
    def visible_to(self, user: "User") -> Self:
        """Everything for the office, nothing for others."""
        return self.all() if reach(user, "read", self.model) is Reach.ALL else self.none()


class AskQuerySet(models.QuerySet["Ask"]):
    def visible_to(self, user: "User") -> Self:
        """Everybody's for the office, one's own for an expert."""
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN:
                return self.filter(expert__user=user)
        return self.none()


class LinkQuerySet(models.QuerySet["Link"]):
    def visible_to(self, user: "User") -> Self:
        """Nobody looks at links; they open by their token alone."""
        return self.all() if reach(user, "read", self.model) is Reach.ALL else self.none()


class Campaign(models.Model):
    """The renewal at the end of one fiscal year. Only one at a time is not closed."""

    class State(models.TextChoices):
        PREPARING = "preparing", "準備中"
        ASKING = "asking", "回答受付中"
        CLOSED = "closed", "締切済"

    fiscal_year = models.PositiveSmallIntegerField("年度", unique=True)
    state = models.CharField("状態", max_length=10, choices=State, default=State.PREPARING)
    answer_by = models.DateField("回答期限")
    # on each of these days whoever has not answered is reminded
    remind_on = ArrayField(models.DateField(), verbose_name="督促日", default=list, blank=True)
    message = models.TextField("案内の文", blank=True)
    # grows with each change of the days, so that a page knows whether it is the newest
    version = models.PositiveIntegerField("版", default=1)
    prepared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="準備した人"
    )
    prepared_at = models.DateTimeField("準備日時", db_default=Now())
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="締め切った人",
    )
    closed_at = models.DateTimeField("締切日時", null=True, blank=True)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "登録の更新"
        ordering = ["-fiscal_year"]
        constraints = [
            models.UniqueConstraint(
                models.Value(1),
                name="renewal_campaign_one_open",
                condition=models.Q(state__in=["preparing", "asking"]),
            ),
            models.CheckConstraint(
                name="renewal_campaign_state_known",
                condition=models.Q(state__in=["preparing", "asking", "closed"]),
            ),
            models.CheckConstraint(
                name="renewal_campaign_closed_by_somebody",
                condition=models.Q(state="closed", closed_at__isnull=False, closed_by__isnull=False)
                | (~models.Q(state="closed") & models.Q(closed_at=None, closed_by=None)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fiscal_year}年度末の登録の更新"

    @property
    def last_day(self) -> dt.date:
        """The last day of the registrations that are not renewed: 31 March."""
        return fiscal_year_end(self.fiscal_year)


class Wave(models.Model):
    """One sending of mails: the first question, or a reminder to those who have not answered."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="waves", verbose_name="更新")
    # 0 is the first question
    number = models.PositiveSmallIntegerField("回")
    # the day it was set for; none: sent by hand
    planned_on = models.DateField("予定日", null=True, blank=True)
    # the form's key: pressed twice, it is one wave
    key = CodeField("送信キー", unique=True)
    job = models.ForeignKey(
        "jobs.Job", models.PROTECT, null=True, blank=True, related_name="+", verbose_name="ジョブ"
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="依頼した人",
    )
    asked_at = models.DateTimeField("依頼日時")
    done_at = models.DateTimeField("登録完了日時", null=True, blank=True)
    mail_count = models.PositiveIntegerField("メール数", default=0)
    no_address_count = models.PositiveIntegerField("宛先なし", default=0)

    objects = WaveQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "更新のメールの送信"
        ordering = ["campaign", "number"]
        constraints = [
            models.UniqueConstraint("campaign", "number", name="renewal_wave_number"),
            models.UniqueConstraint(
                "campaign",
                "planned_on",
                name="renewal_wave_once_a_day",
                condition=models.Q(planned_on__isnull=False),
            ),
            models.UniqueConstraint(
                "campaign", name="renewal_wave_one_open", condition=models.Q(done_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} {self.title}"

    @property
    def title(self) -> str:
        """What people call it."""
        return f"督促（{self.number}回目）" if self.number else "最初の案内"


class Ask(models.Model):
    """One expert in one campaign: what was answered, by whom, how it came, and what closing made of it."""

    class Answer(models.TextChoices):
        NONE = "", "未回答"
        RENEW = "renew", "更新する"
        DECLINE = "decline", "更新しない"

    class Source(models.TextChoices):
        NONE = "", "—"
        PAGE = "page", "専門家の画面"
        LINK = "link", "メールのリンク"
        PHONE = "phone", "電話"
        MAIL = "mail", "メール"
        LETTER = "letter", "郵便・FAX"

    class Outcome(models.TextChoices):
        NONE = "", "—"
        RENEWED = "renewed", "更新"
        EXEMPT = "exempt", "例外として継続"
        RETIRED = "retired", "登録終了"
        # ended for another reason before the campaign was closed
        ENDED = "ended", "先に終了"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="asks", verbose_name="更新")
    expert = models.ForeignKey(Expert, models.PROTECT, related_name="renewals", verbose_name="専門家")
    answer = models.CharField("回答", max_length=7, choices=Answer, blank=True, default=Answer.NONE)
    reason = models.CharField("理由", max_length=500, blank=True)
    # whether the registered data are still right; None where nobody said
    data_right = models.BooleanField("登録内容に変更なし", null=True)
    source = models.CharField("回答の経路", max_length=6, choices=Source, blank=True, default=Source.NONE)
    # when and how the office was told, where it answers for the person
    note = models.CharField("経緯", max_length=500, blank=True)
    answered_at = models.DateTimeField("回答日時", null=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="回答した利用者"
    )
    # grows with each answer and exception, so that a page knows whether it is the newest
    version = models.PositiveIntegerField("版", default=1)
    exempt_reason = models.CharField("例外の理由", max_length=200, blank=True)
    exempt_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="例外にした人"
    )
    outcome = models.CharField("結果", max_length=7, choices=Outcome, blank=True, default=Outcome.NONE)
    created_at = models.DateTimeField("登録日時", db_default=Now())

    objects = AskQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "更新の回答"
        ordering = ["campaign", "expert"]
        constraints = [
            models.UniqueConstraint("campaign", "expert", name="renewal_ask_once"),
            models.CheckConstraint(
                name="renewal_ask_answer_known", condition=models.Q(answer__in=["", "renew", "decline"])
            ),
            models.CheckConstraint(
                name="renewal_ask_answered_somehow",
                condition=models.Q(answer="", answered_at=None, source="")
                | (~models.Q(answer="") & models.Q(answered_at__isnull=False) & ~models.Q(source="")),
            ),
            models.CheckConstraint(
                name="renewal_ask_declined_with_reason",
                condition=~models.Q(answer="decline") | ~models.Q(reason=""),
            ),
            models.CheckConstraint(
                name="renewal_ask_exempt_with_reason",
                condition=models.Q(exempt_reason="", exempt_by=None)
                | (~models.Q(exempt_reason="") & models.Q(exempt_by__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} {self.expert}"

    @property
    def is_exempt(self) -> bool:
        """Whether the office keeps the registration whatever was answered."""
        return bool(self.exempt_reason)


class Link(models.Model):
    """The personal link in one mail: opens one ask until it is answered or closed. Only a hash of its token is kept."""

    ask = models.ForeignKey(Ask, models.PROTECT, related_name="links", verbose_name="更新の回答")
    wave = models.ForeignKey(Wave, models.PROTECT, related_name="links", verbose_name="送信")
    mail = models.ForeignKey("notify.Mail", models.PROTECT, related_name="+", verbose_name="メール")
    token_hash = CodeField("トークンのハッシュ", max_length=64, unique=True)
    ended_at = models.DateTimeField("失効日時", null=True)

    objects = LinkQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "更新のリンク"
        ordering = ["-id"]
        constraints = [
            # nobody is mailed twice in one wave
            models.UniqueConstraint("wave", "ask", name="renewal_link_once_a_wave"),
        ]

    def __str__(self) -> str:
        return f"{self.ask} {self.wave_id}"


def answer_words(value: Any) -> str:
    """更新する, 更新しない, 未回答."""
    return str(Ask.Answer(value or "").label)
