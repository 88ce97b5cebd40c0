"""The registers: experts and institutions, to look things up."""

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from accounts.models import User
from core import clock
from core.audit.services import record_page
from core.japan.industries import industry_name
from dispatch.models import Dispatch
from experts.models import Expert
from institutions.models import YOROZU, Institution
from institutions.operator_change.selectors import operators_of_base
from office.access import office_view, person
from office.lists import containing, page_of, prefecture_choices, prefecture_name, same, sorted_by
from office.selectors import bank_names, codes_of, payouts_of_year
from payments.models import Payout
from rules import codes


def _name_prefectures(rows: Any) -> None:
    for row in rows:
        row.prefecture_name = prefecture_name(row.prefecture_code)


@office_view()
def expert_list(request: HttpRequest) -> HttpResponse:
    """Experts by name, kana, code, prefecture and payee class."""
    rows = Expert.objects.visible_to(person(request)).select_related("recommended_by")
    rows = rows.filter(containing(request.GET.get("q", ""), "name", "kana", "code", "address", "email"))
    if prefecture := request.GET.get("prefecture"):
        rows = rows.filter(prefecture_code=prefecture)
    if payee_class := request.GET.get("payee_class"):
        rows = rows.filter(payee_class=payee_class)
    columns = {"code": "code", "name": "kana", "kana": "kana", "prefecture": "prefecture_code"}
    page = page_of(request, sorted_by(request, rows, columns, ("code",)))
    _count_dispatches(page, "expert", person(request))
    _name_prefectures(page)
    record_page(actor=person(request), rows=page.object_list)
    context = {
        "section": "experts",
        "page": page,
        "prefectures": prefecture_choices(),
        "payee_classes": same(codes.PAYEE_CLASSES),
    }
    return render(request, "office/experts/list.html", context)


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
        "prefecture_name": prefecture_name(expert.prefecture_code),
        "bank_name": bank_name,
        "branch_name": branch_name,
        "shows_bank": True,
        "admin_url": reverse("admin:experts_expert_change", args=[expert.pk]),
        "affiliations": [{"code": code, "name": known.get(code, "")} for code in expert.affiliated_codes],
        "industries": [f"{letter} {industry_name(letter)}" for letter in expert.industries],
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
        "prefecture_name": prefecture_name(institution.prefecture_code),
        "admin_url": reverse("admin:institutions_institution_change", args=[institution.pk]),
        "members": members,
        "codes": codes_of(user, dispatch__institution=institution),
        "operators": operators_of_base(institution) if institution.kind == YOROZU else [],
        "page": page_of(request, dispatches),
    }
    return render(request, "office/institutions/detail.html", context)
