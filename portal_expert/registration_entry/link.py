"""Whose registration a page is about: the link alone says, nobody is signed in."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from experts.registration.services import LinkUnusable, registration_by_token

View = Callable[..., HttpResponseBase]


def unusable(request: HttpRequest) -> HttpResponse:
    """The same words for wrong, used, ended and replaced links."""
    return render(
        request, "registration_entry/unusable.html", {"message": LinkUnusable().message}, status=404
    )


def by_link(view: View) -> View:
    """Gives the view the registration of the link; without one, the page that tells nothing."""

    @login_not_required
    @wraps(view)
    def guarded(request: HttpRequest, token: str, **kwargs: Any) -> HttpResponseBase:
        registration = registration_by_token(token)
        if registration is None:
            return unusable(request)
        try:
            return view(request, token, registration, **kwargs)
        except LinkUnusable:
            return unusable(request)

    return guarded
