"""委嘱: one round a fiscal year, one appointment per expert and year, its letter and its acceptance."""

import datetime as dt
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.rights import Reach, reach
from core.database.fields import CodeField
from core.japan.calendar import fiscal_year_end
from experts.models import Expert

if TYPE_CHECKING:
    from accounts.models import User


class RoundQuerySet(models.QuerySet["Round"]):
    def visible_to(self, user: "User") -> Self:
        """All for the office; others see their own appointment, not the round."""
        return self.all() if reach(user, "read", self.model) is Reach.ALL else self.none()


class SendingQuerySet(models.QuerySet["Sending"]):
    def visible_to(self, user: "User") -> Self:
        """Everything for the office, nothing for others."""
        return self.all() if reach(user, "read", self.model) is Reach.ALL else self.none()


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def visible_to(self, user: "User") -> Self:
        """Everybody's for the office, one's own for an expert."""
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN:
                return self.filter(expert__user=user)
        return self.none()


class LetterQuerySet(models.QuerySet["Letter"]):
    def visible_to(self, user: "User") -> Self:
        """Everybody's for the office, one's own for an expert."""
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN:
                return self.filter(appointment__expert__user=user)
        return self.none()


class AcceptanceQuerySet(models.QuerySet["Acceptance"]):
    def visible_to(self, user: "User") -> Self:
        """Everybody's for the office, one's own for an expert."""
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN:
                return self.filter(appointment__expert__user=user)
        return self.none()


class Round(models.Model):
    """The appointments of one fiscal year. It begins with the first expert offered one, or when the office opens it."""

    fiscal_year = models.PositiveSmallIntegerField("年度", unique=True)
    first_day = models.DateField("委嘱期間の初日")
    # what the office asks the experts to keep; none for a round that isn't opened for all
    answer_by = models.DateField("回答期限", null=True, blank=True)
    message = models.TextField("案内の文", blank=True)
    # who appoints, as the letters name it
    issuer_name = models.CharField("委嘱する機関の名称", max_length=100, blank=True)
    issuer_title = models.CharField("代表者の職・氏名", max_length=100, blank=True)
    last_number = models.PositiveIntegerField("最後の委嘱状番号", default=0)
    # the latest job that issues letters
    job = models.ForeignKey(
        "jobs.Job", models.PROTECT, null=True, blank=True, related_name="+", verbose_name="ジョブ"
    )
    # grows with each act of the office, so that a page knows whether it is the newest
    version = models.PositiveIntegerField("版", default=1)
    created_at = models.DateTimeField("登録日時", db_default=Now())
    opened_at = models.DateTimeField("開始日時", null=True, blank=True)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="開始した人",
    )

    objects = RoundQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "委嘱"
        ordering = ["-fiscal_year"]

    def __str__(self) -> str:
        return f"{self.fiscal_year}年度の委嘱"

    @property
    def last_day(self) -> dt.date:
        """The last day of every appointment: 31 March."""
        return fiscal_year_end(self.fiscal_year)


class Sending(models.Model):
    """One sending of mails to many: the conditions, or a reminder to those something waits for."""

    round = models.ForeignKey(Round, models.PROTECT, related_name="sendings", verbose_name="委嘱")
    # 0 is the conditions
    number = models.PositiveSmallIntegerField("回")
    # the form's key: pressed twice, it is one sending
    key = CodeField("送信キー", max_length=64, unique=True)
    job = models.ForeignKey(
        "jobs.Job", models.PROTECT, null=True, blank=True, related_name="+", verbose_name="ジョブ"
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="依頼した人"
    )
    asked_at = models.DateTimeField("依頼日時")
    done_at = models.DateTimeField("登録完了日時", null=True, blank=True)
    mail_count = models.PositiveIntegerField("メール数", default=0)
    no_address_count = models.PositiveIntegerField("宛先なし", default=0)

    objects = SendingQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "委嘱のメールの送信"
        ordering = ["round", "number"]
        constraints = [
            models.UniqueConstraint("round", "number", name="appointment_sending_number"),
            models.UniqueConstraint(
                "round", name="appointment_sending_one_open", condition=models.Q(done_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.round} {self.title}"

    @property
    def title(self) -> str:
        """What people call it."""
        return f"督促（{self.number}回目）" if self.number else "委嘱条件の案内"


class Appointment(models.Model):
    """One expert's appointment for one fiscal year: offered, agreed to, written, accepted; or declined."""

    class State(models.TextChoices):
        OFFERED = "offered", "回答待ち"
        AGREED = "agreed", "同意"
        DECLINED = "declined", "辞退"
        ISSUED = "issued", "承諾待ち"
        ACCEPTED = "accepted", "承諾済"

    round = models.ForeignKey(Round, models.PROTECT, related_name="appointments", verbose_name="委嘱")
    expert = models.ForeignKey(Expert, models.PROTECT, related_name="appointments", verbose_name="専門家")
    state = models.CharField("状態", max_length=10, choices=State, default=State.OFFERED)
    first_day = models.DateField("委嘱期間の初日")
    offered_at = models.DateTimeField("案内日時")
    # the yes to the conditions, with their version
    agreement = models.ForeignKey(
        "agreements.Agreement", models.PROTECT, null=True, related_name="+", verbose_name="同意の記録"
    )
    answered_at = models.DateTimeField("回答日時", null=True)
    decline_reason = models.CharField("辞退の理由", max_length=500, blank=True)
    # why no letter could be written though the expert agreed; empty: nothing stands against it
    problem = models.CharField("発行できない理由", max_length=200, blank=True)
    # grows with each answer, so that a page knows whether it is the newest
    version = models.PositiveIntegerField("版", default=1)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "専門家の委嘱"
        ordering = ["round", "expert"]
        constraints = [
            models.UniqueConstraint("round", "expert", name="appointment_once_a_year"),
            models.CheckConstraint(
                name="appointment_state_known",
                condition=Q(state__in=["offered", "agreed", "declined", "issued", "accepted"]),
            ),
            # nobody is appointed who has not agreed
            models.CheckConstraint(
                name="appointment_agreed_before_letter",
                condition=~Q(state__in=["agreed", "issued", "accepted"]) | Q(agreement__isnull=False),
            ),
            models.CheckConstraint(
                name="appointment_declined_with_reason",
                condition=~Q(state="declined") | ~Q(decline_reason=""),
            ),
        ]
        indexes = [models.Index(fields=["round", "state"], name="appointment_round_state")]

    def __str__(self) -> str:
        return f"{self.round} {self.expert}"

    @property
    def last_day(self) -> dt.date:
        """The last day of the appointment."""
        return self.round.last_day


class Letter(models.Model):
    """An issued 委嘱状: everything its page says. The page is drawn from this row alone, always to the same bytes."""

    appointment = models.OneToOneField(
        Appointment, models.PROTECT, related_name="letter", verbose_name="専門家の委嘱"
    )
    fiscal_year = models.PositiveSmallIntegerField("年度")
    number = models.PositiveIntegerField("番号")
    # which way of drawing: an old letter keeps its look
    layout = models.PositiveSmallIntegerField("様式の版")
    name = models.CharField("氏名", max_length=200)
    first_day = models.DateField("委嘱期間の初日")
    last_day = models.DateField("委嘱期間の末日")
    issued_on = models.DateField("発行日")
    issuer_name = models.CharField("委嘱する機関の名称", max_length=100)
    issuer_title = models.CharField("代表者の職・氏名", max_length=100)
    terms_title = models.CharField("条件の表題", max_length=100)
    terms_version = CodeField("条件の版", max_length=20)
    sha256 = models.CharField("SHA-256", max_length=64)
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="発行した人"
    )
    issued_at = models.DateTimeField("発行日時")

    objects = LetterQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "委嘱状"
        ordering = ["fiscal_year", "number"]
        constraints = [
            models.UniqueConstraint("fiscal_year", "number", name="appointment_letter_number"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """第2026-00001号, as the page says it."""
        return f"第{self.fiscal_year}-{self.number:05d}号"


class Acceptance(models.Model):
    """A 就任承諾書: the expert's yes to the letter, with its moment and the version of its words."""

    appointment = models.OneToOneField(
        Appointment, models.PROTECT, related_name="acceptance", verbose_name="専門家の委嘱"
    )
    letter = models.OneToOneField(Letter, models.PROTECT, related_name="+", verbose_name="委嘱状")
    # which words and way of drawing
    layout = models.PositiveSmallIntegerField("様式の版")
    name = models.CharField("氏名", max_length=200)
    accepted_at = models.DateTimeField("承諾日時")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="利用者"
    )
    address = models.GenericIPAddressField("接続元", null=True)
    user_agent = models.CharField("ブラウザ", max_length=200, blank=True)
    sha256 = models.CharField("SHA-256", max_length=64)

    objects = AcceptanceQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "就任承諾書"
        ordering = ["-accepted_at"]

    def __str__(self) -> str:
        return f"就任承諾書 {self.letter_id}"
