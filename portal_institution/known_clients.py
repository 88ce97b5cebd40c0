"""Clients of others that a person has found by name, number or telephone, and may therefore open a case for.

A client is registered once for everybody; its limit of dispatches counts over all institutions. Whoever can name it may
work with it, but nobody reads the register by guessing codes: the session keeps what was found.
"""

from django.db.models import Q
from django.http import HttpRequest

from dispatch.models import Company
from dispatch.services import DuplicateHint
from portal_institution.access import person

_KEY = "found_clients"
_MOST = 30


def remember(request: HttpRequest, hints: list[DuplicateHint]) -> None:
    """Notes which clients were found."""
    found = [hint.company.pk for hint in hints]
    known: list[int] = request.session.get(_KEY, [])
    if set(found) - set(known):
        request.session[_KEY] = [*(pk for pk in known if pk not in found), *found][-_MOST:]


def client_for_case(request: HttpRequest, code: str) -> Company | None:
    """The client of that code, when the person may see it or has found it; None otherwise."""
    user = person(request)
    seen = Company.objects.visible_to(user).filter(code=code).values("pk")
    return Company.objects.filter(Q(pk__in=seen) | Q(pk__in=request.session.get(_KEY, []), code=code)).first()
