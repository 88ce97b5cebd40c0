"""How findings end: what became of one that is gone, and what a person said about one that stops no payment."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.database.fields import CodeField

from .dispatches import Dispatch, FindingQuerySet, OfDispatchQuerySet


class EndedFinding(models.Model):
    """A 保留, 対象外 or 要確認 that is no more: what it said, since when, and how it ended. Added, never changed."""

    class How(models.TextChoices):
        FIXED = "fixed", "解消"
        CORRECTED = "corrected", "訂正"
        DECLARED = "declared", "申告書"
        WAIVED = "waived", "解除"
        REVIEWED = "reviewed", "確認"
        RELEASED = "released", "事務局判断の取消"
        EXCLUDED = "excluded", "対象外の判断"
        CLOSED = "closed", "派遣の取消・支払"

    dispatch = models.ForeignKey(Dispatch, models.PROTECT, related_name="ended_findings", verbose_name="派遣")
    code = CodeField("コード", max_length=3)
    kind = models.CharField("区分", max_length=3)
    reason = models.TextField("理由")
    expected = models.TextField("期待", blank=True)
    actual = models.TextField("実際", blank=True)
    first_seen_at = models.DateTimeField("検出日時")
    ended_at = models.DateTimeField("終了日時", db_default=Now())
    how = models.CharField("終わり方", max_length=9, choices=How)
    # who waived, declared or corrected it and why, where one person's act ended it
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="終わらせた人"
    )
    note = models.TextField("終わりの理由", blank=True)

    objects = FindingQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "終わった確認事項"
        ordering = ["dispatch", "ended_at", "id"]

    def __str__(self) -> str:
        return f"{self.dispatch} {self.code} {self.get_how_display()}"


class FindingReview(models.Model):
    """A 要確認 that somebody of the office looked into: it stays away until the facts change. Added, never changed."""

    dispatch = models.ForeignKey(
        Dispatch, models.PROTECT, related_name="finding_reviews", verbose_name="派遣"
    )
    code = CodeField("コード", max_length=3)
    # what it said when it was looked into
    seen = models.TextField("確認した内容")
    reason = models.TextField("確認の結果")
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="確認者"
    )
    reviewed_at = models.DateTimeField("確認日時")

    objects = OfDispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "要確認事項の確認"
        ordering = ["dispatch", "code", "id"]
        constraints = [models.CheckConstraint(name="dispatch_review_says_why", condition=~Q(reason=""))]

    def __str__(self) -> str:
        return f"{self.dispatch} {self.code}"
