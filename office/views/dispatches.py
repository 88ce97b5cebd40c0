"""Dispatches: the list, and one dispatch with its evidence, findings and calculation."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from core import clock
from core.audit.models import Access
from core.audit.services import record_page, record_view
from dispatch.models import Assessment, Dispatch, Status
from experts.models import Expert
from institutions.models import Institution
from office.access import office_view, person
from office.evidence import dispatch_page
from office.lists import containing, month_of, page_of, sorted_by
from office.months import month_bounds, months_with_visits

SEARCHED = ("number", "expert__name", "expert__kana", "company__name", "institution__name")


@office_view()
def dispatch_list(request: HttpRequest) -> HttpResponse:
    """Every dispatch, by words, month, status and payment class."""
    user = person(request)
    rows = Dispatch.objects.visible_to(user).select_related("expert", "institution", "company", "assessment")
    rows = rows.filter(containing(request.GET.get("q", ""), *SEARCHED))
    if month := month_of(request.GET.get("month", "")):
        first, end = month_bounds(month)
        rows = rows.filter(visited_from__gte=first, visited_from__lt=end)
    if status := request.GET.get("status"):
        rows = rows.filter(status=status)
    if kind := request.GET.get("kind"):
        rows = rows.filter(assessment__kind=kind)
    expert = institution = None
    if code := request.GET.get("expert"):
        expert = get_object_or_404(Expert.objects.visible_to(user), code=code)
        rows = rows.filter(expert=expert)
    if code := request.GET.get("institution"):
        institution = get_object_or_404(Institution.objects.visible_to(user), code=code)
        rows = rows.filter(institution=institution)
    columns = {"number": "number", "visited_from": "visited_from"}
    page = page_of(request, sorted_by(request, rows, columns, ("-planned_from", "number")))
    record_page(actor=user, rows=page.object_list)
    context = {
        "section": "dispatches",
        "page": page,
        "statuses": Status.choices,
        "months": [(f"{month:%Y-%m}", f"{month.year}年{month.month}月") for month in months_with_visits()],
        "kinds": Assessment.Kind.choices,
        "expert": expert,
        "institution": institution,
    }
    return render(request, "office/dispatches/list.html", context)


@office_view()
def dispatch_detail(request: HttpRequest, number: str) -> HttpResponse:
    """One dispatch: what was approved, what the evidence says, what stands in the way, every yen explained."""
    dispatch = get_object_or_404(
        Dispatch.objects.visible_to(person(request)).select_related(
            "expert", "institution", "company", "assessment"
        ),
        number=number,
    )
    record_view(actor=person(request), what=Access.What.EVIDENCE, object=dispatch)
    context = {"section": "dispatches", "dispatch": dispatch, **dispatch_page(dispatch, today=clock.today())}
    return render(request, "office/dispatches/detail.html", context)
