"""使い方: the manuals, to read and to search."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.manuals import SHELF, contents, manual_for, readable_by
from accounts.models import Role, User
from core.manuals.reading import find

LONGEST_SEARCH = 100
# Whose navigation stands above a manual.
_NAVIGATION = {
    Role.INSTITUTION_CHIEF: "institution/navigation.html",
    Role.INSTITUTION_STAFF: "institution/navigation.html",
    Role.EXPERT: "expert/navigation.html",
}
_OF_THE_OFFICE = "office/navigation.html"


def _owed(request: HttpRequest) -> str:
    """The address of what the person must do first (a second factor, a new password); "" for everybody else."""
    return getattr(request, "owed", "")


def _reader(request: HttpRequest) -> User | AnonymousUser:
    """Who reads: whoever still owes something is nobody yet, and reads what everybody may."""
    return AnonymousUser() if _owed(request) else request.user


def _frame(request: HttpRequest) -> dict[str, Any]:
    user = _reader(request)
    navigation = _NAVIGATION.get(Role(user.role), _OF_THE_OFFICE) if isinstance(user, User) else ""
    return {
        "section": "manual",
        "navigation": navigation,
        "readable": readable_by(user),
        "owed": _owed(request),
    }


@login_not_required
@require_safe
def manual_list(request: HttpRequest) -> HttpResponse:
    """The manuals a person may read, or the chapters in which the words of a search stand."""
    frame = _frame(request)
    words = request.GET.get("q", "").strip()[:LONGEST_SEARCH]
    manuals = [(each, contents(each, _reader(request))) for each in frame["readable"]]
    found = [
        (each, manual, hits) for each, manual in manuals if (hits := find(manual, words))
    ] if words else []  # fmt: skip
    return render(request, "manuals/list.html", {**frame, "manuals": manuals, "words": words, "found": found})


@login_not_required
@require_safe
def manual(request: HttpRequest, slug: str) -> HttpResponse:
    """One manual: its contents, and all chapters on one page."""
    reader = _reader(request)
    if not reader.is_authenticated and any(each.slug == slug and not each.is_public for each in SHELF):
        return redirect(owed) if (owed := _owed(request)) else redirect_to_login(request.get_full_path())
    shelved = manual_for(reader, slug)
    if shelved is None:
        raise Http404
    frame = _frame(request)
    return render(
        request,
        "manuals/manual.html",
        {**frame, "shelved": shelved, "manual": contents(shelved, reader)},
    )
