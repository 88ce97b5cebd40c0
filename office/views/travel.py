"""検収: the claims that wait for the office, the decisions on their lines, and corrections of what was claimed."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Page
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.rights import may
from core import clock
from core.audit.models import Access
from core.audit.services import record_page, record_view
from core.errors import DomainError
from core.exchange.registry import table_of
from core.programme.models import CodeItem
from core.programme.selectors import code_items, dispatch_terms
from dispatch.models import Dispatch, Receipt, TravelLine
from dispatch.receipt_views import panel
from dispatch.selectors import received_values
from dispatch.services import (
    FieldErrors,
    StaleEdit,
    TravelCheckRefused,
    check_travel_lines,
    correct_travel_line,
    line_versions,
)
from dispatch.services.corrections import stored_texts
from dispatch.transitions import EXCLUDABLE
from office.access import office_view, person
from office.lists import containing, page_of
from office.travel_forms import LineCorrectionForm, TravelCheckForm
from office.travel_lines import (
    REASONS,
    UNUSUAL,
    Section,
    amounts_by_line,
    is_unusual,
    next_in_queue,
    queue_state,
    travel_queue,
    travel_section,
    with_decisions,
)
from office.waiting import Waiting, waiting_source
from rules import codes

SEARCHED = ("number", "expert__name", "expert__kana", "company__name")


@waiting_source(22)
def claims_waiting(user: User) -> list[Waiting]:
    """Claims whose lines wait for a decision."""
    if not may(user, "check_travel").allowed:
        return []
    count, oldest = queue_state(user)
    if not count:
        return []
    return [
        {
            "title": "旅費の確認",
            "url": reverse("office:travel_queue"),
            "count": count,
            "oldest": oldest,
            "note": "距離の認定、レンタカーの認定、証拠書類の不足などです。",
        }
    ]


@office_view()
def travel_queue_list(request: HttpRequest) -> HttpResponse:
    """The claims that wait, oldest first."""
    user = person(request)
    rows = travel_queue(user).filter(containing(request.GET.get("q", ""), *SEARCHED))
    code, kind = request.GET.get("code", ""), request.GET.get("kind", "")
    if code == UNUSUAL:
        rows = rows.filter(Q(is_unusual=True))
    elif code in REASONS:
        rows = rows.filter(findings__code=code)
    if kind in codes.TRAVEL_KINDS:
        rows = rows.filter(travel_lines__kind=kind).distinct()
    page: Page = page_of(request, rows)
    record_page(actor=user, rows=page.object_list)
    usual = dispatch_terms(clock.today()).usual_claim_yen
    for dispatch in page.object_list:
        lines = dispatch.claim_lines
        dispatch.claimed = sum(line.claimed for line in lines)
        dispatch.kinds = list(dict.fromkeys(line.kind for line in lines))
        found = [each.code for each in dispatch.claim_findings]
        if any(is_unusual(line, usual) for line in lines):
            found.append(UNUSUAL)
        dispatch.causes = [(each, REASONS.get(each, each)) for each in found]
    context = {
        "section": "work",
        "page": page,
        "reasons": [(name, f"{name} {title}") for name, title in REASONS.items()],
        "kinds": [(name, name) for name in codes.TRAVEL_KINDS],
    }
    return render(request, "office/travel/list.html", context)


def _dispatch(request: HttpRequest, number: str) -> Dispatch:
    rows = Dispatch.objects.visible_to(person(request)).select_related(
        "expert", "institution", "company", "assessment"
    )
    return get_object_or_404(rows, number=number)


def why_not(dispatch: Dispatch, user: User) -> str:
    """Why this person can't decide on the claim now; "" when they can."""
    allowed, reason = may(user, "check_travel")
    if not allowed:
        return reason
    if dispatch.status not in EXCLUDABLE:
        return f"この派遣は「{dispatch.get_status_display()}」のため、旅費の認定は変えられません。"
    return ""


def section_context(section: Section, user: User, form: TravelCheckForm | None = None) -> dict[str, Any]:
    """What templates/office/travel/section.html shows, on the dispatch's page and on the claim's own."""
    form = form or TravelCheckForm(section.lines)
    receipts = panel(section.dispatch, user)
    of_line: dict[int, list[Receipt]] = {}
    for receipt in receipts["receipts"]:
        if receipt.line_number is not None and receipt.can_be_seen:
            of_line.setdefault(receipt.line_number, []).append(receipt)
    rows = form.rows()
    for row in rows:
        row["receipts"] = of_line.get(row["row"].line.line_no, [])
    return {
        **receipts,
        "receipts_lines": [
            (each.line.line_no, f"{each.line.kind} {each.line.origin}".strip()) for each in section.lines
        ],
        "claim": section,
        "claim_form": form,
        "claim_rows": rows,
        "claim_why_not": why_not(section.dispatch, user),
        "claim_reasons": code_items(CodeItem.List.TRAVEL_REASON, clock.today()),
    }


@office_view()
def travel_check(request: HttpRequest, number: str) -> HttpResponse:
    """One claim: its lines, what the rules say, and the decisions on them."""
    user = person(request)
    dispatch = _dispatch(request, number)
    section = travel_section(dispatch)
    form = None
    if request.method == "POST":
        form = TravelCheckForm(section.lines, request.POST)
        if form.is_valid():
            if not form.decisions:
                messages.info(request, "変更はありません。")
                return _onwards(request, dispatch)
            try:
                check_travel_lines(dispatch=dispatch, decisions=form.decisions, actor=user)
            except TravelCheckRefused as refusal:
                form = form.refused(refusal)
            except DomainError as refusal:
                form.add_error(None, refusal.message)
            else:
                messages.success(request, _said(dispatch, section, len(form.decisions)))
                return _onwards(request, dispatch)
    record_view(actor=user, what=Access.What.EVIDENCE, object=dispatch)
    context = {
        "section": "work",
        "dispatch": dispatch,
        "from_queue": request.GET.get("from") == "queue" or request.POST.get("go") in ("next", "stay-queue"),
        **section_context(section, user, form),
    }
    return render(request, "office/travel/check.html", context)


def _said(dispatch: Dispatch, before: Section, count: int) -> str:
    after = travel_section(dispatch)
    said = f"派遣 {dispatch.number} の旅費 {count}行を認定しました。"
    if before.total is not None and after.total is not None:
        said += f"旅費の見込み（日当を除く）は {before.total:,}円 → {after.total:,}円 です。"
    return said


def _onwards(request: HttpRequest, dispatch: Dispatch) -> HttpResponse:
    go = request.POST.get("go", "")
    if go == "next":
        number = next_in_queue(person(request), dispatch)
        if number:
            return redirect(f"{reverse('office:travel_check', args=[number])}?from=queue")
        messages.info(request, "旅費の確認を待つ派遣は、ほかにありません。")
        return redirect("office:travel_queue")
    if go == "dispatch":
        return redirect(f"{reverse('office:dispatch_detail', args=[dispatch.number])}#travel-title")
    return redirect("office:travel_check", number=dispatch.number)


@require_POST
@office_view("check_travel")
def travel_preview(request: HttpRequest, number: str) -> HttpResponse:
    """What the lines would be worth with what is typed; changes nothing."""
    section = travel_section(_dispatch(request, number))
    form = TravelCheckForm(section.lines, request.POST)
    rows, after_total = [], None
    if section.visit is not None and section.rules is not None:
        after = amounts_by_line(with_decisions(section.visit, form.typed()), section.rules)
        after_total = sum(yen for yen, _ in after.values())
        rows = [
            {
                "line": each.line,
                "before": each.rule_yen,
                "after": after[each.line.line_no][0],
                "note": after[each.line.line_no][1],
            }
            for each in section.lines
            if each.line.line_no in after and after[each.line.line_no][0] != each.rule_yen
        ]
    context = {"claim": section, "rows": rows, "after_total": after_total}
    return render(request, "office/travel/preview.html", context)


@office_view("check_travel")
def travel_line(request: HttpRequest, number: str, line_no: int) -> HttpResponse:
    """Corrects the facts of one line; what was received stays beside what is corrected."""
    user = person(request)
    dispatch = _dispatch(request, number)
    line = dispatch.travel_lines.filter(line_no=line_no).first()
    if line is None:
        raise Http404
    stored = stored_texts(table_of(TravelLine), line.pk)
    seen = line_versions([line])[line.pk]
    form = LineCorrectionForm(line, stored, seen, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        before = travel_section(dispatch)
        try:
            made = correct_travel_line(
                line=line,
                values=form.values(),
                reason=form.cleaned_data["reason"],
                actor=user,
                seen=form.cleaned_data["seen"] or 0,
            )
        except FieldErrors as refused:
            form.refuse(refused.by_field)
        except StaleEdit as stale:
            data = request.POST.copy()
            data["seen"] = str(seen)
            form = LineCorrectionForm(line, stored, seen, data)
            form.full_clean()
            form.add_error(None, stale.message)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            if made:
                after = travel_section(dispatch)
                messages.success(request, _corrected(line, len(made), before, after))
            else:
                messages.info(request, "変更はありません。")
            return redirect("office:travel_check", number=dispatch.number)
    record_view(actor=user, what=Access.What.EVIDENCE, object=dispatch)
    received = {
        column: text
        for (file, row, column), text in received_values(dispatch).items()
        if (file, row) == ("travel_claims", str(line_no))
    }
    context = {
        "section": "work",
        "dispatch": dispatch,
        "line": line,
        "form": form,
        "received": received,
        "why_not": why_not(dispatch, user),
    }
    return render(request, "office/travel/line.html", context)


def _corrected(line: TravelLine, count: int, before: Section, after: Section) -> str:
    said = f"{line.line_no}行目の{count}項目を訂正しました。"
    if before.total is not None and after.total is not None:
        said += f"旅費の見込み（日当を除く）は {before.total:,}円 → {after.total:,}円 です。"
    return said
