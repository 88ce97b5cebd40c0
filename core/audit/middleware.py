"""Each request has an id and an address that its history rows and log lines carry."""

import secrets
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from core.client_address import address_of

from .acting import Actor, client_address, forget_session, request_id, tell_session

_CHANGES_NOTHING = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class RequestIdMiddleware:
    """Makes the id here, never from a header a caller could forge, and answers with it.

    A request that may change something names itself to the database before its view runs, so that history knows
    request, address and person also where a package writes without our services. A view with `names_itself` writes
    by services alone, inside `acting`, and is spared the two statements.
    """

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
            if getattr(request, "told_database", False):
                forget_session()
            client_address.reset(address_token)
            request_id.reset(token)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Runs when the person is known."""
        if request.method in _CHANGES_NOTHING or getattr(view, "names_itself", False):
            return
        user = getattr(request, "user", None)
        actor: Actor | None = user if user is not None and user.is_authenticated else None
        tell_session(actor)
        request.told_database = True  # type: ignore[attr-defined]
