"""The findings queue: what waits on the office's check, and the dispatches that can be verified at once."""

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Min, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from accounts.models import User
from accounts.rights import may
from core.audit.services import record_page
from core.errors import DomainError
from dispatch.models import Assessment, Dispatch, Status
from dispatch.services import verify_dispatch
from experts.models import Expert
from institutions.models import Institution
from office.access import office_view, person
from office.findings_queue import KINDS, SORTS, Overview, Waiting, Wanted, queue_page, urgent
from office.lists import PER_PAGE, page_of, same
from office.months import months_with_visits
from office.selectors import finding_title
from office.turns import LABELS, Turn
from office.waiting import Waiting as Line
from office.waiting import waiting_source

# The order of the tabs; 判断済 comes last and isn't part of "everything".
TABS = (Turn.OFFICE, Turn.INSTITUTION, Turn.EXPERT, Turn.CLIENT, Turn.NOBODY)
# One press verifies as many as a page shows.
MOST_AT_ONCE = PER_PAGE


class _Rows(Sequence[Waiting]):
    """The list as a Paginator takes it: its known length, and the rows of the one page that is asked for."""

    def __init__(self, rows: list[Waiting], total: int) -> None:
        self.rows, self.total = rows, total

    def __len__(self) -> int:
        return self.total

    def __getitem__(self, asked: Any) -> Any:
        return self.rows


@office_view()
def queue(request: HttpRequest) -> HttpResponse:
    """Every dispatch with an open finding, by whose turn, code, kind, month, expert, institution; oldest first."""
    user = person(request)
    wanted = Wanted.asked(request.GET)
    asked = request.GET.get("page")
    found, rows = queue_page(user, wanted, asked)
    page = Paginator(_Rows(rows, found.total), PER_PAGE).get_page(asked)
    expert = institution = None
    if wanted.expert:
        expert = get_object_or_404(Expert.objects.visible_to(user), code=wanted.expert)
    if wanted.institution:
        institution = get_object_or_404(Institution.objects.visible_to(user), code=wanted.institution)
    context = {
        "section": "queue",
        "wanted": wanted,
        "address": wanted.address(),
        "page": page,
        "rows": _with_dispatches(user, page),
        "tabs": _tabs(found),
        "late": found.late,
        "codes": [
            {"group": group, "title": finding_title(group.value), "chosen": group.value == wanted.code}
            for group in found.codes
        ],
        "kinds": same(KINDS),
        "months": [(f"{month:%Y-%m}", f"{month.year}年{month.month}月") for month in months_with_visits()],
        "sorts": [(name, words) for name, (_, words) in SORTS.items() if name != "age"],
        "expert": expert,
        "institution": institution,
    }
    return render(request, "office/queue/list.html", context)


def _tabs(found: Overview) -> list[dict[str, Any]]:
    """A tab for each turn there is something for; the office's own always."""
    return [
        {"value": turn.value, "label": LABELS[turn], "group": found.turns.get(turn)}
        for turn in TABS
        if turn is Turn.OFFICE or turn in found.turns
    ]


def _with_dispatches(user: User, page: Page[Waiting]) -> list[dict[str, Any]]:
    """The rows of a page with their dispatches; recorded as looked at."""
    waiting = list(page.object_list)
    dispatches = {
        dispatch.pk: dispatch
        for dispatch in Dispatch.objects.visible_to(user)
        .filter(pk__in=[row.dispatch_id for row in waiting])
        .select_related("expert", "institution", "company")
    }
    rows: list[dict[str, Any]] = []
    for row in waiting:
        if (dispatch := dispatches.get(row.dispatch_id)) is not None:
            for finding in row.findings:
                finding["title"] = finding_title(finding["code"])
            rows.append({"waiting": row, "dispatch": dispatch})
    record_page(actor=user, rows=dispatches.values())
    return rows


def _clean(user: User) -> QuerySet[Dispatch]:
    """Approved by the institution, and nothing found at the last check: the longest waiting first."""
    return (
        Dispatch.objects.visible_to(user)
        .filter(status=Status.APPROVED, assessment__kind=Assessment.Kind.PAYABLE)
        .order_by("approved_at", "number")
    )


@office_view()
def clean(request: HttpRequest) -> HttpResponse:
    """「確認できる派遣」: verified several at once, each by itself; a line says what became of each."""
    user = person(request)
    results: list[dict[str, Any]] = []
    error = ""
    if request.method == "POST":
        numbers = list(dict.fromkeys(request.POST.getlist("number")))[:MOST_AT_ONCE]
        results = _verify(user, numbers)
        error = "" if numbers else "確認済にする派遣を選んでください。"
    # the page is chosen by the keys alone: sorting whole records of every clean dispatch would be most of the work
    page = page_of(request, _clean(user).values_list("pk", flat=True))
    shown = Dispatch.objects.visible_to(user).select_related("expert", "institution", "company", "assessment")
    whole = shown.in_bulk(list(page.object_list))
    page.object_list = [whole[pk] for pk in page.object_list if pk in whole]
    record_page(actor=user, rows=page.object_list)
    allowed = may(user, "verify_dispatch")
    context = {
        "section": "queue",
        "page": page,
        "results": results,
        "done": sum(1 for result in results if result["ok"]),
        "error": error,
        "allowed": allowed.allowed,
        "reason": allowed.reason,
    }
    return render(request, "office/queue/clean.html", context)


def _verify(user: User, numbers: list[str]) -> list[dict[str, Any]]:
    """Each dispatch in a transaction of its own: one that is refused holds up no other."""
    known = {row.number: row for row in Dispatch.objects.visible_to(user).filter(number__in=numbers)}
    results = []
    for number in numbers:
        dispatch, text, ok = known.get(number), "見つかりません。", False
        if dispatch is not None:
            try:
                verify_dispatch(dispatch=dispatch, actor=user)
                text, ok = "確認済にしました。", True
            except DomainError as refusal:
                text = refusal.message
        results.append({"number": number, "known": dispatch is not None, "ok": ok, "text": text})
    return results


@waiting_source(20)
def findings_waiting(user: User) -> list[Line]:
    """What the office's own check has to do: findings of its turn, steps of others past their day, clean dispatches."""
    address = reverse("office:queue")
    found = urgent(user)
    lines: list[Line] = []
    if (mine := found.office).count:
        lines.append(
            {
                "title": "確認事項（事務局の番）",
                "url": f"{address}?turn=office",
                "count": mine.count,
                "oldest": mine.oldest,
                "note": "照会・訂正・差戻し・解除などの対応を待っています。",
            }
        )
    if found.late.count:
        lines.append(
            {
                "title": "期限を過ぎた確認事項",
                "url": f"{address}?late=1",
                "count": found.late.count,
                "oldest": found.late.oldest,
                "note": "機関・専門家・支援先の番です。督促は自動で送られています。",
            }
        )
    ready = _clean(user).order_by().aggregate(count=Count("pk"), oldest=Min("approved_at"))
    if may(user, "verify_dispatch").allowed and ready["count"]:
        lines.append(
            {
                "title": "確認できる派遣",
                "url": reverse("office:queue_clean"),
                "count": ready["count"],
                "oldest": ready["oldest"],
                "note": "確認事項のない承認済の派遣です。まとめて確認済にできます。",
            }
        )
    return lines
