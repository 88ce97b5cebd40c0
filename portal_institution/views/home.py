"""The first page of an institution: what it has to do, and whom its dispatches wait for."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal_institution.access import institution_view, own_institution, person
from portal_institution.drafts import unsent_of
from portal_institution.selectors import home as selectors


@institution_view()
def home(request: HttpRequest) -> HttpResponse:
    """What waits for this person, and how the institution's dispatches stand."""
    user = person(request)
    tasks, news = selectors.tasks_of(user)
    context = {
        "section": "home",
        "institution": own_institution(user),
        "tasks": tasks,
        "news": news,
        "unsent": unsent_of(user),
        "standing": selectors.standing_of(user),
    }
    return render(request, "institution/home.html", context)
