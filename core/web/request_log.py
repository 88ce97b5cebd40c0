"""One log line per request: who (id), what (the route, never its values), how it ended, how long it took."""

import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

log = structlog.stdlib.get_logger(__name__)


class RequestLogMiddleware:
    """Stands inside the one that makes the request's id, and outside of everything that may refuse."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        start = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        person = getattr(request, "_cached_user", None)  # without asking the database for it
        log.info(
            "request",
            method=request.method if request.method in _METHODS else "other",
            route=match.route if match else "",
            status=response.status_code,
            milliseconds=round((time.perf_counter() - start) * 1000, 1),
            actor=getattr(person, "pk", None),
        )
        return response


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
