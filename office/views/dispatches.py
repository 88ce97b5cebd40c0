"""Dispatches: the list, and one dispatch with its evidence, findings and calculation."""

from dataclasses import dataclass
from typing import Self

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from core.audit.models import Access
from core.audit.services import record_page, record_view
from dispatch.models import Assessment, Dispatch, Status
from dispatch.services.seeing import close_news
from experts.models import Expert
from institutions.models import Institution
from office.access import office_view, person
from office.dispatch_work import Failed, Work
from office.evidence import dispatch_page
from office.findings_queue import Place, Wanted, place_of
from office.lists import month_of, page_of, sorted_by
from office.months import month_bounds, months_with_visits
from office.selectors import with_words

# Beyond so many nobody pages; whoever has more says a month, a state or words, and of words one more.
MOST_LISTED = 10_000
MOST_FOUND = 1_000


@office_view()
def dispatch_list(request: HttpRequest) -> HttpResponse:
    """Every dispatch, by words, month, status and payment class."""
    user = person(request)
    rows = Dispatch.objects.visible_to(user)
    words = request.GET.get("q", "").strip()
    rows = with_words(rows, words)
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
    found = sorted_by(request, rows, columns, ("-planned_from", "number"))
    # the page is chosen by the keys alone: far pages and wide searches sort numbers, not whole records
    page = page_of(request, found.values_list("pk", flat=True), most=MOST_FOUND if words else MOST_LISTED)
    shown = Dispatch.objects.visible_to(user).select_related("expert", "institution", "company", "assessment")
    whole = shown.in_bulk(list(page.object_list))
    page.object_list = [whole[pk] for pk in page.object_list]
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


def dispatch_of(request: HttpRequest, number: str) -> Dispatch:
    """The dispatch of this number, when the person may see it; else 404."""
    rows = Dispatch.objects.visible_to(person(request)).select_related(
        "expert", "expert__user", "institution", "company", "assessment"
    )
    return get_object_or_404(rows, number=number)


@dataclass(frozen=True, slots=True)
class Walk:
    """The way through the findings queue, when the dispatch was opened from it (?queue=1 and the queue's filters)."""

    number: str
    active: bool
    address: str
    place: Place | None

    @classmethod
    def of(cls, request: HttpRequest, dispatch: Dispatch) -> Self:
        """From the address of the request. Two queries in the queue, else none."""
        if request.GET.get("queue") != "1":
            return cls(dispatch.number, False, "", None)
        wanted = Wanted.asked(request.GET)
        place = place_of(person(request), wanted, dispatch.pk)
        return cls(dispatch.number, True, wanted.address(), place)

    @property
    def query(self) -> str:
        """What an address of a dispatch carries on: ?queue=1 with the filters, or nothing."""
        if not self.active:
            return ""
        return f"?queue=1&{self.address}" if self.address else "?queue=1"

    def _to(self, number: str) -> str:
        return f"{reverse('office:dispatch_detail', args=[number])}{self.query}" if number else ""

    @property
    def next(self) -> str:
        """The next dispatch of the queue, "" at its end."""
        return self._to(self.place.next) if self.place else ""

    @property
    def previous(self) -> str:
        """The dispatch before, "" at the beginning."""
        return self._to(self.place.previous) if self.place else ""

    @property
    def up(self) -> str:
        """The queue as it was filtered."""
        return f"{reverse('office:queue')}?{self.address}" if self.address else reverse("office:queue")

    def after(self, *, stay: bool) -> str:
        """Where an act leads: on to the next of the queue, back to the list at its end, else to the same page."""
        if not self.active or stay:
            return self._to(self.number)
        return self.next or self.up


@office_view()
def dispatch_detail(request: HttpRequest, number: str) -> HttpResponse:
    """One dispatch to work on: findings with what can be done, evidence, history, every yen explained."""
    return page_of_dispatch(request, dispatch_of(request, number))


def page_of_dispatch(request: HttpRequest, dispatch: Dispatch, failed: Failed | None = None) -> HttpResponse:
    """The page of a dispatch; with a form that came back with errors where it belongs."""
    user = person(request)
    record_view(actor=user, what=Access.What.EVIDENCE, object=dispatch)
    close_news(dispatch=dispatch, person=user)
    work = Work(dispatch, user, failed)
    acts = work.acts()
    context = {
        "section": "dispatches",
        "dispatch": dispatch,
        "walk": Walk.of(request, dispatch),
        "cards": work.cards(),
        "acts": [act for act in acts if act.form],
        "impossible": [act for act in acts if not act.form],
        "declarations": work.declarations(),
        "revocations": work.revocations(),
        "attestations": work.attestations,
        "inquiries": work.inquiries,
        "returns": work.returns_of_expert(),
        "failed": failed,
        "lost": work.lost,
        "can_correct": any(act.code == "correct" and act.form for act in acts),
        **dispatch_page(dispatch, user),
    }
    return render(request, "office/dispatches/detail.html", context)
