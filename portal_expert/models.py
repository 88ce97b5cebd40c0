"""What phones send besides the check event itself, and the tokens other programs sign in with."""

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.rights import Reach, reach
from core import clock
from dispatch.models import CheckEvent, OfDispatchQuerySet

if TYPE_CHECKING:
    from accounts.models import User


class OfEventQuerySet(OfDispatchQuerySet):
    """Rows that belong to a check event and are seen with it."""

    def visible_to(self, user: "User") -> Self:
        """Everything for those of the office who work on dispatches; those of own dispatches for others."""
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN:
                return self.filter(event__in=CheckEvent.objects.visible_to(user))
        return self.none()


class CheckEventExtra(models.Model):
    """How a check event was taken: what the exchange files don't carry. Append-only, written with its event."""

    class Permission(models.TextChoices):
        GRANTED = "granted", "許可"
        DENIED = "denied", "拒否"
        PROMPT = "prompt", "未選択"
        UNKNOWN = "unknown", "不明"

    event = models.OneToOneField(
        CheckEvent, models.PROTECT, related_name="extra", verbose_name="チェックイン・アウト"
    )
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="送信者"
    )
    received_at = models.DateTimeField("受信日時", db_default=Now())
    # the phone's own clock at the moment of sending, to compare with ours
    sent_time = models.DateTimeField("送信時の端末時刻", null=True, blank=True)
    skew_seconds = models.BigIntegerField("端末時計の差（秒）", null=True, blank=True)
    clock_doubtful = models.BooleanField("端末時計の疑い", default=False)
    fix_age = models.BigIntegerField("測位からの秒数", null=True, blank=True)
    permission = models.CharField("位置情報の許可", max_length=10, choices=Permission, blank=True)
    # the strokes and the text that was shown, packed and encrypted (portal_expert/signatures.py)
    signature_cipher = models.TextField("署名", blank=True)
    signature_hash = models.CharField("署名の指紋", max_length=64, blank=True)
    # what was sent, to tell a repetition from another event of the same id
    content_hash = models.CharField("内容の指紋", max_length=64)

    objects = OfEventQuerySet.as_manager()

    class Meta:
        db_table = "dispatch_checkeventextra"
        verbose_name = verbose_name_plural = "チェックイン・アウトの付帯情報"

    def __str__(self) -> str:
        return str(self.event_id)


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def visible_to(self, user: "User") -> Self:
        """Everybody's for those who look after accounts; one's own for experts."""
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN:
                return self.filter(user=user)
        return self.none()


class ApiToken(models.Model):
    """A key to /api/v1/ for one person's programs. Only its hash is kept."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="api_tokens", verbose_name="利用者"
    )
    name = models.CharField("名前", max_length=100)
    token_hash = models.CharField("指紋", max_length=64, unique=True)
    created_at = models.DateTimeField("発行日時", default=clock.now)
    expires_at = models.DateTimeField("有効期限")
    revoked_at = models.DateTimeField("失効日時", null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "APIトークン"
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at <= clock.now()

    @property
    def is_usable(self) -> bool:
        """Whether it opens anything now."""
        return self.revoked_at is None and not self.is_expired
