"""Each request has an id and an address that its history rows and log lines carry."""

import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from core.client_address import address_of

from .acting import client_address, request_id


class RequestIdMiddleware:
    """Makes the id here, never from a header a caller could forge, and answers with it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = request_id.set(secrets.token_hex(8))
        address_token = client_address.set(address_of(request))
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = request_id.get()
            return response
        finally:
            client_address.reset(address_token)
            request_id.reset(token)
