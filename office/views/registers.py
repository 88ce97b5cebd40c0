"""The registers: experts and institutions, to look things up."""

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from accounts.models import User
from core import clock
from core.audit.services import record_page
from core.japan.addresses import whole_address
from core.japan.industries import industry_name
from dispatch.models import Dispatch
from experts import search
from experts.models import Expert, Merge
from institutions.models import YOROZU, Institution
from institutions.operator_change.selectors import operators_of_base
from office.access import office_view, person
from office.expert_procedures import procedures_of
from office.expert_search_form import OfficeExpertForm
from office.lists import containing, page_of, prefecture_choices, prefecture_name, same, sorted_by
from office.selectors import bank_names, codes_of, payouts_of_year
from payments.models import Payout
from rules import codes


def _name_prefectures(rows: Any) -> None:
    for row in rows:
        row.prefecture_name = prefecture_name(row.prefecture_code)


@office_view()
def expert_list(request: HttpRequest) -> HttpResponse:
    """Experts by words in any way of writing and by conditions, each with the reasons why; eight queries at most."""
    user = person(request)
    form = OfficeExpertForm(request.GET)
    asked = request.GET.get("page", "")
    found = search.search(
        form.narrowed_to(Expert.objects.visible_to(user))
        .select_related("recommended_by")
        .defer("account_number", "account_holder_kana"),
        form.criteria(),
        page=int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1,
    )
    experts = [hit.expert for hit in found.hits]
    _count_dispatches(experts, "expert", user)
    _name_prefectures(experts)
    record_page(actor=user, rows=experts)
    first = (found.page - 1) * search.PAGE + 1
    context = {
        "section": "experts",
        "form": form,
        "found": found,
        "first": first,
        "last": first + len(experts) - 1,
        "most": search.MOST,
    }
    part = request.headers.get("HX-Request") == "true" and "HX-History-Restore-Request" not in request.headers
    answer = render(request, "office/experts/results.html" if part else "office/experts/list.html", context)
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def _count_dispatches(page: Any, owner: str, user: User) -> None:
    """Counts for the rows of this page only: two aggregates instead of a join over everything."""
    ids = [row.pk for row in page]
    counted = {
        row[owner]: row
        for row in Dispatch.objects.visible_to(user)
        .filter(**{f"{owner}__in": ids})
        .order_by()
        .values(owner)
        .annotate(dispatches=Count("pk"), open=Count("pk", filter=Q(assessment__kind="保留")))
    }
    for row in page:
        found = counted.get(row.pk)
        row.dispatch_count = found["dispatches"] if found else 0
        row.open_findings = found["open"] if found else 0


@office_view()
def expert_detail(request: HttpRequest, code: str) -> HttpResponse:
    """One expert: the register's entry, dispatches and payouts."""
    user = person(request)
    expert = get_object_or_404(Expert.objects.visible_to(user).select_related("recommended_by"), code=code)
    record_page(actor=user, rows=expert)
    bank_name, branch_name = bank_names(expert.bank_code, expert.branch_code)
    known = dict(
        Institution.objects.visible_to(user)
        .filter(code__in=expert.affiliated_codes)
        .values_list("code", "name")
    )
    dispatches = (
        Dispatch.objects.visible_to(user)
        .filter(expert=expert)
        .select_related("institution", "company", "assessment")
        .order_by("-planned_from", "-number")
    )
    year = clock.today().year
    payouts = list(
        Payout.objects.visible_to(user)
        .filter(expert=expert, run__status__in=("approved", "exported", "transferred", "closed"))
        .select_related("run")
        .order_by("-run__pay_date", "-run__name")
    )
    context = {
        "section": "experts",
        "expert": expert,
        "address": whole_address(expert.prefecture_code, expert.address),
        "bank_name": bank_name,
        "branch_name": branch_name,
        "shows_bank": True,
        "admin_url": reverse("admin:experts_expert_change", args=[expert.pk]),
        "merged": Merge.objects.visible_to(user).filter(double=expert).select_related("kept", "by").first(),
        "merges": list(Merge.objects.visible_to(user).filter(kept=expert).select_related("double", "by")),
        "affiliations": [{"code": code, "name": known.get(code, "")} for code in expert.affiliated_codes],
        "industries": [f"{letter} {industry_name(letter)}" for letter in expert.industries],
        "procedures": procedures_of(expert, user),
        "page": page_of(request, dispatches),
        "payouts": payouts,
        **payouts_of_year(payouts, year),
    }
    return render(request, "office/experts/detail.html", context)


@office_view()
def institution_list(request: HttpRequest) -> HttpResponse:
    """Institutions by name, kind and prefecture."""
    rows = Institution.objects.visible_to(person(request))
    rows = rows.filter(containing(request.GET.get("q", ""), "name", "code", "address", "platform_name"))
    if kind := request.GET.get("kind"):
        rows = rows.filter(kind=kind)
    if prefecture := request.GET.get("prefecture"):
        rows = rows.filter(prefecture_code=prefecture)
    columns = {"code": "code", "name": "name", "kind": "kind", "prefecture": "prefecture_code"}
    page = page_of(request, sorted_by(request, rows, columns, ("code",)))
    _count_dispatches(page, "institution", person(request))
    _name_prefectures(page)
    context = {
        "section": "institutions",
        "page": page,
        "kinds": same(codes.INSTITUTION_KINDS),
        "prefectures": prefecture_choices(),
    }
    return render(request, "office/institutions/list.html", context)


@office_view()
def institution_detail(request: HttpRequest, code: str) -> HttpResponse:
    """One institution: the register's entry, its platform, its open findings and dispatches."""
    user = person(request)
    institution = get_object_or_404(Institution.objects.visible_to(user), code=code)
    dispatches = (
        Dispatch.objects.visible_to(user)
        .filter(institution=institution)
        .select_related("expert", "company", "assessment")
        .order_by("-planned_from", "-number")
    )
    members = Institution.objects.none()
    if institution.platform_code:
        members = Institution.objects.visible_to(user).filter(platform_code=institution.platform_code)
        members = members.exclude(pk=institution.pk)
    context = {
        "section": "institutions",
        "institution": institution,
        "address": whole_address(institution.prefecture_code, institution.address),
        "admin_url": reverse("admin:institutions_institution_change", args=[institution.pk]),
        "members": members,
        "codes": codes_of(user, dispatch__institution=institution),
        "operators": operators_of_base(institution) if institution.kind == YOROZU else [],
        "page": page_of(request, dispatches),
    }
    return render(request, "office/institutions/detail.html", context)
