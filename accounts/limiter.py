"""The one limiter of wrong passwords and codes, on every way in (django-axes, counted per name and address)."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.contrib.auth.signals import user_login_failed
from django.db.models import Max, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import salted_hmac

from core import clock
from core.audit.acting import Actor

from .models import SignInEvent, User
from .records import record_event
from .sign_in_policy import current_policy


def name_key(name: str) -> str:
    """What failures of a name are counted under: the same for any case and width, and not the name itself.

    People type passwords into the wrong field; what was typed is not kept.
    """
    plain = User.normalize_username(name).strip().lower()
    return salted_hmac("accounts.limiter", plain, algorithm="sha256").hexdigest()[:40]


def counted_name(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """The key of the name that is being tried (for axes)."""
    given = credentials or request.POST
    return name_key(str(given.get("username") or ""))


def failure_limit(request: HttpRequest, credentials: dict[str, Any] | None) -> int:
    """After how many failures the door closes (for axes)."""
    return current_policy().lock_threshold


def lock_time(request: HttpRequest | None = None) -> dt.timedelta:
    """For how long it stays closed (for axes)."""
    return dt.timedelta(minutes=current_policy().lock_minutes)


def locked_response(
    request: HttpRequest, original: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """The answer while locked: the same whether the name exists or not (for axes)."""
    return render(request, "account/locked.html", {"minutes": current_policy().lock_minutes}, status=429)


def _credentials(user: User) -> dict[str, str]:
    return {"username": user.get_username()}


def refuse_when_locked(request: HttpRequest, user: User) -> bool:
    """Whether this person is locked here; if so, the request's answer becomes the lock page."""
    if AxesProxyHandler.is_allowed(request, _credentials(user)):
        return False
    request.axes_locked_out = True  # type: ignore[attr-defined]
    return True


def count_wrong_code(request: HttpRequest, user: User) -> None:
    """A wrong second factor counts as a wrong password does."""
    credentials = {**_credentials(user), "factor": "code"}
    user_login_failed.send(sender=__name__, credentials=credentials, request=request)


@dataclass(frozen=True)
class Lock:
    """A name that is locked from one address; `user` is None when there is no such name."""

    user: User | None
    address: str | None
    failures: int
    since: dt.datetime
    until: dt.datetime


def locks(user: User | None = None) -> list[Lock]:
    """What is locked now, latest first; of one person when given."""
    policy = current_policy()
    time = dt.timedelta(minutes=policy.lock_minutes)
    attempts = AccessAttempt.objects.filter(attempt_time__gte=clock.now() - time)
    if user is not None:
        attempts = attempts.filter(username=name_key(user.get_username()))
    rows = (
        attempts.order_by()
        .values("username", "ip_address")
        .annotate(failures=Sum("failures_since_start"), since=Max("attempt_time"))
        .filter(failures__gte=policy.lock_threshold)
        .order_by("-since")
    )
    found = list(rows)
    if not found:
        return []
    people = [user] if user is not None else User.objects.order_by("pk")
    by_key = {name_key(person.get_username()): person for person in people}
    return [
        Lock(
            by_key.get(row["username"]),
            row["ip_address"],
            row["failures"],
            row["since"],
            row["since"] + time,
        )
        for row in found
    ]


def unlock(*, user: User, actor: Actor, request: HttpRequest | None = None) -> int:
    """Forgets the failures of a person, from every address; answers how many rows there were."""
    removed = AccessAttempt.objects.filter(username=name_key(user.get_username())).delete()[0]
    record_event(SignInEvent.Kind.UNLOCKED, user, request, actor=actor)
    return removed
