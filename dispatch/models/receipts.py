"""領収書 and other pictures that belong to a dispatch: what was received, what is kept, who took it away."""

import uuid
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.rights import Reach, reach
from core.database.fields import CodeField

from .dispatches import Dispatch

if TYPE_CHECKING:
    from accounts.models import User


class ReceiptQuerySet(models.QuerySet["Receipt"]):
    def visible_to(self, user: "User") -> Self:
        """The office: all. Expert and institution: those of own dispatches that nobody removed.

        What was refused is seen by whoever sent it and by the office.
        """
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN:
                return self.filter(
                    ~Q(state=Receipt.State.REFUSED) | Q(uploaded_by=user),
                    dispatch__in=Dispatch.objects.visible_to(user),
                    removed_at=None,
                )
        return self.none()


class Receipt(models.Model):
    """A picture or PDF that proves something about a visit. The file itself lies encrypted in EVIDENCE_DIR.

    A removed one stays as evidence and is not shown in the forms. Only a refused one loses its file.
    """

    class Purpose(models.TextChoices):
        RECEIPT = "領収書", "領収書"
        STUB = "半券", "半券"
        OTHER = "その他", "その他"

    class State(models.TextChoices):
        WAITING = "waiting", "検査待ち"
        USABLE = "usable", "使用可"
        REFUSED = "refused", "拒否"

    uuid = models.UUIDField("番号", default=uuid.uuid4, unique=True, editable=False)
    dispatch = models.ForeignKey(Dispatch, models.PROTECT, related_name="receipts", verbose_name="派遣")
    # 行番号 of the travel line; lines are replaced while the claim is written, so no reference
    line_number = models.BigIntegerField("行番号", null=True, blank=True, validators=[MinValueValidator(1)])
    purpose = models.CharField("種類", max_length=4, choices=Purpose)
    # what the sender called it: shown as text, never used as a path
    original_name = models.CharField("元のファイル名", max_length=200, blank=True)
    # made by the form or the phone, so that sending twice adds once
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
    # what the scanner calls what it found, or why it can't look
    finding = models.CharField("検査の結果", max_length=200, blank=True)
    scanned_at = models.DateTimeField("検査日時", null=True, blank=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="追加した人"
    )
    uploaded_at = models.DateTimeField("追加日時", db_default=Now())
    add_reason = models.TextField("追加の理由", blank=True)
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="取り除いた人",
    )
    removed_at = models.DateTimeField("取り除いた日時", null=True, blank=True)
    remove_reason = models.TextField("取り除いた理由", blank=True)

    objects = ReceiptQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "領収書等"
        ordering = ["uploaded_at", "id"]
        indexes = [
            models.Index(fields=["received_sha256"], name="dispatch_receipt_content"),
            models.Index(fields=["stored_name"], name="dispatch_receipt_file", condition=~Q(stored_name="")),
            models.Index(fields=["uploaded_at"], name="dispatch_receipt_waits", condition=Q(state="waiting")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["dispatch", "key"], name="dispatch_receipt_once"),
            models.CheckConstraint(name="dispatch_receipt_has_key", condition=~Q(key="")),
            models.CheckConstraint(
                name="dispatch_receipt_purpose_known", condition=Q(purpose__in=["領収書", "半券", "その他"])
            ),
            models.CheckConstraint(
                name="dispatch_receipt_state_known", condition=Q(state__in=["waiting", "usable", "refused"])
            ),
            models.CheckConstraint(
                name="dispatch_receipt_file_unless_refused",
                condition=Q(state="refused") | ~Q(stored_name=""),
            ),
            models.CheckConstraint(
                name="dispatch_receipt_removed_by_somebody",
                condition=Q(removed_at=None, removed_by=None)
                | Q(removed_at__isnull=False, removed_by__isnull=False),
            ),
            models.CheckConstraint(
                name="dispatch_receipt_line_counts_from_1",
                condition=Q(line_number=None) | Q(line_number__gte=1),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dispatch} {self.purpose}"

    @property
    def is_picture(self) -> bool:
        """Whether a browser shows it inside a page; a PDF is taken as a file."""
        return self.media_type.startswith("image/")

    @property
    def can_be_seen(self) -> bool:
        """Whether there is a file that may be opened."""
        return self.state == self.State.USABLE

    @property
    def file_name(self) -> str:
        """What a copy is called: of our own parts alone."""
        ending = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}.get(
            self.media_type, "bin"
        )
        return f"{self.dispatch.number}_{self.purpose}_{self.uuid.hex[:8]}.{ending}"
