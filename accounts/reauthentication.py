"""Confirming who one is before a dangerous act, without losing what was typed."""

import json
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import urlencode

from core import secrets

View = Callable[..., HttpResponseBase]

CONFIRMED_AT = "confirmed_at"
_SUSPENDED = "suspended_form"
# A form larger than this is not kept; the person fills it in again.
_LARGEST = 200_000


def confirm(request: HttpRequest) -> None:
    """Notes that the person has just given a password or code."""
    request.session[CONFIRMED_AT] = time.time()


def is_recent(request: HttpRequest) -> bool:
    """Whether the person signed in or confirmed within settings.REAUTHENTICATION_SECONDS."""
    at = request.session.get(CONFIRMED_AT)
    return at is not None and time.time() - at < settings.REAUTHENTICATION_SECONDS


def required(view: View) -> View:
    """A view that only those enter who have lately given a password or code; others do so first."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_recent(request):
            return view(request, *args, **kwargs)
        return suspend(request)

    guarded.needs_reauthentication = True  # type: ignore[attr-defined]
    return guarded


def suspend(request: HttpRequest) -> HttpResponse:
    """Leads to the confirmation page; a form on its way is kept, encrypted, until the person comes back."""
    path = request.get_full_path()
    request.session.pop(_SUSPENDED, None)
    if request.method == "POST":
        fields = [
            (name, value)
            for name, values in request.POST.lists()
            if name != "csrfmiddlewaretoken"
            for value in values
        ]
        text = json.dumps({"path": path, "fields": fields, "with_files": bool(request.FILES)})
        if len(text) <= _LARGEST:
            request.session[_SUSPENDED] = secrets.encrypt(text)
    target = f"{reverse('account_reauthenticate')}?{urlencode({'next': path})}"
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": target})
    return HttpResponseRedirect(target)


def take_suspended(request: HttpRequest, path: str) -> dict[str, Any] | None:
    """The form that was on its way to this path (path, fields, with_files), once; None when there was none."""
    cipher = request.session.pop(_SUSPENDED, None)
    if cipher is None:
        return None
    try:
        suspended: dict[str, Any] = json.loads(secrets.decrypt(cipher))
    except secrets.Unreadable:
        return None
    return suspended if suspended["path"] == path else None
