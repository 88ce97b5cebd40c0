"""The first page: today's visit, what waits for an answer, what comes."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core import clock
from portal_expert import selectors
from portal_expert.access import expert_view, person


@expert_view
def home(request: HttpRequest) -> HttpResponse:
    """What the expert has to do now, today's visits first."""
    user = person(request)
    visits = selectors.coming_visits(user)
    today = clock.today()
    context = {
        "section": "home",
        "today": [visit for visit in visits if clock.jst(visit.planned_from).date() == today],
        "coming": [visit for visit in visits if clock.jst(visit.planned_from).date() > today],
        "past": [visit for visit in visits if clock.jst(visit.planned_from).date() < today],
        "offers": selectors.offers(user),
        "unreported": selectors.unreported(user),
        "kept": visits,
    }
    return render(request, "expert/home.html", context)
