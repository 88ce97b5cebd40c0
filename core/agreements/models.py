"""Texts in versions, and agreements to them. Both are added, never changed: what somebody agreed to stays provable."""

import datetime as dt
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from core.database.fields import CodeField

from .layout import Block, blocks


class TextCode(models.TextChoices):
    """Which text."""

    EXPERT_TERMS = "expert_terms", "専門家登録規約"
    EXPERT_PRIVACY = "expert_privacy", "個人情報の取扱い（専門家）"
    APPOINTMENT_TERMS = "appointment_terms", "委嘱条件"
    YOROZU_TERMS = "yorozu_terms", "よろず支援拠点の利用規約"
    CLIENT_CONSENT = "client_consent", "情報の共有への同意（支援先企業）"


class TextVersionQuerySet(models.QuerySet["TextVersion"]):
    def visible_to(self, user: Any) -> Self:
        """The office reads all versions; others are shown theirs by the page that asks them."""
        return self.all() if user.reach("read", self.model) == "all" else self.none()

    def in_force(self, code: str, day: dt.date) -> Self:
        """The versions of a text that have begun on that day, the newest first."""
        return self.filter(code=code, valid_from__lte=day).order_by("-valid_from", "-pk")


class AgreementQuerySet(models.QuerySet["Agreement"]):
    def visible_to(self, user: Any) -> Self:
        """All for the office; for others what they agreed to themselves."""
        match user.reach("read", self.model):
            case "all":
                return self.all()
            case "own":
                return self.filter(user=user)
        return self.none()


class TextVersion(models.Model):
    """One version of a text: its words as they are shown from `valid_from` on."""

    code = CodeField("種類", max_length=30, choices=TextCode)
    version = CodeField("版", max_length=20)
    title = models.CharField("表題", max_length=100)
    body = models.TextField("本文")
    valid_from = models.DateField("適用開始日")
    sha256 = models.CharField("SHA-256", max_length=64)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="登録した人"
    )
    published_at = models.DateTimeField("登録日時", auto_now_add=True, db_default=Now())

    objects = TextVersionQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "規約・条件の文"
        ordering = ["code", "-valid_from", "-id"]
        constraints = [
            models.UniqueConstraint(
                "code",
                "version",
                name="agreements_text_version_once",
                violation_error_message="同じ版の文があります。",
            ),
            models.UniqueConstraint(
                "code",
                "valid_from",
                name="agreements_text_one_a_day",
                violation_error_message="同じ日から適用する文があります。",
            ),
            models.CheckConstraint(
                name="agreements_text_code_known", condition=models.Q(code__in=TextCode.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title}（{self.version}）"

    @property
    def blocks(self) -> list[Block]:
        """The body as headings, paragraphs and lists."""
        return blocks(self.body)


class Agreement(models.Model):
    """Somebody's yes to one version: who, when, from where."""

    text = models.ForeignKey(TextVersion, models.PROTECT, related_name="agreements", verbose_name="文")
    # what it is about, as a name: "expert:E000001", "registration:12"
    subject = CodeField("対象", max_length=100)
    name = models.CharField("同意した人", max_length=200)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="利用者"
    )
    agreed_at = models.DateTimeField("同意日時")
    address = models.GenericIPAddressField("接続元", null=True)
    user_agent = models.CharField("ブラウザ", max_length=200, blank=True)

    objects = AgreementQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "同意の記録"
        ordering = ["-agreed_at", "-id"]
        constraints = [
            models.UniqueConstraint("text", "subject", name="agreements_once"),
        ]
        indexes = [models.Index(fields=["subject"], name="agreements_subject")]

    def __str__(self) -> str:
        return f"{self.text} {self.name}"
