"""Headers that every answer carries, and the ones of answers that nobody may keep."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class SecurityHeadersMiddleware:
    """On every answer, static files and errors included: what Django and django-csp do not set themselves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


class PersonalPagesMiddleware:
    """Pages and downloads are nobody's to keep or to index; behind a token no page tells where it was.

    Stands behind the one that serves static files, which may be kept.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers["Cache-Control"] = "no-store, private"
        # a page that shall be found says so itself
        response.headers.setdefault("X-Robots-Tag", "noindex, nofollow")
        if getattr(request, "carries_token", False):
            # not "no-referrer": with that a form on such a page is sent with `Origin: null`, which no CSRF check takes
            response.headers["Referrer-Policy"] = "strict-origin"
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]) -> None:
        """Remembers whether the address holds a token."""
        request.carries_token = "token" in kwargs  # type: ignore[attr-defined]
