"""How allauth behaves here: nobody signs up, limits of time and place hold, secrets are encrypted."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core import secrets
from core.client_address import address_of

from . import mails, reauthentication
from .limits import sign_in_refusal
from .models import SignInEvent, User
from .records import record_event
from .second_factor import is_compulsory


class AccountAdapter(DefaultAccountAdapter):
    """Signing in and confirming who one is."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: accounts are made by administrators."""
        return False

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        """After the right password, before the second factor: stopped people and wrong hours or places end here."""
        reason = sign_in_refusal(user, address_of(request))
        if reason:
            record_event(SignInEvent.Kind.REFUSED, user, request, detail=reason)
            clear_login(request)
            return render(request, "account/refused.html", {"reason": reason}, status=403)
        response: HttpResponse | None = super().pre_login(request, user, **kwargs)
        return response

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Signing in counts as confirming, so that nobody types a password twice in a row."""
        return not reauthentication.is_recent(self.request)

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address behind our proxies."""
        return address_of(request) or "0.0.0.0"  # noqa: S104 - a mark for unknown, nothing is bound

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """allauth's own mails are not ours (accounts.mails)."""

    def send_notification_mail(self, template_prefix: str, user: User, *args: Any, **kwargs: Any) -> None:
        """Tells the person of a change to their second factor."""
        if template_prefix.startswith("mfa/"):
            mails.send_later("sign_in_factor", user)

    def add_message(self, request: HttpRequest, level: int, *args: Any, **kwargs: Any) -> None:
        """allauth's remarks are left out; our pages say what happened."""


class SecondFactorAdapter(DefaultMFAAdapter):
    """Secrets of second factors are stored encrypted; who must have one can't take it off."""

    def encrypt(self, text: str) -> str:
        """The secret in cipher."""
        return secrets.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """The secret behind the cipher."""
        return secrets.decrypt(encrypted_text)

    def get_totp_label(self, user: User) -> str:
        """What the app shows: the sign-in name."""
        return user.get_username()

    def get_totp_issuer(self) -> str:
        """What the app shows: the product."""
        return str(settings.PRODUCT_NAME)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Only where a second factor is not compulsory."""
        return not is_compulsory(authenticator.user)
