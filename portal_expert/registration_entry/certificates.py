"""The certificates of a registration: added, looked at and taken back by the person whose link it is."""

import uuid

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from core.errors import DomainError, FieldErrors
from experts.registration.certificate_views import file_response
from experts.registration.models import Registration
from experts.registration.services import (
    LinkUnusable,
    add_certificate,
    open_own_certificate,
    remove_certificate,
)

from .link import by_link, unusable


@require_POST
@by_link
def certificate_add(request: HttpRequest, token: str, registration: Registration) -> HttpResponseBase:
    """Takes a photo or PDF in; back to the form with a word about it."""
    upload = request.FILES.get("file")
    if not isinstance(upload, UploadedFile):
        messages.error(
            request, "ファイルが選ばれていません。写真または PDF を選んで、もう一度追加してください。"
        )
        return _back(token)
    try:
        added = add_certificate(
            registration=registration,
            kind=request.POST.get("kind", ""),
            upload=upload,
            key=request.POST.get("key", ""),
        )
    except FieldErrors as refusal:
        messages.error(request, "".join(refusal.by_field.values()))
    except LinkUnusable:
        raise
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, f"{added.get_kind_display()}を追加しました。")
    return _back(token)


def _back(token: str) -> HttpResponse:
    response = redirect("registration_entry:entry", token)
    response["Location"] += "#certificates"
    return response


@require_POST
@by_link
def certificate_remove(
    request: HttpRequest, token: str, registration: Registration, certificate: uuid.UUID
) -> HttpResponseBase:
    """Takes a file back."""
    found = registration.certificates.filter(uuid=certificate).first()
    if found is None:
        return unusable(request)
    try:
        remove_certificate(registration=registration, certificate=found)
    except LinkUnusable:
        raise
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, f"{found.get_kind_display()}を取り除きました。")
    return _back(token)


@require_safe
@by_link
def certificate(
    request: HttpRequest, token: str, registration: Registration, certificate: uuid.UUID
) -> HttpResponseBase:
    """The own file."""
    return _file(request, registration, certificate, small=False)


@require_safe
@by_link
def certificate_small(
    request: HttpRequest, token: str, registration: Registration, certificate: uuid.UUID
) -> HttpResponseBase:
    """Its thumbnail."""
    return _file(request, registration, certificate, small=True)


def _file(
    request: HttpRequest, registration: Registration, name: uuid.UUID, *, small: bool
) -> HttpResponseBase:
    found = registration.certificates.filter(uuid=name, removed_at=None).first()
    if found is None:
        return unusable(request)
    try:
        file = open_own_certificate(registration=registration, uuid=name, thumbnail=small)
    except DomainError as refusal:
        return render(request, "client/unusable.html", {"message": refusal.message}, status=409)
    return file_response(file, found, "image/jpeg" if small else found.media_type)
