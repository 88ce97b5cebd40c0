"""Recording what happens around signing in, and telling administrators what they must look at."""

import logging
from collections.abc import Callable

from django.http import HttpRequest

from core.audit.acting import Actor, request_id
from core.client_address import address_of

from .models import Alarm, SignInEvent, User

log = logging.getLogger(__name__)

Kind = SignInEvent.Kind
Tell = Callable[[Alarm], None]

# Who is told of an alarm besides the administrators' home page.
_TOLD: list[Tell] = []


def record_event(
    kind: str,
    user: User | None,
    request: HttpRequest | None = None,
    *,
    actor: Actor | None = None,
    detail: str = "",
) -> SignInEvent:
    """Adds one row to the record of sign-ins; of an unknown name nothing is kept (it may be a password)."""
    return SignInEvent.objects.create(
        kind=kind,
        user=user,
        actor_id=actor.pk if actor is not None else None,
        address=(address_of(request) or None) if request is not None else None,
        user_agent=request.META.get("HTTP_USER_AGENT", "")[:200].replace("\0", "")
        if request is not None
        else "",
        request_id=request_id.get(),
        detail=detail[:200],
    )


def on_alarm(tell: Tell) -> Tell:
    """Registers a function that is told of each alarm after it was written."""
    _TOLD.append(tell)
    return tell


def raise_alarm(
    kind: str, title: str, *, user: User | None = None, request: HttpRequest | None = None
) -> Alarm:
    """Writes an alarm that stands on the administrators' home page until one of them has dealt with it."""
    address = (address_of(request) or None) if request is not None else None
    alarm = Alarm.objects.create(kind=kind, title=title, user=user, address=address)
    log.warning("alarm %s %s", alarm.pk, kind)
    for tell in _TOLD:
        tell(alarm)
    return alarm
