"""The history of rows, the log of what was looked at, and the chain that seals both.

Changes are written by triggers only (core/audit/triggers.py), accesses by core.audit.services, seals and
archives by the sealer's role. The application can change none of them.
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now


class Change(models.Model):
    """One row of one table, before and after one statement. The application can add none and change none."""

    class Operation(models.TextChoices):
        INSERT = "I", "登録"
        UPDATE = "U", "変更"
        DELETE = "D", "削除"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField("日時")
    transaction = models.BigIntegerField("トランザクション")
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
    address = models.TextField("接続元", blank=True, db_default="")
    database_role = models.TextField("DBロール")

    class Meta:
        verbose_name = verbose_name_plural = "変更履歴"
        ordering = ["id"]
        indexes = [
            models.Index(fields=["table", "row_id", "id"], name="audit_change_row"),
            models.Index(fields=["at", "id"], name="audit_change_at"),
            models.Index(fields=["transaction", "id"], name="audit_change_transaction"),
            models.Index(fields=["table", "at", "id"], name="audit_change_table"),
            models.Index(
                fields=["actor_id", "at", "id"],
                name="audit_change_actor",
                condition=models.Q(actor_id__isnull=False),
            ),
            models.Index(
                fields=["address", "at", "id"], name="audit_change_address", condition=~models.Q(address="")
            ),
            models.Index(
                fields=["request_id"], name="audit_change_request", condition=~models.Q(request_id="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.table} {self.row_id} {self.get_operation_display()}"


class Access(models.Model):
    """One act of looking at, taking out or printing: who saw which rows of which table, and why."""

    class What(models.TextChoices):
        VIEW = "view", "閲覧"
        BANK = "bank", "口座の全桁表示"
        EVIDENCE = "evidence", "証跡の閲覧"
        DOWNLOAD = "download", "ファイルの取得"
        EXPORT = "export", "データの出力"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField("日時", db_default=Now())
    transaction = models.BigIntegerField("トランザクション", db_default=0)
    actor_id = models.BigIntegerField("操作者ID", null=True)
    actor_name = models.TextField("操作者", blank=True)
    what = models.CharField("種類", max_length=10, choices=What)
    table = models.CharField("表", max_length=63, blank=True)
    row_ids = ArrayField(models.BigIntegerField(), verbose_name="行ID", default=list)
    label = models.TextField("対象", blank=True)
    reason = models.TextField("理由", blank=True)
    fields = ArrayField(models.TextField(), verbose_name="項目", default=list)
    row_count = models.BigIntegerField("件数", default=0)
    request_id = models.TextField("リクエストID", blank=True)
    address = models.TextField("接続元", blank=True)
    database_role = models.TextField("DBロール", db_default="")

    class Meta:
        verbose_name = verbose_name_plural = "閲覧・出力の記録"
        ordering = ["id"]
        indexes = [
            models.Index(fields=["at", "id"], name="audit_access_at"),
            models.Index(fields=["transaction", "id"], name="audit_access_transaction"),
            models.Index(fields=["actor_id", "at", "id"], name="audit_access_actor"),
            models.Index(fields=["address", "at", "id"], name="audit_access_address"),
            models.Index(fields=["request_id"], name="audit_access_request"),
            GinIndex(fields=["row_ids"], name="audit_access_rows"),
        ]

    def __str__(self) -> str:
        return f"{self.get_what_display()} {self.label}"


class Seal(models.Model):
    """One block of the chain: a stretch of finished transactions, the digest of each of its rows, and the hash.

    It covers the rows of its source whose (transaction, id) lies after `after_…` and not behind `upto_…`.
    """

    class Source(models.TextChoices):
        CHANGES = "C", "変更履歴"
        ACCESSES = "A", "閲覧・出力の記録"
        PURGE = "P", "消去"

    number = models.BigIntegerField("封印番号", primary_key=True)
    form = models.PositiveSmallIntegerField("形式")
    source = models.CharField("種類", max_length=1, choices=Source)
    after_transaction = models.BigIntegerField("開始トランザクション")
    after_id = models.BigIntegerField("開始ID")
    upto_transaction = models.BigIntegerField("終了トランザクション")
    upto_id = models.BigIntegerField("終了ID")
    count = models.BigIntegerField("件数")
    entries = models.BinaryField("行の要約")
    content = models.CharField("内容の要約", max_length=64)
    previous = models.CharField("前の封印", max_length=64, unique=True)
    hash = models.CharField("封印", max_length=64, unique=True)
    sealed_at = models.DateTimeField("封印日時")

    class Meta:
        verbose_name = verbose_name_plural = "封印"
        ordering = ["number"]
        indexes = [models.Index(fields=["source", "-number"], name="audit_seal_source")]

    def __str__(self) -> str:
        return f"封印 {self.number}"


class Archive(models.Model):
    """A month of history as a signed file."""

    month = models.CharField("月", max_length=7, primary_key=True)
    first_block = models.BigIntegerField("最初の封印")
    last_block = models.BigIntegerField("最後の封印")
    count = models.BigIntegerField("件数")
    head = models.CharField("最後の封印の値", max_length=64)
    file_name = models.CharField("ファイル", max_length=100)
    sha256 = models.CharField("SHA-256", max_length=64)
    signature = models.TextField("署名")
    created_at = models.DateTimeField("作成日時", db_default=Now())

    class Meta:
        verbose_name = verbose_name_plural = "履歴の保管ファイル"
        ordering = ["month"]

    def __str__(self) -> str:
        return self.month
