"""The history of rows: written by triggers only (see core/audit/triggers.py), read by everybody who may."""

from django.db import models


class Change(models.Model):
    """One row of one table, before and after one statement. The application can add none and change none."""

    class Operation(models.TextChoices):
        INSERT = "I", "登録"
        UPDATE = "U", "変更"
        DELETE = "D", "削除"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField("日時")
    transaction = models.BigIntegerField("トランザクション", db_index=True)
    table = models.CharField("表", max_length=63)
    row_id = models.BigIntegerField("行ID")
    operation = models.CharField("操作", max_length=1, choices=Operation)
    old = models.JSONField("変更前", null=True)
    new = models.JSONField("変更後", null=True)
    actor_id = models.BigIntegerField("操作者ID", null=True)
    actor_name = models.TextField("操作者", blank=True)
    action = models.TextField("操作名", blank=True)
    reason = models.TextField("理由", blank=True)
    request_id = models.TextField("リクエストID", blank=True)
    database_role = models.TextField("DBロール")

    class Meta:
        verbose_name = verbose_name_plural = "変更履歴"
        ordering = ["id"]
        indexes = [
            models.Index(fields=["table", "row_id", "id"], name="audit_change_row"),
            models.Index(fields=["at"], name="audit_change_at"),
        ]

    def __str__(self) -> str:
        return f"{self.table} {self.row_id} {self.get_operation_display()}"
