"""What waits for whom, and the mails on their way."""

from typing import Any, Protocol, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.database.fields import CodeField
from core.secrets import Unreadable, decrypt


class Person(Protocol):
    """A signed-in person as far as notifications know one."""

    @property
    def pk(self) -> int | None: ...

    @property
    def is_active(self) -> Any: ...

    @property
    def role(self) -> Any: ...


class TaskQuerySet(models.QuerySet["Task"]):
    def visible_to(self, user: Person) -> Self:
        """The tasks of this person, or of everybody in the person's role."""
        if not user.is_active:
            return self.none()
        return self.filter(Q(person_id=user.pk) | Q(role=user.role, person=None))

    def open(self) -> Self:
        """Those that still wait."""
        return self.filter(closed_at=None)


class Task(models.Model):
    """Something waits for a person or for a role: what (code), about what (object), where to go (path)."""

    code = models.CharField("種類", max_length=50)
    object = CodeField("対象", max_length=150)
    title = models.CharField("内容", max_length=200)
    note = models.CharField("補足", max_length=200, blank=True)
    path = models.CharField("画面", max_length=300)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="tasks",
        verbose_name="担当者",
    )
    role = models.CharField("役割", max_length=30, blank=True)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="依頼者"
    )
    opened_at = models.DateTimeField("登録日時", auto_now_add=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="完了者"
    )
    closed_at = models.DateTimeField("完了日時", null=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "対応待ち"
        ordering = ["opened_at", "id"]
        constraints = [
            models.CheckConstraint(
                name="notify_task_person_or_role",
                condition=Q(person__isnull=False, role="") | (Q(person__isnull=True) & ~Q(role="")),
            ),
            # one open task per matter and recipient, however often it is announced
            models.UniqueConstraint(
                "code",
                "object",
                "person",
                name="notify_task_once_per_person",
                condition=Q(closed_at=None, person__isnull=False),
            ),
            models.UniqueConstraint(
                "code",
                "object",
                "role",
                name="notify_task_once_per_role",
                condition=Q(closed_at=None, person__isnull=True),
            ),
        ]
        indexes = [
            models.Index(fields=["role", "opened_at"], condition=Q(closed_at=None), name="notify_task_open")
        ]

    def __str__(self) -> str:
        return self.title


class MailQuerySet(models.QuerySet["Mail"]):
    def visible_to(self, user: Person) -> Self:
        """Mails about the work for those who do it, mails about accounts for the administrators."""
        if not user.is_active:
            return self.none()
        if getattr(user, "sees_business", False):
            return self.filter(concerns=Mail.Concern.WORK)
        if getattr(user, "is_office", False):
            return self.filter(concerns=Mail.Concern.ACCOUNT)
        return self.none()


class Mail(models.Model):
    """One mail to one address, queued in the transaction of the act it tells about, sent by the worker."""

    class State(models.TextChoices):
        QUEUED = "queued", "送信待ち"
        SENDING = "sending", "送信中"
        SENT = "sent", "送信済"
        FAILED = "failed", "送信できず"
        # the program ended between handing the mail over and noting the answer: only a person can know
        UNSURE = "unsure", "要確認"
        CANCELLED = "cancelled", "取消"

    class Concern(models.TextChoices):
        WORK = "work", "業務"
        ACCOUNT = "account", "利用者"

    key = CodeField("業務キー", max_length=200, unique=True)
    concerns = models.CharField("区分", max_length=10, choices=Concern, default=Concern.WORK)
    template = models.CharField("ひな形", max_length=60, blank=True)
    to = models.EmailField("宛先", max_length=254)
    subject = models.CharField("件名", max_length=200)
    body_cipher = models.TextField("本文（暗号）", blank=True)
    keeps_body = models.BooleanField("送信後も本文を残す", default=True)
    state = models.CharField("状態", max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField("試行回数", default=0)
    next_at = models.DateTimeField("次の送信")
    claimed_at = models.DateTimeField("送信開始", null=True)
    claim = models.CharField("送信の印", max_length=32, blank=True)
    handed_at = models.DateTimeField("サーバーへの引渡し", null=True)
    ended_at = models.DateTimeField("終了日時", null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="操作者"
    )
    created_at = models.DateTimeField("登録日時", auto_now_add=True)

    objects = MailQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "メール"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(state="queued"), name="notify_mail_waiting"),
            models.Index(fields=["state", "id"], name="notify_mail_state"),
        ]

    def __str__(self) -> str:
        return f"メール {self.pk}"

    @property
    def body(self) -> str:
        """The text; empty when it is no longer kept or no key of ours opens it."""
        try:
            return decrypt(self.body_cipher) if self.body_cipher else ""
        except Unreadable:
            return ""

    @property
    def shows_body(self) -> bool:
        """Whether a person may read it on the screen: never one with a one-time link, but for demonstrations."""
        return self.keeps_body or bool(settings.MAIL_READABLE)

    @property
    def message_id(self) -> str:
        """The same for every attempt, so that a mail server that got it twice can tell."""
        domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
        return f"<mail-{self.pk}.{int(self.created_at.timestamp())}@{domain}>"


class MailAttempt(models.Model):
    """What came of one try, or of one decision of a person. Added, never changed."""

    mail = models.ForeignKey(Mail, models.PROTECT, related_name="tries", verbose_name="メール")
    at = models.DateTimeField("日時", auto_now_add=True)
    outcome = models.CharField("結果", max_length=10, choices=Mail.State)
    detail = models.CharField("詳細", max_length=300, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="判断した人"
    )

    class Meta:
        verbose_name = verbose_name_plural = "送信の記録"
        ordering = ["id"]
