"""What follows from signing in and out, wherever it happens."""

import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from . import mails, reauthentication
from .middleware import SEEN_AT, SIGNED_IN_AT
from .models import SignInEvent, User
from .records import raise_alarm, record_event

Kind = SignInEvent.Kind


def _named(name: Any) -> User | None:
    """The person of a sign-in name as typed, or None."""
    if not isinstance(name, str) or "\0" in name:
        return None
    return User.objects.filter(username__iexact=User.normalize_username(name).strip()).first()


@receiver(user_logged_in)
def after_sign_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Starts the clocks of the session; the emergency account raises an alarm."""
    now = time.time()
    request.session[SIGNED_IN_AT] = request.session[SEEN_AT] = now
    reauthentication.confirm(request)
    record_event(Kind.SIGNED_IN, user, request, detail="緊急用" if user.is_emergency else "")
    if user.is_emergency:
        raise_alarm(
            "emergency_sign_in",
            f"緊急用の利用者「{user.username}」がログインしました。",
            user=user,
            request=request,
        )


@receiver(user_logged_out)
def after_sign_out(sender: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    """Records that a person left; what the system ended itself is recorded where it did."""
    if user is not None and not getattr(request, "ended_by_us", False):
        record_event(Kind.SIGNED_OUT, user, request)


@receiver(user_login_failed)
def after_failure(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Records a wrong password or code."""
    kind = Kind.CODE_FAILED if credentials.get("factor") == "code" else Kind.FAILED
    user = _named(credentials.get("username"))
    # the failure that locks has been counted; those after it are not counted any more
    while_locked = (
        getattr(request, "axes_locked_out", False)
        and getattr(request, "axes_failures_since_start", None) is None
    )
    record_event(kind, user, request, detail="ロック中" if while_locked else "")


@receiver(user_locked_out)
def after_lock(sender: Any, request: HttpRequest, username: str | None, **kwargs: Any) -> None:
    """Records a lock once, when it begins, and tells the person."""
    if getattr(request, "axes_failures_since_start", None) is None:
        return  # already locked before this attempt
    credentials = getattr(request, "axes_credentials", None) or {}
    user = _named(credentials.get("username"))
    record_event(Kind.LOCKED, user, request)
    if user is not None and user.is_active:
        mails.send_later("sign_in_locked", user)


@receiver(authenticator_added)
@receiver(authenticator_reset)
def after_enrolment(
    sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any
) -> None:
    """Records a new app or new recovery codes."""
    record_event(Kind.FACTOR_ADDED, user, request, detail=_FACTORS.get(authenticator.type, ""))


@receiver(authenticator_removed)
def after_removal(
    sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any
) -> None:
    """Records that a person took their second factor off."""
    record_event(Kind.FACTOR_REMOVED, user, request, detail=_FACTORS.get(authenticator.type, ""))


_FACTORS = {Authenticator.Type.TOTP: "認証アプリ", Authenticator.Type.RECOVERY_CODES: "回復コード"}
