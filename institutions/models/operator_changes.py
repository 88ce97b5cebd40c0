"""A よろず gets another operator: notice, the old IDs' end, the form, its check, the opening (B3)."""

import json
import uuid
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.rights import Reach, reach
from core import clock
from core.database.fields import CodeField, EncryptedTextField, sealed_only

from .bodies import Institution

if TYPE_CHECKING:
    from accounts.models import User

YOROZU = "よろず支援拠点"


class OfOfficeQuerySet(models.QuerySet[Any]):
    """Rows of the office alone."""

    def visible_to(self, user: "User") -> Self:
        """Everything for the office, nothing for others."""
        return self.all() if reach(user, "read", self.model) is Reach.ALL else self.none()


class OperatorChange(models.Model):
    """One change of the operator of one base. Former and successor stay linked by it: the history of the base."""

    class State(models.TextChoices):
        NOTIFIED = "notified", "フォーム送付待ち"
        FILLING = "filling", "新実施機関の回答待ち"
        CHECKING = "checking", "事務局の確認待ち"
        RETURNED = "returned", "新実施機関の修正待ち"
        READY = "ready", "開設待ち"
        OPENED = "opened", "完了"
        WITHDRAWN = "withdrawn", "中止"

    uuid = models.UUIDField("番号（URL）", default=uuid.uuid4, unique=True, editable=False)
    number = CodeField("変更番号", max_length=20, unique=True)
    # made by the form, so that pressing twice begins once
    key = CodeField("送信キー", max_length=64, unique=True)
    former = models.ForeignKey(
        Institution, models.PROTECT, related_name="operator_changes", verbose_name="旧実施機関"
    )
    # what `former.valid_until` was before, for a change that is called off
    former_valid_until = models.DateField("変更前の有効期限", null=True, blank=True)
    last_day = models.DateField("旧実施機関の最終日")
    message = models.TextField("旧実施機関への連絡事項", blank=True)
    form_name = models.CharField("フォームの宛先（機関名）", max_length=200)
    form_person = models.CharField("フォームの宛先（担当者）", max_length=150)
    form_email = models.CharField("フォームの宛先（メールアドレス）", max_length=254)
    state = models.CharField("状態", max_length=10, choices=State, default=State.NOTIFIED)
    # SHA-256 of the link's token, which is known when it is made and never again; empty: there is no link
    token_hash = CodeField("リンクのハッシュ", max_length=64, blank=True)
    expires_at = models.DateTimeField("リンクの期限", null=True, blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="始めた人"
    )
    started_at = models.DateTimeField("予告日時")
    form_sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    form_sent_at = models.DateTimeField("フォームの送付日時", null=True, blank=True)
    # by nobody: the day had come
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    stopped_at = models.DateTimeField("旧IDの停止日時", null=True, blank=True)
    stopped_count = models.PositiveIntegerField("停止した利用者数", default=0)
    answered_at = models.DateTimeField("回答日時", null=True, blank=True)
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    checked_at = models.DateTimeField("確認日時", null=True, blank=True)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    opened_at = models.DateTimeField("開設日時", null=True, blank=True)
    successor = models.OneToOneField(
        Institution,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="operator_change_before",
        verbose_name="新実施機関",
    )
    closed_reason = models.TextField("中止の理由", blank=True)
    # grows with each act, so that a page knows whether it is the newest
    version = models.PositiveIntegerField("版", default=1)

    objects = OfOfficeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "よろず支援拠点の実施機関の変更"
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="institutions_operatorchange_state_known",
                condition=Q(
                    state__in=[
                        "notified",
                        "filling",
                        "checking",
                        "returned",
                        "ready",
                        "opened",
                        "withdrawn",
                    ]
                ),
            ),
            # one change at a time, and an operator ends once
            models.UniqueConstraint(
                fields=["former"],
                name="institutions_operatorchange_once",
                condition=~Q(state="withdrawn"),
            ),
            models.UniqueConstraint(
                fields=["token_hash"],
                name="institutions_operatorchange_token",
                condition=~Q(token_hash=""),
            ),
            # nobody takes over before the old IDs have ended
            models.CheckConstraint(
                name="institutions_operatorchange_opened_whole",
                condition=Q(
                    state="opened",
                    successor__isnull=False,
                    opened_at__isnull=False,
                    opened_by__isnull=False,
                    checked_at__isnull=False,
                    stopped_at__isnull=False,
                    token_hash="",
                )
                | (~Q(state="opened") & Q(successor=None, opened_at=None, opened_by=None)),
            ),
            models.CheckConstraint(
                name="institutions_operatorchange_withdrawn_why",
                condition=~Q(state="withdrawn") | (~Q(closed_reason="") & Q(token_hash="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.former.name}"

    @property
    def is_open(self) -> bool:
        """Whether anything is still to be done."""
        return self.state not in (self.State.OPENED, self.State.WITHDRAWN)

    @property
    def is_expired(self) -> bool:
        """Whether the new operator should answer and the link has run out."""
        return self.state in (self.State.FILLING, self.State.RETURNED) and (
            not self.token_hash or self.expires_at is None or self.expires_at <= clock.now()
        )

    @property
    def old_operator_has_ended(self) -> bool:
        """Whether the old operator's last day is over."""
        return clock.today() > self.last_day

    @property
    def agreement_subject(self) -> str:
        """How agreements to texts name this change (core.agreements)."""
        return f"operator_change:{self.number}"

    @property
    def entry(self) -> dict[str, str]:
        """What was typed so far; {} before anything was."""
        typed = getattr(self, "typed", None)
        return typed.fields if typed is not None else {}


def _fields(content: str) -> dict[str, str]:
    found = json.loads(content) if content else {}
    return found if isinstance(found, dict) else {}


class OperatorEntry(models.Model):
    """What the new operator has typed at any time. Apart from the change: saved with every few strokes, so not in the
    history, which gets each answer instead."""

    change = models.OneToOneField(OperatorChange, models.PROTECT, related_name="typed")
    content = EncryptedTextField("入力内容")
    saved_at = models.DateTimeField("保存日時")

    objects = OfOfficeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "よろず支援拠点登録フォームの入力内容"
        constraints = [sealed_only("institutions_operatorentry", "content")]

    def __str__(self) -> str:
        return str(self.change)

    @property
    def fields(self) -> dict[str, str]:
        """Field → text, as typed."""
        return _fields(self.content)


class OperatorAnswer(models.Model):
    """The whole form as it was sent. Added, never changed."""

    change = models.ForeignKey(OperatorChange, models.PROTECT, related_name="answers")
    round = models.PositiveIntegerField("回")
    content = EncryptedTextField("回答")
    at = models.DateTimeField("回答日時")
    address = models.GenericIPAddressField("接続元", null=True)
    user_agent = models.CharField("ブラウザ", max_length=200, blank=True)

    objects = OfOfficeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "よろず支援拠点登録フォームの回答"
        ordering = ["change", "round"]
        constraints = [
            models.UniqueConstraint(fields=["change", "round"], name="institutions_operatoranswer_round"),
            sealed_only("institutions_operatoranswer", "content"),
        ]

    def __str__(self) -> str:
        return f"{self.change} 第{self.round}回"

    @property
    def fields(self) -> dict[str, str]:
        """Field → text, as sent."""
        return _fields(self.content)


class OperatorReturn(models.Model):
    """One field that was sent back to the new operator, and why."""

    change = models.ForeignKey(OperatorChange, models.PROTECT, related_name="returns")
    # of the answer that was looked at
    round = models.PositiveIntegerField("回")
    field = CodeField("項目", max_length=40)
    reason = models.TextField("理由")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="差し戻した人"
    )
    at = models.DateTimeField("差戻し日時")

    objects = OfOfficeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "よろず支援拠点登録フォームの差戻し"
        ordering = ["change", "round", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["change", "round", "field"], name="institutions_operatorreturn_once"
            ),
            models.CheckConstraint(name="institutions_operatorreturn_why", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.change} {self.field}"


class HandedOver(models.Model):
    """One record under way that went from the former operator to its successor. Added, never changed."""

    change = models.ForeignKey(OperatorChange, models.PROTECT, related_name="handed_over")
    kind = models.CharField("種類", max_length=20)
    number = CodeField("番号")

    objects = OfOfficeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "実施機関の変更で引き継いだ記録"
        ordering = ["change", "kind", "number"]
        constraints = [
            models.UniqueConstraint(fields=["change", "kind", "number"], name="institutions_handedover_once")
        ]
        indexes = [models.Index(fields=["kind", "number"], name="institutions_handedover_of")]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"
