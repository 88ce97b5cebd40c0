"""When a part the product stands on is away: which one, and the page that says so without a trace of the inside.

Whatever wasn't committed is undone by the database, so a person who repeats the act loses and doubles nothing.
"""

import errno
import logging
import sys
from collections.abc import Iterator
from enum import StrEnum

import psycopg
from django.db import InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views import defaults

log = logging.getLogger(__name__)

# SQLSTATE: connection exceptions, shutdown and crash, too many connections; no space.
_AWAY = ("08", "57P", "53300")
_NO_SPACE = ("53100",)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
RETRY_AFTER_SECONDS = 30


class Outage(StrEnum):
    """What is missing, with the status and the sentence for whoever asked."""

    DATABASE = "database"
    SPACE = "space"

    @property
    def status(self) -> int:
        """Of the HTTP answer."""
        return 503 if self is Outage.DATABASE else 507

    @property
    def sentence(self) -> str:
        """What happened, what became of the act, what to do next."""
        return _SENTENCES[self]


_SENTENCES = {
    Outage.DATABASE: (
        "データベースに接続できないため、処理できませんでした。途中までの変更は取り消されています。"
        "1分ほど待ってから、同じ操作をもう一度行ってください。"
    ),
    Outage.SPACE: (
        "サーバの保存場所に空きがないため、保存できませんでした。途中までの変更は取り消されています。"
        "システム管理者へお知らせください。空きができたら、同じ操作をもう一度行ってください。"
    ),
}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came from, nearest first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def outage_of(error: BaseException | None) -> Outage | None:
    """Which part was away when this was raised; None when it is a defect of ours or a refusal."""
    for each in _chain(error):
        if isinstance(each, psycopg.Error):
            state = each.sqlstate or ""
            if state.startswith(_NO_SPACE):
                return Outage.SPACE
            if state.startswith(_AWAY):
                return Outage.DATABASE
            # libpq's own words about a connection have no SQLSTATE
            if not state and isinstance(each, psycopg.OperationalError | psycopg.InterfaceError):
                return Outage.DATABASE
        elif isinstance(each, InterfaceError):
            return Outage.DATABASE
        elif isinstance(each, OSError) and each.errno in _FULL:
            return Outage.SPACE
    return None


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: the page of the part that is away, else the page of a defect. Asks neither database nor session."""
    outage = outage_of(sys.exc_info()[1])
    if outage is None:
        return defaults.server_error(request)
    log.error("%s is away", outage.value)
    answer: HttpResponse
    if request.path_info.startswith("/api/"):
        answer = JsonResponse({"detail": outage.sentence}, json_dumps_params={"ensure_ascii": False})
    elif "HX-Request" in request.headers or request.headers.get("X-Requested-With") == "fetch":
        answer = HttpResponse(outage.sentence, content_type="text/plain; charset=utf-8")
    else:
        # without the request: context processors would ask for the person, and so the database again
        answer = render(None, f"{outage.status}.html")
    answer.status_code = outage.status
    answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer
