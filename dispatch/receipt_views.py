"""/receipts/: the files of a dispatch, for every surface: shown, added, removed.

Adding and removing answer the list as it then is (a fragment of HTML) to a script, and lead back to the page for a
form that was sent without one. A refusal is a sentence with a 4xx.
"""

import uuid
from typing import Any, BinaryIO

from django.http import FileResponse, HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.rights import require
from core.errors import DomainError, NotAllowed
from core.files.intake import FileRefused
from core.files.vault import StorageFull

from .models import Dispatch, Receipt
from .services.receipts import (
    add_receipt,
    limits,
    receipt_content,
    receipt_thumbnail,
    receipts_of,
    remove_receipt,
    too_large,
    why_not_change,
)

# A file is shown by itself: it may load nothing, run nothing, and be framed by nobody.
_STRICT = "default-src 'none'; frame-ancestors 'none'; sandbox"
# What a form carries beside the file.
_FORM_BYTES = 64 * 1024


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # the sign-in middleware has made sure
    return request.user


def panel(dispatch: Dispatch, user: User) -> dict[str, Any]:
    """The context of templates/components/receipts.html; the office also sees what was removed. One query."""
    return {
        "receipts_dispatch": dispatch,
        "receipts": receipts_of(dispatch, user, removed=user.role.startswith("office")),
        "receipts_why_not": why_not_change(dispatch, user),
        "receipts_reason": user.role.startswith("office"),
        "receipts_purposes": Receipt.Purpose.choices,
        "receipts_bytes": limits().most_bytes,
        "receipts_megabytes": limits().most_bytes // 1024**2,
        "receipts_person": user,
    }


@require_safe
def content(request: HttpRequest, receipt: uuid.UUID) -> FileResponse:
    """The kept file: a picture to look at, a PDF to take."""
    found = _visible(request, receipt)
    return _file(receipt_content(found, _person(request)), found, found.media_type)


@require_safe
def thumbnail(request: HttpRequest, receipt: uuid.UUID) -> FileResponse:
    """The small picture of it."""
    found = _visible(request, receipt)
    return _file(receipt_thumbnail(found, _person(request)), found, "image/jpeg")


def _visible(request: HttpRequest, receipt: uuid.UUID) -> Receipt:
    rows = Receipt.objects.visible_to(_person(request)).select_related("dispatch")
    return get_object_or_404(rows, uuid=receipt)


def _file(file: BinaryIO, receipt: Receipt, media_type: str) -> FileResponse:
    response = FileResponse(
        file,
        # browsers open no PDF in a sandbox; as a file it opens where the person reads PDFs
        as_attachment=not media_type.startswith("image/"),
        filename=receipt.file_name,
        content_type=media_type,
    )
    response.headers["Content-Security-Policy"] = _STRICT
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@require_POST
def add(request: HttpRequest, number: str) -> HttpResponse:
    """Takes one file: `file`, `purpose`, `line_number` (may be empty), `key`, and the office's `reason`."""
    dispatch = _dispatch(request, number, "add_receipt")
    try:
        if int(request.headers.get("Content-Length") or 0) > limits().most_bytes + _FORM_BYTES:
            raise FileRefused(too_large(), code="too_large")
        upload = request.FILES.get("file")
        if upload is None:
            raise DomainError("ファイルを選んでください。", code="missing")
        add_receipt(
            dispatch=dispatch,
            upload=upload,
            purpose=request.POST.get("purpose", ""),
            line_number=_line(request.POST.get("line_number", "")),
            actor=_person(request),
            key=request.POST.get("key", ""),
            reason=request.POST.get("reason", ""),
        )
    except DomainError as refusal:
        return _refusal(request, refusal)
    return _list(request, dispatch)


@require_POST
def remove(request: HttpRequest, receipt: uuid.UUID) -> HttpResponse:
    """Takes one out of the forms; `reason` for the office."""
    require(_person(request), "remove_receipt")
    found = _visible(request, receipt)
    try:
        remove_receipt(receipt=found, actor=_person(request), reason=request.POST.get("reason", ""))
    except DomainError as refusal:
        return _refusal(request, refusal)
    return _list(request, found.dispatch)


@require_safe
def listing(request: HttpRequest, number: str) -> HttpResponse:
    """The list as it is now: for a page on which a file waits for the scanner."""
    require(_person(request), "read", Receipt)
    dispatch = get_object_or_404(Dispatch.objects.visible_to(_person(request)), number=number)
    response = _list(request, dispatch)
    # for a page that was there before its person signed in anew
    response.headers["X-CSRFToken"] = get_token(request)
    return response


def _dispatch(request: HttpRequest, number: str, act: str) -> Dispatch:
    require(_person(request), act)
    return get_object_or_404(Dispatch.objects.visible_to(_person(request)), number=number)


def _line(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise DomainError("行番号は数字にしてください。", code="line")
    return int(text)


def _by_script(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers or request.headers.get("X-Requested-With") == "fetch"


def _refusal(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    if not _by_script(request):
        raise refusal
    if refusal.code == "too_large":
        status = 413
    elif isinstance(refusal, NotAllowed):
        status = 403
    elif isinstance(refusal, FileRefused):
        status = 422
    elif isinstance(refusal, StorageFull):
        status = 507
    else:
        status = 409
    return HttpResponse(refusal.message, status=status, content_type="text/plain; charset=utf-8")


def _list(request: HttpRequest, dispatch: Dispatch) -> HttpResponse:
    if request.method == "POST" and not _by_script(request):
        origin = request.headers.get("Referer", "")
        safe = url_has_allowed_host_and_scheme(
            origin, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )
        return redirect(origin if safe else "home")
    context = panel(dispatch, _person(request))
    return render(request, "components/receipt_list.html", context)
