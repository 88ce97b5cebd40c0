"""The log of loads: who loaded which files when, and how it ended."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class LoadQuerySet(models.QuerySet["Load"]):
    def visible_to(self, user: Any) -> Self:
        """For those who load data: the log names bad values."""
        return self.all() if user.reach("read", "exchange.load") == "all" else self.none()


class Load(models.Model):
    """One attempt to load exchange files. Its rows are in the history (core.audit) of the same transaction."""

    class Result(models.TextChoices):
        LOADED = "loaded", "読込済"
        UNCHANGED = "unchanged", "変更なし"
        REFUSED = "refused", "エラー"

    at = models.DateTimeField("日時", db_default=Now())
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="操作者",
    )
    actor_name = models.CharField("操作者名", max_length=310)
    source = models.CharField("読込元", max_length=500)
    result = models.CharField("結果", max_length=10, choices=Result)
    # file name → read, created, updated, unchanged, rejected
    files = models.JSONField("ファイル", default=dict)
    # the first of them only; the whole list is the errors file
    errors = models.JSONField("エラー", default=list)
    error_count = models.PositiveIntegerField("エラー件数", default=0)

    objects = LoadQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "読込の記録"
        ordering = ["-id"]
        indexes = [models.Index(fields=["at"], name="exchange_load_at")]

    def __str__(self) -> str:
        return f"{self.source} {self.get_result_display()}"
