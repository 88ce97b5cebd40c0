"""/registrations/certificates/: the files of a registration for those who check it; the person's own page has others."""

import uuid
from typing import BinaryIO

from django.http import FileResponse, HttpRequest
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from accounts.models import User

from .models import Certificate
from .services import open_certificate

# A file is shown by itself: it may load nothing, run nothing, and be framed by nobody.
_STRICT = "default-src 'none'; frame-ancestors 'none'; sandbox"


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # the sign-in middleware has made sure
    return request.user


def _visible(request: HttpRequest, certificate: uuid.UUID) -> Certificate:
    rows = Certificate.objects.visible_to(_person(request)).select_related("registration")
    return get_object_or_404(rows, uuid=certificate)


def file_response(file: BinaryIO, certificate: Certificate, media_type: str) -> FileResponse:
    """The file as it may leave: pictures to look at, PDFs to take; nothing of it acts in a page of ours."""
    response = FileResponse(
        file,
        # browsers open no PDF in a sandbox; as a file it opens where the person reads PDFs
        as_attachment=not media_type.startswith("image/"),
        filename=certificate.file_name,
        content_type=media_type,
    )
    response.headers["Content-Security-Policy"] = _STRICT
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@require_safe
def content(request: HttpRequest, certificate: uuid.UUID) -> FileResponse:
    """The kept file; the look is recorded."""
    found = _visible(request, certificate)
    file = open_certificate(certificate=found, user=_person(request))
    return file_response(file, found, found.media_type)


@require_safe
def thumbnail(request: HttpRequest, certificate: uuid.UUID) -> FileResponse:
    """The small picture of it; recorded, too."""
    found = _visible(request, certificate)
    file = open_certificate(certificate=found, user=_person(request), thumbnail=True)
    return file_response(file, found, "image/jpeg")
