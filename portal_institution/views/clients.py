"""Clients of an institution: the list, one client, registering and changing."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from core import clock
from core.audit.services import record_page
from core.errors import DomainError
from core.japan.prefectures import CHOICES as PREFECTURES
from core.ui.lists import page_of, sorted_by
from dispatch.models import Company
from dispatch.quota import quota_of
from dispatch.services import (
    DuplicateClient,
    FieldErrors,
    StaleEdit,
    change_client,
    discard_draft,
    duplicate_hints,
    edit_token,
    register_client,
)
from portal_institution.access import institution_view, own_institution, person
from portal_institution.drafts import NEW, address_of, begun
from portal_institution.forms.clients import ClientForm
from portal_institution.forms.conflicts import conflict_of, put_errors
from portal_institution.known_clients import remember
from portal_institution.selectors import clients as selectors
from rules import codes

KINDS = [(kind, kind) for kind in codes.COMPANY_KINDS]


@institution_view()
def client_list(request: HttpRequest) -> HttpResponse:
    """The clients the institution has to do with, by words, prefecture and kind."""
    user, asked = person(request), request.GET
    rows = selectors.clients(
        user,
        words=asked.get("q", ""),
        prefecture=asked.get("prefecture", ""),
        kind=asked.get("kind", ""),
    )
    columns = {"name": "name", "code": "code", "prefecture": "prefecture_code"}
    page = page_of(request, sorted_by(request, rows, columns, ("-code",)))
    selectors.tell_of(page, user)
    record_page(actor=user, rows=page.object_list)
    context = {"section": "clients", "page": page, "prefectures": PREFECTURES, "kinds": KINDS}
    return render(request, "institution/clients/list.html", context)


def _own(request: HttpRequest, code: str) -> Company:
    return get_object_or_404(Company.objects.visible_to(person(request)), code=code)


@institution_view()
def client_detail(request: HttpRequest, code: str) -> HttpResponse:
    """One client: what is registered, its cases here, what it has left this fiscal year."""
    user, company = person(request), _own(request, code)
    selectors.name_codes(company)
    record_page(actor=user, rows=company)
    context = {
        "section": "clients",
        "client": company,
        "cases": selectors.cases_of(company, user),
        "quota": quota_of(company.pk, "", clock.today()),
    }
    return render(request, "institution/clients/detail.html", context)


@institution_view()
def client_new(request: HttpRequest) -> HttpResponse:
    """Registers a client; probable duplicates are shown, and whoever knows better says so."""
    user = person(request)
    own_institution(user)
    typed = None
    hints: list[dict[str, Any]] = []
    if request.method == "POST":
        form = ClientForm(request.POST)
        if form.is_valid():
            try:
                client = register_client(
                    values=form.data_of(), actor=user, despite=request.POST.get("despite", "").split(",")
                )
            except DuplicateClient as found:
                hints = selectors.hints_for(user, found.hints)
                remember(request, found.hints)
            except FieldErrors as errors:
                put_errors(form, errors, Company)
            else:
                discard_draft(person=user, form="client", object=NEW)
                messages.success(
                    request, f"支援先「{client.name}」を登録しました。続けて、支援案件を登録できます。"
                )
                return redirect("portal:client_detail", code=client.code)
    else:
        typed = begun(user, "client")
        form = ClientForm(initial=typed.values if typed else None)
    context = {
        "section": "clients",
        "form": form,
        "hints": hints,
        "despite": ",".join(hint["company"].code for hint in hints),
        "begun": typed,
        "draft_url": address_of("client"),
    }
    return render(request, "institution/clients/new.html", context)


@institution_view()
@require_POST
def client_duplicates(request: HttpRequest) -> HttpResponse:
    """While a client is typed: the ones it probably is. Posted, so that no address holds what was typed."""
    user, typed = person(request), request.POST
    own_institution(user)
    found = duplicate_hints(
        name=typed.get("name", "")[:200],
        prefecture_code=typed.get("prefecture_code", "")[:2],
        corporate_number=typed.get("corporate_number", "")[:30],
        phone=typed.get("phone", "")[:50],
        excluding=Company.objects.visible_to(user).filter(code=typed.get("itself", "")).first(),
    )
    remember(request, found)
    context = {"hints": selectors.hints_for(user, found)}
    return render(request, "institution/clients/hints.html", context)


@institution_view()
def client_change(request: HttpRequest, code: str) -> HttpResponse:
    """Changes a client; who changed it meanwhile is shown, and nothing typed is lost."""
    user, company = person(request), _own(request, code)
    typed, conflict = None, None
    token = edit_token(company)
    if request.method == "POST":
        form = ClientForm(request.POST, company=company)
        if form.is_valid():
            try:
                change_client(
                    company=company,
                    values=form.data_of(),
                    actor=user,
                    edit_token=request.POST.get("edit_token", ""),
                )
            except StaleEdit as stale:
                conflict = conflict_of(stale, form, Company)
            except FieldErrors as errors:
                put_errors(form, errors, Company)
            except DomainError as refusal:
                form.add_error(None, refusal.message)
            else:
                discard_draft(person=user, form="client_change", object=code)
                messages.success(request, "支援先を変更しました。")
                return redirect("portal:client_detail", code=code)
        if conflict is None:
            token = request.POST.get("edit_token", "")
    else:
        typed = begun(user, "client_change", code)
        form = ClientForm(initial={**ClientForm.values_of(company), **(typed.values if typed else {})})
        token = (typed.values.get("edit_token") if typed else "") or token
    record_page(actor=user, rows=company)
    context = {
        "section": "clients",
        "client": company,
        "form": form,
        "conflict": conflict,
        "edit_token": token,
        "begun": typed,
        "draft_url": address_of("client_change", code),
        "back_url": reverse("portal:client_detail", args=[code]),
    }
    return render(request, "institution/clients/change.html", context)
