"""The first page: today's visit, what waits for this person, what comes."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core import clock
from portal_expert import selectors
from portal_expert.access import expert_view, person


@expert_view
def home(request: HttpRequest) -> HttpResponse:
    """What the expert has to do now: today's visits first, then everything that waits, the late ones on top."""
    user = person(request)
    visits = selectors.coming_visits(user)
    today = clock.today()
    tasks, news = selectors.other_tasks(user)
    to_do = selectors.to_do(user)
    context = {
        "section": "home",
        "today": [visit for visit in visits if clock.jst(visit.planned_from).date() == today],
        "coming": [visit for visit in visits if clock.jst(visit.planned_from).date() > today],
        "to_do": to_do,
        "waiting": len(to_do) + len(tasks),
        "tasks": tasks,
        "news": news,
        "kept": visits,
    }
    return render(request, "expert/home.html", context)
