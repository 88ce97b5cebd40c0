"""Codes of an authenticator app (RFC 6238) and recovery codes."""

import unicodedata

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt
from django.conf import settings
from django.db import transaction
from django.utils.crypto import constant_time_compare

from .models import SECOND_FACTOR_ROLES, User


def is_compulsory(user: User) -> bool:
    """Whether this person reaches nothing without a second factor."""
    return bool(settings.MFA_REQUIRED) and user.role in SECOND_FACTOR_ROLES


def has_second_factor(user: User) -> bool:
    """Whether the person has enrolled an authenticator app."""
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()


def plain_code(text: str) -> str:
    """A code as typed: any width of digits, with or without spaces and hyphens."""
    return unicodedata.normalize("NFKC", text).replace(" ", "").replace("-", "")


def counter_of(secret: str, code: str) -> int | None:
    """The half-minute (counted from 1970) whose code this is, within the tolerance; None when it is none's."""
    for counter in yield_hotp_counters_from_time():
        if constant_time_compare(code, format_hotp_value(hotp_value(secret, counter))):
            return counter
    return None


def use_code(user: User, code: str) -> Authenticator | None:
    """Uses up a code of the person; None when it is wrong or was used before.

    A code of the app works once and none older than it works afterwards; a recovery code works once.
    """
    given = plain_code(code)
    with transaction.atomic():
        own = Authenticator.objects.select_for_update().filter(user=user)
        app = own.filter(type=Authenticator.Type.TOTP).first()
        if app is not None:
            counter = counter_of(decrypt(app.data["secret"]), given)
            if counter is not None:
                if counter <= app.data.get("last_counter", 0):
                    return None
                app.data["last_counter"] = counter
                app.save(update_fields=["data"])
                return app
        recovery = own.filter(type=Authenticator.Type.RECOVERY_CODES).first()
        if recovery is not None and recovery.wrap().validate_code(given):
            return recovery
    return None
