"""Who may open the experts' pages, and what their browser may do there."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.models import User
from accounts.rights import require

View = Callable[..., HttpResponseBase]


def person(request: HttpRequest) -> User:
    """The signed-in person of a request that has passed the sign-in."""
    assert isinstance(request.user, User)  # the sign-in middleware has made sure
    return request.user


def expert_view(view: View) -> View:
    """A page for experts; others are told why not. Only here may a page ask for the position."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        require(person(request), "use_expert_pages")
        response = view(request, *args, **kwargs)
        response.headers["Permissions-Policy"] = settings.PERMISSIONS_POLICY.replace(
            "geolocation=()", "geolocation=(self)"
        )
        return response

    return guarded
