"""The institution's dispatches: the list, and one dispatch with everything about it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from core.audit.models import Access
from core.audit.services import record_page, record_view
from dispatch.models import Dispatch, Status
from dispatch.services.seeing import close_news
from institutions.operator_change.selectors import handed_over_of
from portal_institution.access import institution_view, own_institution, person
from portal_institution.dispatch_list import Question, months_of, own_dispatches, page_of
from portal_institution.dispatch_page import dispatch_page
from portal_institution.waiting import with_waiting


@institution_view()
@require_safe
def dispatch_list(request: HttpRequest) -> HttpResponse:
    """The own dispatches, whom each waits for and since when."""
    user = person(request)
    institution = own_institution(user)
    question = Question.of(request.GET, user)
    page, rows = page_of(question.rows(user, institution), request.GET.get("page"))
    record_page(actor=user, rows=[row.dispatch for row in rows])
    context = {
        "section": "dispatches",
        "question": question,
        "page": page,
        "rows": rows,
        "statuses": [choice for choice in Status.choices if choice[0] != Status.DRAFT],
        "months": months_of(user, institution),
        "waits": [("1", "当機関の対応待ち")],
    }
    return render(request, "institution/dispatches/list.html", context)


@institution_view()
@require_safe
def dispatch_detail(request: HttpRequest, number: str) -> HttpResponse:
    """One dispatch: where it stands, report beside attestation, what to do next. Its news are seen with it."""
    user = person(request)
    dispatch = own_dispatch(request, number)
    record_view(actor=user, what=Access.What.EVIDENCE, object=dispatch)
    close_news(dispatch=dispatch, person=user)
    context = {
        "section": "dispatches",
        "dispatch": dispatch,
        "handed_over": handed_over_of("派遣", dispatch.number),
        **dispatch_page(dispatch, user),
    }
    return render(request, "institution/dispatches/detail.html", context)


def own_dispatch(request: HttpRequest, number: str) -> Dispatch:
    """The institution's dispatch of that number, with what it waits for; 404 for any other."""
    user = person(request)
    rows = with_waiting(own_dispatches(user, own_institution(user)))
    return get_object_or_404(rows.select_related("application__case"), number=number)
