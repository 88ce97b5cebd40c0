"""One-time links by which a person sets a password. Nobody is ever sent a password."""

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import base36_to_int, urlsafe_base64_encode

from .models import User


class LinkTokens(PasswordResetTokenGenerator):
    """Tokens that die when used, when the password, address or role changes, when the person signs in, and with time.

    For a first password they work for settings.PASSWORD_RESET_TIMEOUT, for a forgotten one for
    settings.RESET_LINK_SECONDS.
    """

    key_salt = "accounts.links.LinkTokens"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        fixed = super()._make_hash_value(user, timestamp)
        return f"{fixed}{user.role}{user.is_active}{user.session_generation}"

    def check_token(self, user: User | None, token: str | None) -> bool:
        """Whether the token opens the door for this person now."""
        if user is None or not token or not super().check_token(user, token):
            return False
        if not user.has_usable_password():
            return True
        age = self._num_seconds(self._now()) - base36_to_int(token.split("-")[0])
        return bool(age <= settings.RESET_LINK_SECONDS)


link_tokens = LinkTokens()


def one_time_link(user: User) -> str:
    """The path at which the person sets a password, once."""
    return reverse(
        "set_password",
        kwargs={
            "uidb64": urlsafe_base64_encode(force_bytes(user.pk)),
            "token": link_tokens.make_token(user),
        },
    )


def absolute(path: str) -> str:
    """The whole address of a path of ours, as it stands in mails."""
    return settings.PUBLIC_ORIGIN + path
