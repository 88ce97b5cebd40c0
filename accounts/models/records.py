"""What happened at the door: sign-ins, failures, locks; and what administrators must look at."""

from django.conf import settings
from django.db import models

from core import clock


class SignInEvent(models.Model):
    """One thing that happened around signing in. Rows are added, never changed."""

    class Kind(models.TextChoices):
        SIGNED_IN = "signed_in", "ログイン"
        SIGNED_OUT = "signed_out", "ログアウト"
        EXPIRED = "expired", "時間切れ"
        CONFIRMED = "confirmed", "再確認"
        FAILED = "failed", "失敗（パスワード）"
        CODE_FAILED = "code_failed", "失敗（確認コード）"
        LOCKED = "locked", "ロック"
        UNLOCKED = "unlocked", "ロック解除"
        REFUSED = "refused", "拒否（時間・接続元）"
        RESET_ASKED = "reset_asked", "再設定の依頼"
        LINK_MADE = "link_made", "リンクの発行"
        PASSWORD_SET = "password_set", "パスワードの設定"
        FACTOR_ADDED = "factor_added", "二段階認証の登録"
        FACTOR_REMOVED = "factor_removed", "二段階認証の解除"
        SESSIONS_ENDED = "sessions_ended", "ログイン状態の終了"

    at = models.DateTimeField("日時", default=clock.now)
    kind = models.CharField("種類", max_length=16, choices=Kind)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="sign_in_events",
        verbose_name="利用者",
    )
    # who did it, when somebody else did (an administrator who unlocks)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="操作した人"
    )
    address = models.GenericIPAddressField("接続元", null=True)
    user_agent = models.CharField("ブラウザ", max_length=200, blank=True)
    request_id = models.CharField("リクエストID", max_length=32, blank=True)
    detail = models.CharField("詳細", max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "ログインの記録"
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["-at", "-id"], name="accounts_event_at"),
            models.Index(fields=["user", "-at"], name="accounts_event_user"),
            models.Index(fields=["address", "-at"], name="accounts_event_address"),
        ]


class Alarm(models.Model):
    """Something an administrator must look at, until one has."""

    at = models.DateTimeField("日時", default=clock.now)
    kind = models.CharField("種類", max_length=40)
    title = models.CharField("内容", max_length=200)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    address = models.GenericIPAddressField("接続元", null=True)
    seen_at = models.DateTimeField("確認日時", null=True)
    seen_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    note = models.CharField("対応", max_length=500, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "警報"
        ordering = ["-at", "-pk"]
