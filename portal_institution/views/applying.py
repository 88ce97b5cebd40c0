"""Applying for a dispatch: the form, its checks while it is typed, the confirmation, and what comes next."""

import secrets
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from core.audit.services import record_page
from dispatch.models import ApprovalRequest, Case, Dispatch, DispatchApplication
from dispatch.services import ObstaclesFound, apply_for_dispatch, discard_draft
from dispatch.services.reminding import due_dates
from experts.models import Expert
from portal_institution.access import institution_view, person
from portal_institution.checking import Checks, checks_of
from portal_institution.confirming import facts_of
from portal_institution.drafts import Begun, address_of, begun
from portal_institution.forms.applying import QUESTIONS, ApplicationForm
from portal_institution.forms.approval import YES
from portal_institution.forms.fields import place_text
from portal_institution.matching import place_of
from rules import codes

DRAFT = "application"
# The inputs beside which obstacles can stand.
SLOTS = [
    "expert", "topic", "day", "end", "method", "web_reason", "place", "position", *QUESTIONS, "limit_reason", "lead_reason",
]  # fmt: skip
_LONGEST_KEY = 64


def _case(request: HttpRequest, code: str) -> Case:
    cases = Case.objects.visible_to(person(request)).select_related("company", "institution")
    return get_object_or_404(cases, code=code)


def _first_values(request: HttpRequest, case: Case, draft: Begun | None) -> dict[str, str]:
    """What is typed before anything is typed: the client's place, the case's topic, what was begun, who was chosen."""
    company, user = case.company, person(request)
    values = {
        "topic": case.topic,
        "method": codes.METHOD_FACE_TO_FACE,
        "place": company.address,
        "position": place_text(company.latitude, company.longitude),
        "key": secrets.token_urlsafe(16),
    }
    for name, value in (draft.values if draft else {}).items():
        values[name] = value if isinstance(value, str) else ""
    if chosen := request.GET.get("expert", ""):
        expert = Expert.objects.visible_to(user).filter(code=chosen).first()
        if expert is not None:
            if values.get("expert") not in ("", None, expert.code):
                # what was answered about somebody else is no answer about this one
                values |= dict.fromkeys(QUESTIONS, "")
            values |= {"expert": expert.code, **_said_of(expert, case)}
    if day := request.GET.get("day", ""):
        values["day"] = day[:10]
    return values


def _said_of(expert: Expert, case: Case) -> dict[str, str]:
    """Answers that the register gives already; they can be changed."""
    answers = {}
    if expert.subsidised_labour:
        answers["subsidised_labour"] = YES
    if case.institution.code in expert.affiliated_codes:
        answers["member_of_institution"] = YES
    return answers


def _key_of(values: Mapping[str, Any]) -> str:
    return str(values.get("key") or "")[:_LONGEST_KEY]


def _sent_before(request: HttpRequest, key: str, case: Case) -> DispatchApplication | None:
    rows = DispatchApplication.objects.visible_to(person(request)).select_related(
        "dispatch", "dispatch__expert"
    )
    return rows.filter(key=key, case=case).first() if key else None


def _judged(request: HttpRequest, case: Case, typed: Mapping[str, Any]) -> ApplicationForm:
    form = ApplicationForm(typed, case=case, user=person(request))
    form.is_valid()
    return form


def _unjudged(form: ApplicationForm) -> ApplicationForm:
    """The same values in a form without errors: nothing is wrong with what nobody has sent yet."""
    typed = {name: form.data.get(name, "") for name in form.fields}
    return ApplicationForm(initial=typed, case=form.case, user=form.user)


@institution_view("apply_for_dispatch")
def apply(request: HttpRequest, code: str) -> HttpResponse:
    """The application for a case: filled in, looked at as a whole, sent once."""
    case = _case(request, code)
    if request.method == "POST":
        return _posted(request, case)
    user = person(request)
    draft = begun(user, DRAFT, case.code)
    if draft is not None and _sent_before(request, _key_of(draft.values), case):
        # kept by another tab after it was sent
        discard_draft(person=user, form=DRAFT, object=case.code)
        draft = None
    values = _first_values(request, case, draft)
    form = _judged(request, case, values)
    return _page(request, form, checks_of(form), key=_key_of(values), draft=draft)


def _page(
    request: HttpRequest,
    form: ApplicationForm,
    checks: Checks,
    *,
    key: str,
    draft: Begun | None = None,
    refused: bool = False,
) -> HttpResponse:
    case, chosen = form.case, form.chosen
    if chosen is not None:
        record_page(actor=person(request), rows=chosen)
    shown = form if refused else _unjudged(form)
    context = {
        "section": "cases",
        "case": case,
        "form": shown,
        "questions": [shown[name] for name in QUESTIONS],
        "checks": checks,
        "beside": {name: checks.beside(name) for name in SLOTS},
        "refused": refused,
        "key": key,
        "chosen": chosen,
        "chosen_place": place_of(chosen) if chosen else "",
        "begun": draft,
        "draft_url": address_of(DRAFT, case.code),
    }
    return render(request, "institution/applying/form.html", context)


@institution_view("apply_for_dispatch")
@require_POST
def apply_check(request: HttpRequest, code: str) -> HttpResponse:
    """What stands in the way of what is typed so far: the live summary and the places beside the inputs."""
    case = _case(request, code)
    checks = checks_of(_judged(request, case, request.POST))
    context = {"checks": checks, "slots": [(name, checks.beside(name)) for name in SLOTS], "case": case}
    return render(request, "institution/applying/checked.html", context)


def _posted(request: HttpRequest, case: Case) -> HttpResponse:
    form = _judged(request, case, request.POST)
    key, step = _key_of(request.POST), request.POST.get("step", "")
    before = _sent_before(request, key, case)
    if before is not None:
        return _answered_before(request, form, before.dispatch)
    checks = checks_of(form)
    if step == "edit":
        return _page(request, form, checks, key=key)
    if not checks.can_be_sent:
        return _page(request, form, checks, key=key, refused=True)
    if step != "send":
        return _confirmation(request, form, checks, key)
    try:
        dispatch = apply_for_dispatch(application=form.application(), actor=person(request), key=key)
    except ObstaclesFound as refusal:
        # somebody was faster; everything typed stays
        checks = checks_of(form, [*refusal.obstacles, *checks.approvals, *checks.warnings])
        return _page(request, form, checks, key=key, refused=True)
    discard_draft(person=person(request), form=DRAFT, object=case.code)
    return redirect("portal:applied", number=dispatch.number)


def _answered_before(request: HttpRequest, form: ApplicationForm, dispatch: Dispatch) -> HttpResponse:
    """The same form sent twice applied once; another content under the same form is not taken for it."""
    application = form.application()
    same = application.expert == dispatch.expert and application.planned_from == dispatch.planned_from
    discard_draft(person=person(request), form=DRAFT, object=form.case.code)
    if not same:
        messages.warning(
            request,
            f"この画面の申請は、別のタブで派遣 {dispatch.number} として送信済みです。内容が異なるため、今回は送信していません。"
            "もう一件申請する場合は、支援案件の画面から始めてください。",
        )
    return redirect("portal:applied", number=dispatch.number)


def _confirmation(request: HttpRequest, form: ApplicationForm, checks: Checks, key: str) -> HttpResponse:
    context = {
        "section": "cases",
        "case": form.case,
        "checks": checks,
        "groups": facts_of(form),
        "hidden": [(name, form.data.get(name, "")) for name in form.fields],
        "key": key,
    }
    return render(request, "institution/applying/confirm.html", context)


@institution_view("apply_for_dispatch")
def applied(request: HttpRequest, number: str) -> HttpResponse:
    """After sending: what happens next, and who has to act."""
    user = person(request)
    rows = Dispatch.objects.visible_to(user).select_related(
        "expert", "company", "institution", "application__case"
    )
    dispatch = get_object_or_404(rows, number=number, application__isnull=False)
    requests = list(ApprovalRequest.objects.visible_to(user).filter(dispatch=dispatch, decided_at=None))
    record_page(actor=user, rows=dispatch)
    due = due_dates(dispatch)
    context = {
        "section": "dispatches",
        "dispatch": dispatch,
        "case": dispatch.application.case,
        "requests": requests,
        "due": due[0] if due else None,
    }
    return render(request, "institution/applying/applied.html", context)
