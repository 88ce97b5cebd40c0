"""Requests that no view should have to think about, and the plain pages for what went wrong."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.cache import cache
from django.core.exceptions import BadRequest, RequestDataTooBig, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.views import defaults

from core.client_address import address_of

NUL = "\x00"
_TOO_MUCH = "一度に送る量が多すぎます。分けて送ってください。"
_UNREADABLE = (
    "送られたものを文字として読めません。文字コードと、使えない文字（NUL）がないかを確かめてください。"
)


class BrokenTextMiddleware:
    """Refuses text that PostgreSQL cannot hold: a NUL in the address, the query or a field."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if NUL in request.path_info or _holds_nul(request.GET):
            raise BadRequest("NUL in the address")
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Looks at the fields once the protection against forged requests has read them anyway."""
        if request.method == "POST" and _holds_nul(request.POST):
            raise BadRequest("NUL in a field")

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A filter in the address that the admin's list can't apply: Django leaves it to its own page of lists."""
        return bad_request(request, exception) if isinstance(exception, IncorrectLookupParameters) else None


def _holds_nul(data: Any) -> bool:
    return any(NUL in key or any(NUL in value for value in values) for key, values in data.lists())


class TokenGuessMiddleware:
    """Who tries many links with tokens that open nothing waits: settings.TOKEN_GUESSES in ten minutes."""

    PERIOD_SECONDS = 600

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if getattr(request, "carries_token", False) and response.status_code == 404:
            key = _guess_key(request)
            if not cache.add(key, 1, self.PERIOD_SECONDS):
                cache.incr(key)
        return response

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Refuses before the token is looked at."""
        if "token" in kwargs and cache.get(_guess_key(request), 0) >= settings.TOKEN_GUESSES:
            return render(request, "429.html", status=429)
        return None

    def process_template_response(self, request: HttpRequest, response: TemplateResponse) -> TemplateResponse:
        """Django's page for a link that opens nothing says "ok"; ours says what it is."""
        if (response.context_data or {}).get("validlink") is False:
            response.status_code = 404
        return response


def _guess_key(request: HttpRequest) -> str:
    return f"token-guesses:{address_of(request)}"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 when there was too much of it; a program that asks the API gets it as JSON."""
    too_much = isinstance(exception, RequestDataTooBig | TooManyFilesSent)
    if request.path_info.startswith("/api/"):
        detail = _TOO_MUCH if too_much else _UNREADABLE
        return JsonResponse({"detail": detail}, status=413 if too_much else 400)
    if too_much:
        return render(request, "413.html", status=413)
    return defaults.bad_request(request, exception)
