"""Long work as rows one can watch. Celery only wakes them; the row is the truth (design.md §6)."""

from typing import Any, Self

from django.conf import settings
from django.db import models


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: Any) -> Self:
        """All for those who work on what jobs do; for others what they asked for.

        Whoever may manage jobs also sees those that nobody asked for: timers work for the whole office.
        """
        reach = user.reach("read", "jobs.job")
        if reach == "all":
            return self.all()
        if reach != "own":
            return self.none()
        own = models.Q(created_by=user)
        if user.may("manage_jobs").allowed:
            own |= models.Q(created_by__isnull=True)
        return self.filter(own)


class Job(models.Model):
    """One piece of background work: what, for whom, how far, how it ended."""

    class Status(models.TextChoices):
        QUEUED = "queued", "待機中"
        RUNNING = "running", "実行中"
        DONE = "done", "完了"
        FAILED = "failed", "失敗"
        CANCELLED = "cancelled", "取消"

    kind = models.CharField("種類", max_length=50)
    title = models.CharField("内容", max_length=200)
    arguments = models.JSONField("引数", default=dict)
    status = models.CharField("状態", max_length=10, choices=Status, default=Status.QUEUED)
    done = models.PositiveIntegerField("処理済み", default=0)
    total = models.PositiveIntegerField("全体", default=0)
    message = models.TextField("経過", blank=True)
    error = models.TextField("エラー", blank=True)
    result = models.JSONField("結果", default=dict)
    attempts = models.PositiveSmallIntegerField("実行回数", default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="依頼者",
    )
    created_at = models.DateTimeField("登録日時", auto_now_add=True)
    started_at = models.DateTimeField("開始日時", null=True)
    beat_at = models.DateTimeField("最終応答", null=True)
    ended_at = models.DateTimeField("終了日時", null=True)
    cancel_asked_at = models.DateTimeField("中止の依頼", null=True)
    cancel_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="中止した人",
    )

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "ジョブ"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["status", "created_at"], name="jobs_job_status"),
            # the latest of a kind, which many pages name
            models.Index(fields=["kind", "-id"], name="jobs_job_kind"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        """Whether it still waits or runs."""
        return self.status in (self.Status.QUEUED, self.Status.RUNNING)

    @property
    def percent(self) -> int:
        """How far it is, 0–100."""
        return min(100, self.done * 100 // self.total) if self.total else 0
