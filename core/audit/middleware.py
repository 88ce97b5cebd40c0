"""Each request has an id that its history rows and log lines carry."""

import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from .acting import request_id


class RequestIdMiddleware:
    """Makes the id here, never from a header a caller could forge, and answers with it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = request_id.set(secrets.token_hex(8))
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = request_id.get()
            return response
        finally:
            request_id.reset(token)
