"""Who may open which screen of the office."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.models import User
from accounts.rights import require

View = Callable[..., HttpResponseBase]


def person(request: HttpRequest) -> User:
    """The signed-in person of a request that has passed the sign-in."""
    assert isinstance(request.user, User)  # the sign-in middleware has made sure
    return request.user


def office_view(act: str = "see_business") -> Callable[[View], View]:
    """A screen for those of the office who may do `act`; others are told why not."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            require(person(request), act)
            return view(request, *args, **kwargs)

        return guarded

    return decorate
