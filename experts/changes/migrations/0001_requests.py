"""Requests to change what is registered about an expert."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import core.database.fields
from core.audit.triggers import record_history
from core.database.guards import forbid_truncate


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("experts", "0009_registration_end"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ChangeRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "uuid",
                    models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="番号"),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("account", "振込口座"),
                            ("contact", "氏名・住所・連絡先・活動拠点"),
                            ("expertise", "専門分野・得意業種・保有資格"),
                            ("payee", "源泉区分・インボイス登録番号"),
                        ],
                        max_length=9,
                        verbose_name="変更の種類",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "確認待ち"),
                            ("returned", "差戻し"),
                            ("checked", "反映待ち"),
                            ("made", "反映済"),
                            ("refused", "反映しない"),
                            ("withdrawn", "取下げ"),
                        ],
                        default="asked",
                        max_length=9,
                        verbose_name="状態",
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("page", "専門家の画面"),
                            ("letter", "書面（郵送・持参・FAX）"),
                            ("mail", "メール"),
                        ],
                        default="page",
                        max_length=6,
                        verbose_name="受付の経路",
                    ),
                ),
                ("source_note", models.CharField(blank=True, max_length=300, verbose_name="受付の経緯")),
                ("reason", models.CharField(max_length=300, verbose_name="変更の理由")),
                (
                    "before",
                    core.database.fields.EncryptedTextField(db_collation="C", verbose_name="申請時の内容"),
                ),
                (
                    "wanted",
                    core.database.fields.EncryptedTextField(db_collation="C", verbose_name="変更後の内容"),
                ),
                (
                    "key",
                    core.database.fields.CodeField(
                        db_collation="C", max_length=64, unique=True, verbose_name="送信キー"
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, verbose_name="版")),
                (
                    "asked_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="申請日時"
                    ),
                ),
                ("checked_at", models.DateTimeField(null=True, verbose_name="確認日時")),
                (
                    "check_note",
                    models.CharField(blank=True, max_length=300, verbose_name="確認した資料と内容"),
                ),
                ("made_at", models.DateTimeField(null=True, verbose_name="反映日時")),
                ("answer", models.CharField(blank=True, max_length=300, verbose_name="事務局からの連絡")),
                ("answered_at", models.DateTimeField(null=True, verbose_name="連絡日時")),
                (
                    "answered_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="連絡した人",
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="申請した人",
                    ),
                ),
                (
                    "checked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="確認した人",
                    ),
                ),
                (
                    "expert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="change_requests",
                        to="experts.expert",
                        verbose_name="専門家",
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="反映した人",
                    ),
                ),
            ],
            options={
                "verbose_name": "登録内容の変更申請",
                "verbose_name_plural": "登録内容の変更申請",
                "ordering": ["-asked_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["asked", "returned", "checked"])),
                        fields=["asked_at"],
                        name="expert_changes_open",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["asked", "returned", "checked"])),
                        fields=("expert", "kind"),
                        name="expert_changes_one_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["account", "contact", "expertise", "payee"])),
                        name="expert_changes_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["asked", "returned", "checked", "made", "refused", "withdrawn"])
                        ),
                        name="expert_changes_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("made_at", None), ("made_by", None)),
                            models.Q(
                                ("checked_by__isnull", False),
                                models.Q(("made_by", models.F("checked_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="expert_changes_two_persons",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("state", "made"), ("made_at__isnull", False), ("made_by__isnull", False)
                            ),
                            models.Q(
                                models.Q(("state", "made"), _negated=True),
                                ("made_at", None),
                                ("made_by", None),
                            ),
                            _connector="OR",
                        ),
                        name="expert_changes_made_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "checked"), _negated=True),
                            models.Q(("checked_at__isnull", False), ("checked_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="expert_changes_checked_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("source", "page"),
                            models.Q(
                                ("source__in", ["letter", "mail"]),
                                models.Q(("source_note", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="expert_changes_told_from_where",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("before__regex", "^gAAAA[A-Za-z0-9_=-]+[.][A-Za-z0-9_-]{22}$"),
                            ("wanted__regex", "^gAAAA[A-Za-z0-9_=-]+[.][A-Za-z0-9_-]{22}$"),
                        ),
                        name="expert_changes_changerequest_sealed",
                    ),
                ],
            },
        ),
        record_history("expert_changes_changerequest"),
        forbid_truncate("expert_changes_changerequest"),
    ]
