"""Where forms are saved while they are typed."""

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.models import User
from core import clock
from core.errors import DomainError
from dispatch.services import discard_draft, save_draft
from portal_institution.access import institution_view, person
from portal_institution.drafts import FORMS, Kind

_MOST_FIELDS = 500


def _plain(text: str) -> str:
    """Text the database can hold: without NUL and halves of characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _values(body: bytes) -> dict[str, Any] | None:
    """The fields of a form as they were sent: texts, or lists of texts; None when they are anything else."""
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return None
    values = sent.get("values") if isinstance(sent, dict) else None
    if not isinstance(values, dict) or len(values) > _MOST_FIELDS:
        return None
    read: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, str):
            read[_plain(name)] = _plain(value)
        elif isinstance(value, list) and all(isinstance(each, str) for each in value):
            read[_plain(name)] = [_plain(each) for each in value]
        else:
            return None
    return read


def _known(user: User, form: str, object: str) -> Kind:
    if form not in FORMS or not FORMS[form].is_open(user, object):
        raise Http404
    return FORMS[form]


@institution_view()
@require_POST
def draft(request: HttpRequest, form: str, object: str) -> HttpResponse:
    """Saves what was typed so far. 404 for a form or record that isn't there."""
    user = person(request)
    _known(user, form, object)
    values = _values(request.body)
    if values is None:
        return JsonResponse({"message": "入力内容を読み取れませんでした。"}, status=400)
    try:
        saved = save_draft(person=user, form=form, object=object, values=values)
    except DomainError as refusal:
        return JsonResponse({"message": refusal.message}, status=413)
    return JsonResponse({"shown": f"{clock.jst(saved.saved_at):%H:%M}"})


@institution_view()
@require_POST
def draft_discard(request: HttpRequest, form: str, object: str) -> HttpResponse:
    """Forgets what was typed and shows the form as it was before."""
    user = person(request)
    kind = _known(user, form, object)
    discard_draft(person=user, form=form, object=object)
    return redirect(kind.address(object))
