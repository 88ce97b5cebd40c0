"""/join/: how one becomes an expert, and whom to ask (A1). For everybody; nothing is asked of who reads it."""

from typing import Final

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core.client_address import address_of
from core.japan.prefectures import CHOICES
from core.ui.lists import page_of
from core.web.pace import within_pace
from experts.registration.criteria import terms_on
from portal_expert.joining import bodies_to_ask

_PERIOD_SECONDS: Final = 600
_LONGEST: Final = 100


@login_not_required
@require_safe
def join(request: HttpRequest) -> HttpResponse:
    """Criteria, steps, what to prepare, and the bodies to ask (?prefecture=, ?q=)."""
    if not within_pace("join", address_of(request), most=settings.JOIN_PAGES, seconds=_PERIOD_SECONDS):
        return render(request, "429.html", status=429)
    bodies = bodies_to_ask(request.GET.get("prefecture", ""), request.GET.get("q", "")[:_LONGEST])
    terms = terms_on()
    context = {
        "routes": terms.routes,
        "link_days": terms.link_days,
        "prefectures": CHOICES,
        "narrowed": any(request.GET.get(name) for name in ("prefecture", "q")),
        "page": page_of(request, bodies),
    }
    response = render(request, "join/join.html", context)
    # the one page that those who look for it shall find
    response.headers["X-Robots-Tag"] = "all"
    return response
