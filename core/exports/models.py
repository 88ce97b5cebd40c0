"""What was taken out of the system: by whom, for what purpose, which columns, how many rows, until when it is kept."""

from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from core import clock


class ExportQuerySet(models.QuerySet["Export"]):
    def visible_to(self, user: Any) -> Self:
        """Administrators see that there are exports, whoever asked for them; everybody else sees their own."""
        reach = user.reach("read", "exports.export")
        if reach == "all":
            return self.all()
        return self.filter(requested_by=user) if reach == "own" else self.none()


class Export(models.Model):
    """One request to take personal data out. The file is encrypted, for the requester alone, and expires."""

    class Kind(models.TextChoices):
        REGISTER = "register", "台帳"
        RUN = "run", "月次支払のファイル"

    class Status(models.TextChoices):
        WAITING = "waiting", "準備中"
        READY = "ready", "受取可"
        EXPIRED = "expired", "期限切れ"

    kind = models.CharField("種類", max_length=10, choices=Kind, default=Kind.REGISTER)
    # the register's file (experts, …) or the name of the run
    source = models.CharField("対象", max_length=64)
    title = models.CharField("内容", max_length=200)
    purpose = models.TextField("目的")
    with_accounts = models.BooleanField("口座番号の全桁を含む", default=False)
    # null: every row there is
    row_ids = ArrayField(models.BigIntegerField(), verbose_name="行ID", null=True, blank=True)
    columns = ArrayField(models.TextField(), verbose_name="項目", default=list)
    row_count = models.BigIntegerField("件数", default=0)
    file_name = models.CharField("ファイル名", max_length=100)
    stored_name = models.CharField("保管名", max_length=64, blank=True)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    status = models.CharField("状態", max_length=10, choices=Status, default=Status.WAITING)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="依頼者"
    )
    requested_at = models.DateTimeField("依頼日時", db_default=Now())
    address = models.TextField("接続元", blank=True)
    expires_at = models.DateTimeField("保管期限", null=True, blank=True)
    job = models.ForeignKey(
        "jobs.Job", models.PROTECT, null=True, blank=True, related_name="+", verbose_name="ジョブ"
    )

    objects = ExportQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "書き出し"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["requested_by", "-id"], name="exports_export_own"),
            models.Index(
                fields=["expires_at"], name="exports_export_due", condition=models.Q(status="ready")
            ),
        ]
        constraints = [
            models.CheckConstraint(name="exports_export_has_purpose", condition=~models.Q(purpose="")),
            models.CheckConstraint(
                name="exports_export_ready_expires",
                condition=~models.Q(status="ready") | models.Q(expires_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} {self.get_status_display()}"

    @property
    def is_available(self) -> bool:
        """Whether the requester can still take it."""
        return (
            self.status == self.Status.READY and self.expires_at is not None and clock.now() < self.expires_at
        )
