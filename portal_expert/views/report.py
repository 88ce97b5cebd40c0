"""The expert's report and travel claim in one flow: written, kept as a draft, checked, handed in (C9)."""

import secrets
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from core import clock
from core.audit.services import record_page
from core.errors import DomainError
from dispatch.models import Dispatch, Draft
from dispatch.receipt_views import panel
from dispatch.services import (
    FieldErrors,
    LineErrors,
    StaleDraft,
    StaleEdit,
    discard_draft,
    draft_of,
    draft_token,
    edit_token,
    lines_with_receipts,
    place_receipts,
    receipts_of,
    save_draft,
    submit_report,
)
from dispatch.services.seeing import close_news
from payments.calculation.expectation import expected_payment
from payments.selectors import dispatch_calculation
from portal_expert import report_entry
from portal_expert.access import expert_view, person
from portal_expert.causes import causes_of
from portal_expert.forms.report import HEADINGS, LONGEST_REPORT
from portal_expert.forms.travel import FIELD_OF_PURPOSE, FIELDS_OF
from portal_expert.guidance import advised
from portal_expert.preview import preview
from portal_expert.report_entry import Entry
from portal_expert.report_page import FORM, OPEN, Page, is_open, missing_ends, near_visits, returned
from portal_expert.selectors import own_dispatches


def own_with_evidence(request: HttpRequest, number: str) -> Dispatch:
    """The expert's own dispatch with its check events and declarations; 404 for any other."""
    return get_object_or_404(
        own_dispatches(person(request))
        .select_related("company", "institution", "expert")
        .prefetch_related("check_events", "declarations"),
        number=number,
    )


def _standing(request: HttpRequest, dispatch: Dispatch) -> tuple[Entry, Draft | None]:
    """What the page begins with: the draft, else what stands in the dispatch."""
    draft = draft_of(person=person(request), form=FORM, object=dispatch.number)
    return (
        report_entry.from_draft(draft.values) if draft else report_entry.from_dispatch(dispatch),
        draft,
    )


def _keep(request: HttpRequest, dispatch: Dispatch, entry: Entry, *, over: bool = False) -> Draft:
    """Saves what was typed, unless another page saved something else meanwhile."""
    return save_draft(
        person=person(request),
        form=FORM,
        object=dispatch.number,
        values=entry.values(),
        seen=None if over else request.POST.get("seen", ""),
        page=request.POST.get("page", "")[:40],
    )


@require_http_methods(["GET", "HEAD", "POST"])
@expert_view
def report(request: HttpRequest, number: str) -> HttpResponse:
    """The page on which report and claim are written; after handing in, what was handed in and what comes next."""
    dispatch = own_with_evidence(request, number)
    record_page(actor=person(request), rows=dispatch)
    close_news(dispatch=dispatch, person=person(request))
    if not is_open(dispatch):
        return _closed(request, dispatch)
    if request.method == "POST":
        return _posted(request, dispatch)
    entry, draft = _standing(request, dispatch)
    checked = "checked" in request.GET
    page = Page(dispatch, entry, checked=checked, attached=_attached(dispatch))
    if checked and page.is_valid():
        # the form has nothing to say; what the service would refuse is shown
        _refusals(request, dispatch, page)
    return _written(request, page, draft=draft, opened=True)


def _posted(request: HttpRequest, dispatch: Dispatch) -> HttpResponse:
    action, _, given = request.POST.get("action", "save").partition(":")
    entry = report_entry.from_form(request.POST)
    if action == "discard":
        discard_draft(person=person(request), form=FORM, object=dispatch.number)
        messages.success(request, "入力途中の内容を破棄しました。")
        return redirect("expert:report", dispatch.number)
    entry, focus = _changed(dispatch, entry, action, given, _attached(dispatch))
    try:
        draft = _keep(request, dispatch, entry, over=action == "mine")
    except StaleDraft as conflict:
        return _conflicting(request, dispatch, entry, conflict.standing)
    except DomainError as refusal:
        page = Page(dispatch, entry, checked=False, attached=_attached(dispatch))
        page.general.append(refusal.message)
        return _written(request, page, draft=None)
    if action == "check":
        return redirect("expert:report_check", dispatch.number)
    if action in ("save", "mine", "restore"):
        words = {"restore": "この端末に残っていた入力を戻しました。", "mine": "この画面の内容を残しました。"}
        messages.success(
            request, words.get(action, f"入力を保存しました（{clock.jst(draft.saved_at):%H:%M}）。")
        )
        return redirect("expert:report", dispatch.number)
    if action == "remove":
        _let_go(request, dispatch, given)
    page = Page(dispatch, entry, checked=False, attached=_attached(dispatch))
    return _written(request, page, draft=draft, focus=focus)


def _changed(
    dispatch: Dispatch, entry: Entry, action: str, given: str, attached: dict[int, set[str]]
) -> tuple[Entry, int | None]:
    """The entry after a press of one of its buttons, and the line to look at next."""
    if action == "add" and given in FIELDS_OF:
        line = report_entry.new_line(dispatch, entry, given, attached)
        return entry.with_line(line), line.number
    if action == "headings":
        text = "\n\n".join(part for part in (entry.head["report"].strip(), "\n\n\n".join(HEADINGS)) if part)
        return Entry({**entry.head, "report": text}, entry.lines), None
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 11 else -1
    line_there = entry.line(number)
    if line_there is None:
        return entry, None
    if action == "remove":
        return entry.without_line(number), None
    if action in ("copy", "back"):
        made = {"copy": report_entry.copied, "back": report_entry.way_back}[action](
            line_there, entry.next_number(attached)
        )
        return entry.with_line(made, after=number), made.number
    return entry, number


def _attached(dispatch: Dispatch) -> dict[int, set[str]]:
    """What pictures each 行番号 has, by the field of the line they stand for: receipt, stub."""
    found = {}
    for number, purposes in lines_with_receipts(dispatch).items():
        found[number] = {FIELD_OF_PURPOSE[purpose] for purpose in purposes if purpose in FIELD_OF_PURPOSE}
    return found


def _let_go(request: HttpRequest, dispatch: Dispatch, number: str) -> None:
    """The receipts of a removed line stay, without a line."""
    places = {
        receipt.uuid: (receipt.purpose, None)
        for receipt in receipts_of(dispatch, person(request))
        if str(receipt.line_number) == number
    }
    if places:
        place_receipts(dispatch=dispatch, places=places, actor=person(request))


def _is_part(request: HttpRequest) -> bool:
    """Whether the page's script asked, which puts the lines into the page itself."""
    return request.headers.get("X-Requested-With") == "fetch"


def _written(
    request: HttpRequest,
    page: Page,
    *,
    draft: Draft | None,
    focus: int | None = None,
    conflict: dict[str, Any] | None = None,
    opened: bool = False,
) -> HttpResponse:
    dispatch = page.dispatch
    user = person(request)
    context = {
        "section": "visits",
        "visit": dispatch,
        "page": page,
        "rows": page.rows(),
        "problems": page.problems(),
        "focus": str(focus) if focus is not None else None,
        "kinds": tuple(FIELDS_OF),
        "seen": request.POST.get("seen", "") if conflict else draft_token(draft),
        "key": (request.POST.get("page", "") if request.method == "POST" else "")[:40]
        or secrets.token_urlsafe(12),
        "draft": draft,
        "opened": opened,
        "conflict": conflict,
        "use_saved": reverse("expert:report", args=[dispatch.number]),
        "length": len(page.entry.head.get("report", "")),
        "longest": LONGEST_REPORT,
    }
    if _is_part(request):
        answer = render(request, "expert/report/lines.html", context)
        answer["X-Seen"], answer["X-Saved"] = draft_token(draft), _time(draft)
        return answer
    back = returned(dispatch)
    context |= {
        "returned": back,
        "about": {part: back.about(part) for part in ("times", "report", "travel")} if back else {},
        "missing": missing_ends(dispatch),
        "causes": [cause for cause in causes_of(dispatch) if cause.is_needed],
        "near": near_visits(dispatch, user),
        **panel(dispatch, user),
        "receipts_lines": [(line.number, line.kind) for line in page.entry.lines],
    }
    return render(request, "expert/report/form.html", context, status=409 if conflict else 200)


def _time(draft: Draft | None) -> str:
    return f"{clock.jst(draft.saved_at):%H:%M}" if draft else ""


def _conflict(entry: Entry, standing: Draft) -> dict[str, Any]:
    there = report_entry.from_draft(standing.values)
    return {"standing": standing, "differences": list(report_entry.differences(entry, there))}


def _conflicting(request: HttpRequest, dispatch: Dispatch, entry: Entry, standing: Draft) -> HttpResponse:
    """Both versions; nothing is written over before the person has chosen."""
    if _is_part(request):
        return _conflict_part(request, dispatch, entry, standing)
    page = Page(dispatch, entry, checked=False, attached=_attached(dispatch))
    return _written(request, page, draft=None, conflict=_conflict(entry, standing))


def _conflict_part(request: HttpRequest, dispatch: Dispatch, entry: Entry, standing: Draft) -> HttpResponse:
    """The same for the page's script, which puts it into the page."""
    context = {
        "conflict": _conflict(entry, standing),
        "use_saved": reverse("expert:report", args=[dispatch.number]),
    }
    return JsonResponse(
        {"conflict": render_to_string("expert/report/conflict.html", context, request)}, status=409
    )


@require_POST
@expert_view
def keep(request: HttpRequest, number: str) -> HttpResponse:
    """Saves what is typed, for the page's script: answers when, and the version it now stands on."""
    dispatch = own_with_evidence(request, number)
    if not is_open(dispatch):
        return JsonResponse(
            {"refused": "この報告は、いま書けません（提出済みなど）。画面を開き直してください。"}, status=410
        )
    entry = report_entry.from_form(request.POST)
    try:
        draft = _keep(request, dispatch, entry)
    except StaleDraft as conflict:
        return _conflict_part(request, dispatch, entry, conflict.standing)
    except DomainError as refusal:
        return JsonResponse({"refused": refusal.message}, status=422)
    return JsonResponse({"seen": draft_token(draft), "saved": _time(draft)})


@require_http_methods(["GET", "HEAD", "POST"])
@expert_view
def check(request: HttpRequest, number: str) -> HttpResponse:
    """Before handing in: what would be found, what would be paid and why. A POST hands in."""
    dispatch = own_with_evidence(request, number)
    record_page(actor=person(request), rows=dispatch)
    if not is_open(dispatch):
        return redirect("expert:report", number)
    entry, draft = _standing(request, dispatch)
    page = Page(dispatch, entry, checked=True, attached=_attached(dispatch))
    if not page.is_valid():
        return redirect(_with_errors(number))
    context: dict[str, Any] = {"section": "visits", "visit": dispatch, "page": page, "status": 200}
    if request.method == "POST":
        if request.POST.get("seen", "") != draft_token(draft):
            context["changed"] = (
                "確認の後に入力が変わりました。下の内容をもう一度確認して、提出してください。"
            )
        else:
            try:
                submit_report(
                    dispatch=dispatch,
                    report=page.report(),
                    lines=page.claim(),
                    actor=person(request),
                    edit_token=request.POST.get("edit_token", ""),
                )
            except (FieldErrors, LineErrors):
                return redirect(_with_errors(number))
            except StaleEdit as stale:
                context["changed"] = stale.message
            else:
                messages.success(request, f"派遣 {number} の報告と旅費請求を提出しました。")
                return redirect("expert:report", number)
    try:
        found = preview(dispatch=dispatch, report=page.report(), lines=page.claim(), actor=person(request))
    except (FieldErrors, LineErrors):
        return redirect(_with_errors(number))
    numbers = {line.number for line in entry.lines}
    context |= {
        "expected": found,
        "advised": advised(found.findings, writing=True) if found else {},
        "loose": sum(one.line_number not in numbers for one in receipts_of(dispatch, person(request))),
        "seen": draft_token(draft),
        "edit_token": edit_token(own_dispatches(person(request)).get(pk=dispatch.pk)),
    }
    return render(request, "expert/report/check.html", context, status=409 if "changed" in context else 200)


def _with_errors(number: str) -> str:
    return f"{reverse('expert:report', args=[number])}?checked=1"


def _refusals(request: HttpRequest, dispatch: Dispatch, page: Page) -> None:
    try:
        preview(dispatch=dispatch, report=page.report(), lines=page.claim(), actor=person(request))
    except (FieldErrors, LineErrors) as refusal:
        page.refuse(refusal)


def _closed(request: HttpRequest, dispatch: Dispatch) -> HttpResponse:
    """Before the visit and after handing in: nothing to write."""
    context: dict[str, Any] = {"section": "visits", "visit": dispatch, "early": dispatch.status in OPEN}
    if dispatch.reported_at is not None:
        paid = dispatch_calculation(dispatch) if dispatch.status in ("scheduled", "paid") else None
        found = None if paid else expected_payment(dispatch)
        context |= {
            "paid": paid,
            "expected": found,
            "advised": advised(found.findings, writing=False, approved=dispatch.approved_at is not None)
            if found
            else {},
            "lines": list(dispatch.travel_lines.order_by("line_no")),
            **panel(dispatch, person(request)),
        }
    status = 200
    if request.method == "POST":
        # somebody was faster in another window: what was written here is given back, not swallowed
        status, context["typed"] = 409, report_entry.from_form(request.POST).head["report"]
    return render(request, "expert/report/closed.html", context, status=status)
