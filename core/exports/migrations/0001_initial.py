import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from core.audit.triggers import record_history
from core.database.guards import forbid_truncate


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("audit", "0002_triggers"),
        ("jobs", "0002_cancelling"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Export",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("register", "台帳"), ("run", "月次支払のファイル")],
                        default="register",
                        max_length=10,
                        verbose_name="種類",
                    ),
                ),
                ("source", models.CharField(max_length=64, verbose_name="対象")),
                ("title", models.CharField(max_length=200, verbose_name="内容")),
                ("purpose", models.TextField(verbose_name="目的")),
                ("with_accounts", models.BooleanField(default=False, verbose_name="口座番号の全桁を含む")),
                (
                    "row_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        blank=True,
                        null=True,
                        size=None,
                        verbose_name="行ID",
                    ),
                ),
                (
                    "columns",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), default=list, size=None, verbose_name="項目"
                    ),
                ),
                ("row_count", models.BigIntegerField(default=0, verbose_name="件数")),
                ("file_name", models.CharField(max_length=100, verbose_name="ファイル名")),
                ("stored_name", models.CharField(blank=True, max_length=64, verbose_name="保管名")),
                ("sha256", models.CharField(blank=True, max_length=64, verbose_name="SHA-256")),
                (
                    "status",
                    models.CharField(
                        choices=[("waiting", "準備中"), ("ready", "受取可"), ("expired", "期限切れ")],
                        default="waiting",
                        max_length=10,
                        verbose_name="状態",
                    ),
                ),
                (
                    "requested_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="依頼日時"
                    ),
                ),
                ("address", models.TextField(blank=True, verbose_name="接続元")),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="保管期限")),
                (
                    "job",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="jobs.job",
                        verbose_name="ジョブ",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="依頼者",
                    ),
                ),
            ],
            options={
                "verbose_name": "書き出し",
                "verbose_name_plural": "書き出し",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["requested_by", "-id"], name="exports_export_own"),
                    models.Index(
                        condition=models.Q(("status", "ready")),
                        fields=["expires_at"],
                        name="exports_export_due",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("purpose", ""), _negated=True), name="exports_export_has_purpose"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "ready"), _negated=True),
                            ("expires_at__isnull", False),
                            _connector="OR",
                        ),
                        name="exports_export_ready_expires",
                    ),
                ],
            },
        ),
        # the ids are in the log of accesses, which nobody changes
        record_history("exports_export", without=("row_ids",)),
        forbid_truncate("exports_export"),
    ]
