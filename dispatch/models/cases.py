"""支援案件: what an institution wants to solve for a client, its log, and forms not sent yet."""

from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.rights import Reach, reach
from core.database.fields import CodeField
from institutions.models import Institution, Member

from .dispatches import Company

if TYPE_CHECKING:
    from accounts.models import User


class CaseQuerySet(models.QuerySet["Case"]):
    def visible_to(self, user: "User") -> Self:
        """Everything for those of the office who work on dispatches; its own for an institution's people."""
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN:
                own = Member.objects.filter(user=user).values("institution")
                return self.filter(institution__in=own)
        return self.none()


class Case(models.Model):
    """支援案件: a client's problem as the institution sorted it out; dispatches are applied for within it."""

    class State(models.TextChoices):
        OPEN = "open", "対応中"
        CLOSED = "closed", "終了"

    code = CodeField("案件番号", unique=True)
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="cases", verbose_name="機関")
    company = models.ForeignKey(Company, models.PROTECT, related_name="cases", verbose_name="支援先")
    topic = models.CharField("経営課題", max_length=100)
    problem = models.TextField("課題の整理")
    why_not_alone = models.TextField("機関だけで解決できない理由")
    state = models.CharField("状態", max_length=6, choices=State, default=State.OPEN)
    consent_by = models.CharField("同意した人", max_length=200, blank=True)
    consent_at = models.DateTimeField("同意日時", null=True, blank=True)
    consent_version = models.CharField("同意文の版", max_length=40, blank=True)
    close_reason = models.TextField("終了理由", blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="登録者"
    )
    created_at = models.DateTimeField("登録日時", auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField("更新日時", auto_now=True, db_default=Now())

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "支援案件"
        ordering = ["-code"]
        indexes = [models.Index(fields=["institution", "state", "-id"], name="dispatch_case_of_institution")]
        constraints = [
            models.CheckConstraint(
                name="dispatch_case_consent_whole",
                condition=models.Q(consent_at=None, consent_by="", consent_version="")
                | (
                    models.Q(consent_at__isnull=False)
                    & ~models.Q(consent_by="")
                    & ~models.Q(consent_version="")
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.code


class OfCaseQuerySet(models.QuerySet[Any]):
    """Rows that belong to a case and are seen with it."""

    def visible_to(self, user: "User") -> Self:
        """Everything for those of the office who work on dispatches; those of own cases for an institution."""
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN:
                return self.filter(case__in=Case.objects.visible_to(user))
        return self.none()


class ConsultationNote(models.Model):
    """One entry of a case's consultation log (相談カルテ). Added, never changed."""

    class Channel(models.TextChoices):
        VISITED_US = "来所", "来所"
        WE_VISITED = "訪問", "訪問"
        PHONE = "電話", "電話"
        ONLINE = "オンライン", "オンライン"
        MAIL = "メール", "メール"
        OTHER = "その他", "その他"

    case = models.ForeignKey(Case, models.PROTECT, related_name="notes", verbose_name="支援案件")
    held_on = models.DateField("相談日")
    channel = models.CharField("方法", max_length=6, choices=Channel)
    attendees = models.CharField("出席者", max_length=200, blank=True)
    text = models.TextField("内容")
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="記入者"
    )
    created_at = models.DateTimeField("記入日時", auto_now_add=True, db_default=Now())

    objects = OfCaseQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "相談記録"
        ordering = ["case", "held_on", "id"]

    def __str__(self) -> str:
        return f"{self.case} {self.held_on}"


class DraftQuerySet(models.QuerySet["Draft"]):
    def visible_to(self, user: "User") -> Self:
        """One's own, nobody else's."""
        return self.filter(person=user) if reach(user, "read", self.model) is Reach.OWN else self.none()


class Draft(models.Model):
    """What a person has typed into a form and not sent yet; goes when it is sent."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="入力者"
    )
    form = models.CharField("様式", max_length=40)
    object = CodeField("対象", max_length=150, blank=True)
    values = models.JSONField("入力内容")
    saved_at = models.DateTimeField("保存日時", auto_now=True, db_default=Now())

    objects = DraftQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "入力途中の内容"
        ordering = ["-saved_at"]
        constraints = [
            models.UniqueConstraint(fields=["person", "form", "object"], name="dispatch_draft_unique")
        ]

    def __str__(self) -> str:
        return f"{self.form} {self.object}"
