"""One handler for the refusals people meet."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from core.errors import DomainError, NotAllowed


class DomainErrorMiddleware:
    """Shows a refusal where the person was: as a message on the page before, or as a page of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Turns a DomainError into an answer; everything else goes on to the 500 page."""
        if not isinstance(exception, DomainError):
            return None
        if isinstance(exception, NotAllowed):
            return render(request, "errors/403.html", {"message": exception.message}, status=403)
        origin = request.headers.get("Referer", "")
        if request.method == "POST" and url_has_allowed_host_and_scheme(
            origin, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        ):
            messages.error(request, exception.message)
            return HttpResponseRedirect(origin)
        return render(request, "errors/refused.html", {"message": exception.message}, status=409)
