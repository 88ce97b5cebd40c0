"""Cases of an institution: the list, one case with its log and dispatches, opening, changing, closing."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from core import clock
from core.audit.services import record_page
from core.errors import DomainError
from core.ui.lists import page_of, sorted_by
from dispatch.consent import consent_text, consent_text_of
from dispatch.models import Case
from dispatch.quota import quota_of
from dispatch.services import (
    FieldErrors,
    StaleEdit,
    add_note,
    change_case,
    close_case,
    discard_draft,
    edit_token,
    open_case,
    record_consent,
    reopen_case,
)
from institutions.operator_change.selectors import handed_over_of
from portal_institution.access import institution_view, own_institution, person
from portal_institution.drafts import address_of, begun
from portal_institution.forms.cases import CaseForm, ConsentForm, NoteForm, OptionalConsentForm, ReasonForm
from portal_institution.forms.conflicts import conflict_of, put_errors
from portal_institution.known_clients import client_for_case
from portal_institution.selectors import cases as selectors
from portal_institution.selectors import clients as client_selectors


@institution_view()
def case_list(request: HttpRequest) -> HttpResponse:
    """The institution's cases, by words, state, topic, who opened them and what they wait for."""
    user, asked = person(request), request.GET
    institution = own_institution(user)
    rows = selectors.cases(
        user,
        institution,
        words=asked.get("q", ""),
        **{name: asked.get(name, "") for name in ("state", "topic", "who", "waiting")},
    )
    columns = {"code": "code", "client": "company__name", "topic": "topic"}
    page = page_of(request, sorted_by(request, rows, columns, ("-code",)))
    selectors.tell_of(page)
    record_page(actor=user, rows=page.object_list)
    context = {
        "section": "cases",
        "page": page,
        "states": Case.State.choices,
        "topics": selectors.topics_of(user, institution),
        "openers": selectors.openers_of(user, institution),
        "waiting": selectors.WAITING,
    }
    return render(request, "institution/cases/list.html", context)


def _own(request: HttpRequest, code: str) -> Case:
    return get_object_or_404(
        Case.objects.visible_to(person(request)).select_related("company", "institution", "created_by"),
        code=code,
    )


@institution_view("manage_cases")
def case_new(request: HttpRequest) -> HttpResponse:
    """Opens a case for a client (?client=); without one, the client is looked for first."""
    user = person(request)
    institution = own_institution(user)
    code = request.GET.get("client", "")
    if not code:
        return _choose_client(request)
    company = client_for_case(request, code)
    if company is None:
        raise Http404
    typed, text = None, consent_text(clock.today())
    if request.method == "POST":
        form, consent = CaseForm(request.POST), OptionalConsentForm(request.POST)
        if form.is_valid() & consent.is_valid():
            shown = request.POST.get("consent_version", "")
            try:
                case = open_case(
                    institution=institution,
                    company=company,
                    **{name: form.cleaned_data[name] for name in ("topic", "problem", "why_not_alone")},
                    actor=user,
                    consent=_given(consent, shown) if consent.cleaned_data["agreed"] else None,
                )
            except FieldErrors as errors:
                put_errors(form, errors, Case)
            except DomainError as refusal:
                form.add_error(None, refusal.message)
            else:
                discard_draft(person=user, form="case", object=code)
                messages.success(request, f"支援案件 {case.code} を登録しました。")
                return redirect("portal:case_detail", code=case.code)
    else:
        typed = begun(user, "case", code)
        values = typed.values if typed else {}
        form = CaseForm(initial=values)
        consent = OptionalConsentForm(initial={"given_at": _now_text(), **values})
    client_selectors.name_codes(company)
    record_page(actor=user, rows=company)
    context = {
        "section": "cases",
        "client": company,
        "form": form,
        "consent": consent,
        "text": text,
        "begun": typed,
        "draft_url": address_of("case", code),
    }
    return render(request, "institution/cases/new.html", context)


def _now_text() -> str:
    return f"{clock.jst(clock.now()):%Y-%m-%dT%H:%M}"


def _given(consent: ConsentForm, version: str) -> Any:
    """The consent to the text that was shown; refuses a version that never was."""
    if consent_text_of(version) is None:
        raise DomainError(
            "同意文が新しくなりました。画面を開き直して、支援先に新しい同意文を示してください。"
        )
    return consent.consent_of(version)


def _choose_client(request: HttpRequest) -> HttpResponse:
    """Step one of a new case: whom it is for."""
    user, words = person(request), request.GET.get("q", "")
    rows = client_selectors.clients(user, words=words).order_by("-updated_at", "-pk")
    page = page_of(request, rows, 20)
    client_selectors.tell_of(page, user)
    record_page(actor=user, rows=page.object_list)
    return render(request, "institution/cases/choose.html", {"section": "cases", "page": page})


@institution_view()
def case_detail(request: HttpRequest, code: str) -> HttpResponse:
    """One case: facts, consent, dispatches and whom they wait for, the log; a new entry is written here."""
    user, case = person(request), _own(request, code)
    typed = None
    if request.method == "POST":
        note = NoteForm(request.POST)
        if note.is_valid():
            try:
                add_note(case=case, actor=user, **note.cleaned_data)
            except DomainError as refusal:
                note.add_error(None, refusal.message)
            else:
                discard_draft(person=user, form="case_note", object=code)
                messages.success(request, "相談記録を追加しました。")
                return redirect(f"{reverse('portal:case_detail', args=[code])}#notes")
    else:
        typed = begun(user, "case_note", code)
        note = NoteForm(initial={"held_on": f"{clock.today():%Y-%m-%d}", **(typed.values if typed else {})})
    notes = page_of(request, selectors.notes_of(case, user), 20)
    dispatches = selectors.dispatches_of(case, user)
    client_selectors.name_codes(case.company)
    record_page(actor=user, rows=case)
    context = {
        "section": "cases",
        "case": case,
        "handed_over": handed_over_of("支援案件", case.code),
        "client": case.company,
        "consent_text": consent_text_of(case.consent_version),
        "dispatches": dispatches,
        "quota": quota_of(case.company_id, case.topic, clock.today()),
        "notes": notes,
        "form": note,
        "begun": typed,
        "draft_url": address_of("case_note", code),
    }
    return render(request, "institution/cases/detail.html", context)


@institution_view("manage_cases")
def case_change(request: HttpRequest, code: str) -> HttpResponse:
    """Changes topic and texts; who changed them meanwhile is shown, and nothing typed is lost."""
    user, case = person(request), _own(request, code)
    typed, conflict = None, None
    token = edit_token(case)
    if request.method == "POST":
        form = CaseForm(request.POST)
        if form.is_valid():
            try:
                change_case(
                    case=case,
                    values=form.data_of(),
                    actor=user,
                    edit_token=request.POST.get("edit_token", ""),
                )
            except StaleEdit as stale:
                conflict = conflict_of(stale, form, Case)
            except FieldErrors as errors:
                put_errors(form, errors, Case)
            except DomainError as refusal:
                form.add_error(None, refusal.message)
            else:
                discard_draft(person=user, form="case_change", object=code)
                messages.success(request, "支援案件を変更しました。")
                return redirect("portal:case_detail", code=code)
        if conflict is None:
            token = request.POST.get("edit_token", "")
    else:
        typed = begun(user, "case_change", code)
        form = CaseForm(initial={**CaseForm.values_of(case), **(typed.values if typed else {})})
        token = (typed.values.get("edit_token") if typed else "") or token
    record_page(actor=user, rows=case)
    context = {
        "section": "cases",
        "case": case,
        "form": form,
        "conflict": conflict,
        "edit_token": token,
        "begun": typed,
        "draft_url": address_of("case_change", code),
    }
    return render(request, "institution/cases/change.html", context)


@institution_view("manage_cases")
def case_consent(request: HttpRequest, code: str) -> HttpResponse:
    """Shows the text of the day and records that the client agreed to it."""
    user, case = person(request), _own(request, code)
    text = consent_text(clock.today())
    form = ConsentForm(request.POST or None, initial={"given_at": _now_text()})
    if request.method == "POST" and form.is_valid():
        try:
            given = _given(form, request.POST.get("consent_version", ""))
            record_consent(
                case=case, given_by=given.given_by, text_version=given.text_version, at=given.at, actor=user
            )
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, "支援先の同意を記録しました。")
            return redirect("portal:case_detail", code=code)
    record_page(actor=user, rows=case)
    context = {"section": "cases", "case": case, "form": form, "text": text}
    return render(request, "institution/cases/consent.html", context)


def _with_reason(
    request: HttpRequest, code: str, service: Callable[..., Case], words: dict[str, Any], done: str
) -> HttpResponse:
    user, case = person(request), _own(request, code)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            service(case=case, reason=form.cleaned_data["reason"], actor=user)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, done)
            return redirect("portal:case_detail", code=code)
    record_page(actor=user, rows=case)
    context = {"section": "cases", "case": case, "form": form, **words}
    return render(request, "institution/cases/reason.html", context)


@institution_view("manage_cases")
def case_close(request: HttpRequest, code: str) -> HttpResponse:
    """Closes a case, with the reason; refused while dispatches are on their way."""
    words = {
        "title": "支援案件を終了しますか",
        "label": "終了する",
        "note": "終了した案件では、派遣の申請も相談記録の追加もできません。必要になれば、再開できます。",
    }
    return _with_reason(request, code, close_case, words, "支援案件を終了しました。")


@institution_view("manage_cases")
def case_reopen(request: HttpRequest, code: str) -> HttpResponse:
    """Opens a closed case again, with the reason."""
    words = {
        "title": "支援案件を再開しますか",
        "label": "再開する",
        "note": "再開すると、派遣の申請と相談記録の追加ができるようになります。",
    }
    return _with_reason(request, code, reopen_case, words, "支援案件を再開しました。")
