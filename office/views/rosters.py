"""The agency's rosters: taken in, compared line by line, accepted in part, applied."""

from typing import Any

from django.contrib import messages
from django.db.models import Count, Min
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.rights import may
from core.audit.models import Access
from core.audit.services import record_page, record_view
from core.errors import DomainError
from institutions.models import Roster, RosterLine
from institutions.roster import services
from institutions.roster.applying import jobs_of, request_apply
from institutions.roster.report import report_pdf, report_xlsx
from institutions.roster.selectors import Tally, changes_of, rosters_of, tallies
from office.access import office_view, person
from office.lists import page_of
from office.roster_facts import left_open, open_dispatches
from office.roster_forms import RosterForm
from office.waiting import Waiting, waiting_source

Outcome = RosterLine.Outcome
PER_PAGE = 100
_REPORTS = {
    "pdf": (report_pdf, "application/pdf"),
    "xlsx": (report_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
# What a page without a wish shows first: what must be decided, then what can't be.
_FIRST = (Outcome.NEW, Outcome.CHANGED, Outcome.GONE, Outcome.BAD, Outcome.UNCHANGED)


@waiting_source(49)
def rosters_waiting(user: User) -> list[Waiting]:
    """Rosters that were read and neither applied nor dropped. One query."""
    if not may(user, services.ACT).allowed:
        return []
    drafts = Roster.objects.visible_to(user).filter(state=Roster.State.DRAFT)
    found = drafts.aggregate(count=Count("pk"), oldest=Min("uploaded_at"))
    if not found["count"]:
        return []
    return [
        {
            "title": "反映していない構成機関名簿",
            "url": reverse("office:roster_list"),
            "count": found["count"],
            "oldest": found["oldest"],
            "note": "",
        }
    ]


def _roster(request: HttpRequest, pk: int) -> Roster:
    return get_object_or_404(rosters_of(person(request)), pk=pk)


def _version(request: HttpRequest) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _back(pk: int, outcome: str = "", page: str = "") -> HttpResponseRedirect:
    address = reverse("office:roster_detail", args=[pk])
    if outcome in Outcome.values:
        address += f"?outcome={outcome}"
        if page.isdecimal() and len(page) < 6:
            address += f"&page={page}"
    return redirect(address)


@office_view(services.ACT)
def roster_list(request: HttpRequest) -> HttpResponse:
    """The form for a file, and the rosters that came before."""
    form = RosterForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["upload"]
        try:
            roster = services.take_roster(
                file=upload,
                name=str(upload.name),
                kind=form.cleaned_data["kind"],
                effective_on=form.cleaned_data["effective_on"],
                key=form.cleaned_data["key"],
                actor=person(request),
            )
        except DomainError as refusal:
            form.add_error("upload", refusal.message)
        else:
            return _back(roster.pk)
    context = {
        "section": "institutions",
        "form": form,
        "page": page_of(
            request, rosters_of(person(request)), 20, counted=Roster.objects.visible_to(person(request))
        ),
    }
    return render(request, "office/rosters/list.html", context)


@office_view(services.ACT)
@require_safe
def roster_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The difference, one outcome at a time."""
    user = person(request)
    roster = _roster(request, pk)
    counted = tallies(roster)
    outcome = _outcome(request.GET.get("outcome", ""), counted)
    page = page_of(request, roster.lines.filter(outcome=outcome).order_by("line", "code"), PER_PAGE)
    lines = list(page.object_list)
    record_page(actor=user, rows=lines)
    gone = [line.code for line in lines] if outcome == Outcome.GONE else []
    counts = open_dispatches(user, gone)
    context = {
        "section": "institutions",
        "roster": roster,
        "job": jobs_of(roster).first() if roster.state == Roster.State.DRAFT else None,
        "tallies": counted,
        "outcome": outcome,
        "outcome_label": Outcome(outcome).label,
        "choosable": roster.state == Roster.State.DRAFT and outcome in services.CHOOSABLE,
        "faults": services.platform_faults(roster) if roster.state == Roster.State.DRAFT else [],
        "page": page,
        "rows": [
            {"line": line, "changes": changes_of(line), "open": counts.get(line.code, 0)} for line in lines
        ],
    }
    return render(request, "office/rosters/detail.html", context)


def _outcome(asked: str, counted: list[Tally]) -> str:
    if asked in Outcome.values:
        return asked
    filled = {each.outcome for each in counted if each.count}
    return next((each for each in _FIRST if each in filled), Outcome.NEW).value


@office_view(services.ACT)
@require_POST
def roster_choose(request: HttpRequest, pk: int) -> HttpResponse:
    """Accepts of the lines shown those that are ticked, or all or none of an outcome."""
    roster = _roster(request, pk)
    outcome = request.POST.get("outcome", "")
    common: dict[str, Any] = {"roster": roster, "version": _version(request), "actor": person(request)}
    try:
        match request.POST.get("choice"):
            case "all":
                services.choose_all(outcome=outcome, accept=True, **common)
            case "none":
                services.choose_all(outcome=outcome, accept=False, **common)
            case _:
                services.choose_lines(
                    shown=_ids(request, "shown"), accepted=_ids(request, "accepted"), **common
                )
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "採用する行を保存しました。機関の登録は、まだ変わっていません。")
    return _back(pk, outcome, request.POST.get("page", ""))


def _ids(request: HttpRequest, name: str) -> list[int]:
    return [int(text) for text in request.POST.getlist(name) if text.isdecimal() and len(text) < 19]


@office_view(services.ACT)
def roster_apply(request: HttpRequest, pk: int) -> HttpResponse:
    """What applying would do, and doing it."""
    user = person(request)
    roster = _roster(request, pk)
    if request.method == "POST":
        try:
            job = request_apply(roster=roster, version=_version(request), actor=user)
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return redirect("office:roster_apply", pk=pk)
        if job is not None:
            return _back(pk)
        messages.success(request, "名簿を反映しました。新しい機関の責任者へ、IDの案内を送ります。")
        return _back(pk)
    if roster.state != Roster.State.DRAFT:
        return _back(pk)
    faults = services.platform_faults(roster)
    context = {
        "section": "institutions",
        "roster": roster,
        "tallies": [each for each in tallies(roster) if each.outcome in services.CHOOSABLE],
        "faults": faults,
        "blocked": any(fault.blocks for fault in faults),
        "accepted": sum(each.accepted for each in tallies(roster)),
        "left_open": left_open(user, roster),
    }
    return render(request, "office/rosters/apply.html", context)


@office_view(services.ACT)
@require_safe
def roster_report(request: HttpRequest, pk: int, ending: str) -> HttpResponse:
    """The completion report for the agency."""
    roster = _roster(request, pk)
    if ending not in _REPORTS:
        raise Http404
    make, media_type = _REPORTS[ending]
    content = make(roster)
    name = f"roster-report-{pk}.{ending}"
    record_view(
        actor=person(request),
        what=Access.What.DOWNLOAD,
        object=roster,
        label=f"完了報告 {name}",
        row_count=roster.line_count,  # type: ignore[attr-defined]
    )
    answer = HttpResponse(content, content_type=media_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@office_view(services.ACT)
def roster_drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends a draft without applying it."""
    roster = _roster(request, pk)
    if request.method == "POST":
        try:
            services.drop_roster(roster=roster, version=_shown_version(request), actor=person(request))
        except DomainError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, "名簿を取り下げました。機関の登録は変わっていません。")
        return _back(pk)
    if roster.state != Roster.State.DRAFT:
        return _back(pk)
    context = {
        "section": "institutions",
        "title": "名簿を取り下げる",
        "lead": roster.file_name,
        "facts": [("採用した行", f"{roster.accepted_count:,}行")],  # type: ignore[attr-defined]
        "consequences": [
            "この名簿は反映できなくなります。機関の登録は変わりません。",
            "必要なときは、同じファイルをもう一度読み込めます。",
        ],
        "label": "取り下げる",
        "tone": "danger",
        "shown": roster.version,
        "action_url": reverse("office:roster_drop", args=[pk]),
        "back_url": reverse("office:roster_detail", args=[pk]),
    }
    return render(request, "office/confirm.html", context)


def _shown_version(request: HttpRequest) -> int:
    text = request.POST.get("shown", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0
