"""The travel claim of a dispatch, and its deadlines, on whatever page shows the dispatch."""

from typing import Any

from django import template
from django.template.context import Context

from dispatch.models import Dispatch
from dispatch.services.reminding import deadlines
from office.travel_lines import travel_section
from office.views.travel import section_context

register = template.Library()


@register.inclusion_tag("office/travel/section.html", takes_context=True)
def travel_claim(context: Context, dispatch: Dispatch) -> dict[str, Any]:
    """Every line with its facts, the rules' amount, and the form of the decisions. A fixed number of queries."""
    request = context["request"]
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "dispatch": dispatch,
        "go": "dispatch",
        **section_context(travel_section(dispatch), request.user),
    }


@register.inclusion_tag("office/reception/deadlines.html")
def dispatch_deadlines(dispatch: Dispatch) -> dict[str, Any]:
    """What the dispatch waits for, with the reminders sent and ours to come. Four queries."""
    return {"deadlines": deadlines(dispatch)}
