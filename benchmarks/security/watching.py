"""Middleware of the attacked installation: counts what arrives, and shows what the product rightly hides."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# Each tool says with this header who it is and as whom it comes.
SAYS_WHO = "X-Scan"
# Where the planted holes lie, beside the product.
PLANTED_AT = "/planted/"


def tally_file(var: Path) -> Path:
    """Where the requests are counted."""
    return var / "tally.log"


class TallyMiddleware:
    """One line for each request: who, method, route, status, names of the fields."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.file = os.open(tally_file(settings.VAR_DIR), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # the switch of Django's own test client: no token is asked for, in the admin and by the API neither
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        response = self.get_response(request)
        match = request.resolver_match
        route = (match.view_name or match.route) if match else "?"
        names = sorted({*request.GET, *(request.POST if request.method == "POST" else ())})[:40]
        plain = ",".join(name for name in names if name.replace("_", "").replace("-", "").isalnum())
        cause = str(getattr(request, "cause", ""))[:150]
        words = (
            request.headers.get(SAYS_WHO, "?"),
            request.method,
            route,
            response.status_code,
            plain,
            cause,
            request.path,
        )
        line = "\t".join(" ".join(str(word).split()) for word in words) + "\n"
        os.write(
            self.file, line.encode("utf-8", "replace")
        )  # one write, so that lines of two processes never mix
        return response


class ShownCausesMiddleware:
    """An exception that nobody caught answers with its text, as a badly made site would: tools find it by that."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The text of an error of the database; everything else takes its usual way."""
        request.cause = f"{type(exception).__name__}: {exception}"  # type: ignore[attr-defined]
        if type(exception).__module__.startswith(("django.db", "psycopg")):
            return HttpResponse(str(exception), status=500, content_type="text/plain; charset=utf-8")
        return None


@dataclass(frozen=True)
class Arrived:
    """One request, as the installation saw it."""

    who: str
    method: str
    route: str
    status: int
    fields: tuple[str, ...]
    cause: str
    path: str


def arrived(var: Path) -> list[Arrived]:
    """Everything that was asked so far."""
    found = []
    for line in tally_file(var).read_text(encoding="utf-8", errors="replace").splitlines():
        parts = line.split("\t")
        if len(parts) == 7:
            who, method, route, status, fields, cause, path = parts
            named = tuple(name for name in fields.split(",") if name)
            found.append(Arrived(who, method, route, int(status), named, cause, path))
    return found
