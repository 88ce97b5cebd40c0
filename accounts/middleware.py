"""Each request of a signed-in person: may this sign-in still stand, and is anything owed first."""

import datetime as dt
import time
from collections.abc import Callable

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import Resolver404, resolve, reverse
from django.utils.http import urlencode

from core import clock
from core.client_address import address_of

from .limits import sign_in_refusal
from .models import SignInEvent, User
from .records import record_event
from .second_factor import has_second_factor, is_compulsory
from .sign_in_policy import current_policy

SIGNED_IN_AT = "signed_in_at"
SEEN_AT = "seen_at"
_HAS_FACTOR = "has_second_factor"
# The time of the last act is kept to the minute: not every page writes to the session.
_SEEN_STEP = 60

# Requests a page makes by itself: they don't keep a sign-in alive.
PASSIVE = frozenset({"office:job_progress"})
# What is open to those who still owe a new password or a second factor.
_ALWAYS_OPEN = frozenset(
    {"logout", "account_logout", "account_reauthenticate", "mfa_reauthenticate", "healthz", "healthz_ready"}
)
# How to do what is owed: of the manuals, those that anybody may read (accounts.views.manuals).
_MANUALS = frozenset({"manual_list", "manual"})
_FOR_PASSWORD = _ALWAYS_OPEN | _MANUALS | {"password_change", "set_password"}
_FOR_FACTOR = _ALWAYS_OPEN | _MANUALS | {"mfa_activate_totp", "mfa_view_recovery_codes"}


def _view_name(request: HttpRequest) -> str:
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""


class StandingSignInMiddleware:
    """Ends sign-ins that lasted too long, stood idle, or left their hours or places; leads to what is owed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if user.is_authenticated:
            answer = self._ended(request, user) or self._owed(request, user)
            if answer is not None:
                return answer
        return self.get_response(request)

    def _ended(self, request: HttpRequest, user: User) -> HttpResponse | None:
        now = time.time()
        session, policy = request.session, current_policy()
        signed_in_at = session.setdefault(SIGNED_IN_AT, now)
        seen_at = session.setdefault(SEEN_AT, now)
        if now - signed_in_at > policy.absolute_hours * 3600:
            return self._end(request, user, "absolute", SignInEvent.Kind.EXPIRED, "最長時間")
        if now - seen_at > policy.idle_minutes * 60:
            return self._end(request, user, "idle", SignInEvent.Kind.EXPIRED, "操作なし")
        refusal = sign_in_refusal(user, address_of(request))
        if refusal:
            return self._end(request, user, "limits", SignInEvent.Kind.REFUSED, refusal)
        if now - seen_at >= _SEEN_STEP and _view_name(request) not in PASSIVE:
            session[SEEN_AT] = now
        return None

    def _end(self, request: HttpRequest, user: User, why: str, kind: str, detail: str) -> HttpResponse:
        record_event(kind, user, request, detail=detail)
        request.ended_by_us = True  # type: ignore[attr-defined]
        logout(request)
        asked = {"why": why}
        if request.method == "GET" and not request.headers.get("HX-Request"):
            asked["next"] = request.get_full_path()
        return _lead(request, f"{reverse('login')}?{urlencode(asked)}")

    def _owed(self, request: HttpRequest, user: User) -> HttpResponse | None:
        """Leads to what is owed; what is open all the same learns of it by `request.owed`, the address of that page."""
        owed, still_open = "", frozenset[str]()
        if _password_is_old(user):
            owed, still_open = f"{reverse('password_change')}?why=age", _FOR_PASSWORD
        elif is_compulsory(user) and not request.session.get(_HAS_FACTOR):
            if has_second_factor(user):
                request.session[_HAS_FACTOR] = True
            else:
                owed, still_open = reverse("mfa_activate_totp"), _FOR_FACTOR
        if owed and _view_name(request) not in still_open:
            return _lead(request, owed)
        request.owed = owed  # type: ignore[attr-defined]
        return None


def _password_is_old(user: User) -> bool:
    if user.password_set_at is None:
        return False
    return clock.now() - user.password_set_at > dt.timedelta(days=current_policy().password_max_age_days)


def _lead(request: HttpRequest, target: str) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": target})
    return HttpResponseRedirect(target)
