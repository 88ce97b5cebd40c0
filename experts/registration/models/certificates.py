"""Certificates and other pictures that belong to a registration: what was received and what is kept."""

import uuid
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.rights import Reach, reach
from core.database.fields import CodeField

from .registrations import Registration

if TYPE_CHECKING:
    from accounts.models import User


class CertificateQuerySet(models.QuerySet["Certificate"]):
    def visible_to(self, user: "User") -> Self:
        """All for the office. For an institution those of its own registrations that show no bank book.

        Accounts are the office's business alone (accounts/permissions.csv: experts.expert, bank).
        """
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN:
                own = Registration.objects.visible_to(user)
                return self.filter(registration__in=own, removed_at=None).exclude(kind=Certificate.Kind.BANK)
        return self.none()


class Certificate(models.Model):
    """A photograph or PDF the person added. The file lies encrypted in EVIDENCE_DIR; a refused one loses it."""

    class Kind(models.TextChoices):
        QUALIFICATION = "資格証明書", "資格証明書"
        IDENTITY = "本人確認書類", "本人確認書類"
        PORTRAIT = "顔写真", "顔写真"
        BANK = "通帳", "通帳・キャッシュカード"
        OTHER = "その他", "その他"

    class State(models.TextChoices):
        WAITING = "waiting", "検査待ち"
        USABLE = "usable", "使用可"
        REFUSED = "refused", "拒否"

    uuid = models.UUIDField("番号", default=uuid.uuid4, unique=True, editable=False)
    registration = models.ForeignKey(
        Registration, models.PROTECT, related_name="certificates", verbose_name="登録手続き"
    )
    kind = models.CharField("種類", max_length=10, choices=Kind)
    # what the sender called it: shown as text, never used as a path
    original_name = models.CharField("元のファイル名", max_length=200, blank=True)
    key = CodeField("送信キー", max_length=64)
    received_bytes = models.BigIntegerField("受信したバイト数")
    received_sha256 = models.CharField("受信した内容の SHA-256", max_length=64)
    media_type = models.CharField("形式", max_length=30, blank=True)
    kept_bytes = models.BigIntegerField("保管するバイト数", default=0)
    kept_sha256 = models.CharField("保管する内容の SHA-256", max_length=64, blank=True)
    # pixels; points of the first page of a PDF
    width = models.BigIntegerField("幅", default=0)
    height = models.BigIntegerField("高さ", default=0)
    pages = models.BigIntegerField("ページ数", null=True, blank=True)
    stored_name = CodeField("保管名", max_length=64, blank=True)
    state = models.CharField("状態", max_length=7, choices=State)
    finding = models.CharField("検査の結果", max_length=200, blank=True)
    scanned_at = models.DateTimeField("検査日時", null=True, blank=True)
    uploaded_at = models.DateTimeField("追加日時", db_default=Now())
    removed_at = models.DateTimeField("取り除いた日時", null=True, blank=True)

    objects = CertificateQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "登録の証明書類"
        ordering = ["uploaded_at", "id"]
        indexes = [
            models.Index(
                fields=["stored_name"], name="registration_certificate_file", condition=~Q(stored_name="")
            ),
            models.Index(
                fields=["uploaded_at"], name="registration_certificate_waits", condition=Q(state="waiting")
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["registration", "key"], name="registration_certificate_once"),
            models.CheckConstraint(name="registration_certificate_has_key", condition=~Q(key="")),
            models.CheckConstraint(
                name="registration_certificate_kind_known",
                condition=Q(kind__in=["資格証明書", "本人確認書類", "顔写真", "通帳", "その他"]),
            ),
            models.CheckConstraint(
                name="registration_certificate_state_known",
                condition=Q(state__in=["waiting", "usable", "refused"]),
            ),
            models.CheckConstraint(
                name="registration_certificate_file",
                condition=Q(state="refused") | ~Q(stored_name=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.registration.number} {self.kind}"

    @property
    def is_picture(self) -> bool:
        """Whether a browser shows it inside a page; a PDF is taken as a file."""
        return self.media_type.startswith("image/")

    @property
    def can_be_seen(self) -> bool:
        """Whether there is a file that may be opened."""
        return self.state == self.State.USABLE

    @property
    def counts(self) -> bool:
        """Whether it stands for its kind: there, not refused. One that waits for the scanner counts for the person."""
        return self.removed_at is None and self.state != self.State.REFUSED

    @property
    def file_name(self) -> str:
        """What a copy is called: of our own parts alone."""
        ending = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}.get(
            self.media_type, "bin"
        )
        return f"{self.registration.number}_{self.kind}_{self.uuid.hex[:8]}.{ending}"
