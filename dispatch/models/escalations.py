"""中小企業庁への報告: what the office told the agency about a dispatch, and what the agency answered (C11, C15)."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from .dispatches import Dispatch, OfDispatchQuerySet


class Escalation(models.Model):
    """A doubt about a dispatch that the agency was told of; ends with what the agency answered."""

    class Kind(models.TextChoices):
        ACCOMPANIMENT = "accompaniment", "同行しない理由の疑義"
        FALSEHOOD = "falsehood", "虚偽・不正の疑い"
        OTHER = "other", "その他"

    dispatch = models.ForeignKey(Dispatch, models.PROTECT, related_name="escalations", verbose_name="派遣")
    kind = models.CharField("種類", max_length=13, choices=Kind)
    text = models.TextField("報告の内容")
    reported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="報告者"
    )
    reported_at = models.DateTimeField("報告日時")
    answer = models.TextField("中小企業庁の回答", blank=True)
    answered_on = models.DateField("回答日", null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="回答を記録した人",
    )
    closed_at = models.DateTimeField("記録日時", null=True, blank=True)

    objects = OfDispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "中小企業庁への報告"
        ordering = ["-reported_at", "-id"]
        indexes = [
            models.Index(fields=["reported_at"], name="dispatch_escalation_open", condition=Q(closed_at=None))
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["dispatch", "kind"],
                name="dispatch_escalation_one_open",
                condition=Q(closed_at=None),
            ),
            models.CheckConstraint(name="dispatch_escalation_says_what", condition=~Q(text="")),
            models.CheckConstraint(
                name="dispatch_escalation_kind_known",
                condition=Q(kind__in=["accompaniment", "falsehood", "other"]),
            ),
            models.CheckConstraint(
                name="dispatch_escalation_closed_whole",
                condition=Q(closed_at=None, closed_by=None, answered_on=None, answer="")
                | (
                    Q(closed_at__isnull=False, closed_by__isnull=False, answered_on__isnull=False)
                    & ~Q(answer="")
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dispatch} {self.get_kind_display()}"
