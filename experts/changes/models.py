"""Requests to change what is registered about an expert (A7): asked, checked by one person, made by another."""

import json
import uuid
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.rights import Reach, reach
from core.database.fields import CodeField, EncryptedTextField, sealed_only
from experts.models import Expert

if TYPE_CHECKING:
    from accounts.models import User


class ChangeRequestQuerySet(models.QuerySet["ChangeRequest"]):
    def visible_to(self, user: "User") -> Self:
        """All for the office, one's own for an expert."""
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN:
                return self.filter(expert__user=user)
        return self.none()

    def open(self) -> Self:
        """Those that somebody still has to do something about."""
        return self.filter(state__in=OPEN)


class ChangeRequest(models.Model):
    """One request for one group of fields. Values lie sealed: there are accounts and addresses among them."""

    class Kind(models.TextChoices):
        ACCOUNT = "account", "振込口座"
        CONTACT = "contact", "氏名・住所・連絡先・活動拠点"
        EXPERTISE = "expertise", "専門分野・得意業種・保有資格"
        PAYEE = "payee", "源泉区分・インボイス登録番号"

    class State(models.TextChoices):
        ASKED = "asked", "確認待ち"
        RETURNED = "returned", "差戻し"
        CHECKED = "checked", "反映待ち"
        MADE = "made", "反映済"
        REFUSED = "refused", "反映しない"
        WITHDRAWN = "withdrawn", "取下げ"

    class Source(models.TextChoices):
        PAGE = "page", "専門家の画面"
        LETTER = "letter", "書面（郵送・持参・FAX）"
        MAIL = "mail", "メール"

    uuid = models.UUIDField("番号", default=uuid.uuid4, unique=True, editable=False)
    expert = models.ForeignKey(Expert, models.PROTECT, related_name="change_requests", verbose_name="専門家")
    kind = models.CharField("変更の種類", max_length=9, choices=Kind)
    state = models.CharField("状態", max_length=9, choices=State, default=State.ASKED)
    source = models.CharField("受付の経路", max_length=6, choices=Source, default=Source.PAGE)
    # what came on paper or by mail, from whom and when, where the office enters it
    source_note = models.CharField("受付の経緯", max_length=300, blank=True)
    reason = models.CharField("変更の理由", max_length=300)
    # fields of Expert as JSON: as they were when it was asked, and as they shall be
    before = EncryptedTextField("申請時の内容")
    wanted = EncryptedTextField("変更後の内容")
    # the form's key: pressed twice, it is one request
    key = CodeField("送信キー", unique=True)
    # grows with each act, so that a page knows whether it is the newest
    version = models.PositiveIntegerField("版", default=1)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="申請した人"
    )
    asked_at = models.DateTimeField("申請日時", db_default=Now())
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="確認した人"
    )
    checked_at = models.DateTimeField("確認日時", null=True)
    check_note = models.CharField("確認した資料と内容", max_length=300, blank=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="反映した人"
    )
    made_at = models.DateTimeField("反映日時", null=True)
    # why it was returned, refused or withdrawn
    answer = models.CharField("事務局からの連絡", max_length=300, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="連絡した人"
    )
    answered_at = models.DateTimeField("連絡日時", null=True)

    objects = ChangeRequestQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "登録内容の変更申請"
        ordering = ["-asked_at", "-id"]
        indexes = [
            models.Index(
                fields=["asked_at"],
                name="expert_changes_open",
                condition=Q(state__in=["asked", "returned", "checked"]),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["expert", "kind"],
                name="expert_changes_one_open",
                condition=Q(state__in=["asked", "returned", "checked"]),
            ),
            models.CheckConstraint(
                name="expert_changes_kind_known",
                condition=Q(kind__in=["account", "contact", "expertise", "payee"]),
            ),
            models.CheckConstraint(
                name="expert_changes_state_known",
                condition=Q(state__in=["asked", "returned", "checked", "made", "refused", "withdrawn"]),
            ),
            # who checked may never be the one who makes it; no request is made that nobody checked
            models.CheckConstraint(
                name="expert_changes_two_persons",
                condition=Q(made_by=None, made_at=None)
                | (Q(checked_by__isnull=False) & ~Q(made_by=F("checked_by"))),
            ),
            models.CheckConstraint(
                name="expert_changes_made_by_somebody",
                condition=(Q(state="made") & Q(made_by__isnull=False, made_at__isnull=False))
                | (~Q(state="made") & Q(made_by=None, made_at=None)),
            ),
            models.CheckConstraint(
                name="expert_changes_checked_by_somebody",
                condition=~Q(state="checked") | Q(checked_by__isnull=False, checked_at__isnull=False),
            ),
            models.CheckConstraint(
                name="expert_changes_told_from_where",
                condition=Q(source="page") | (Q(source__in=["letter", "mail"]) & ~Q(source_note="")),
            ),
            sealed_only("expert_changes_changerequest", "before", "wanted"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.expert}"

    @property
    def number(self) -> str:
        """What people call it: 変更-000012."""
        return f"変更-{self.pk:06}"

    @property
    def old_values(self) -> dict[str, Any]:
        """The fields as they were when it was asked."""
        return dict(json.loads(self.before))

    @property
    def new_values(self) -> dict[str, Any]:
        """The fields as they shall be."""
        return dict(json.loads(self.wanted))

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something."""
        return self.state in OPEN


OPEN = (ChangeRequest.State.ASKED, ChangeRequest.State.RETURNED, ChangeRequest.State.CHECKED)
