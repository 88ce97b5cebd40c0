"""/expert/appointment/: the conditions and the answer, the 委嘱状, the 就任承諾書."""

import io
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.agreements.models import TextCode, TextVersion
from core.agreements.services import current_text
from core.audit.services import record_page
from core.client_address import address_of
from core.errors import DomainError, FieldErrors, NotAllowed
from experts.appointment.answering import accept_letter, answer_conditions
from experts.appointment.handing import take_acceptance, take_letter
from experts.appointment.models import Acceptance, Appointment, Letter
from experts.appointment.selectors import own_appointments
from portal_expert.access import expert_view, person
from portal_expert.forms.appointment import AGREE, ConditionsForm

State = Appointment.State
_OPEN = (State.OFFERED, State.AGREED, State.DECLINED)


def _text() -> TextVersion | None:
    try:
        return current_text(TextCode.APPOINTMENT_TERMS)
    except DomainError:
        return None


def _own(request: HttpRequest, year: int) -> Appointment:
    for one in own_appointments(person(request)):
        if one.round.fiscal_year == year:
            return one
    raise Http404


def _form(one: Appointment, text: TextVersion | None, data: Any = None) -> ConditionsForm:
    initial = {"version": one.version, "text_version": text.version if text else ""}
    if one.state == State.DECLINED:
        initial |= {"answer": "decline", "reason": one.decline_reason}
    return ConditionsForm(data, initial=initial, prefix=None)


@require_safe
@expert_view
def appointments(request: HttpRequest) -> HttpResponseBase:
    """The own appointments: what waits for the person first."""
    return _page(request)


def _page(request: HttpRequest, bound: ConditionsForm | None = None, year: int = 0) -> HttpResponse:
    user = person(request)
    found = own_appointments(user)
    record_page(actor=user, rows=found)
    text = _text() if any(one.state in _OPEN for one in found) else None
    cards = [
        {
            "one": one,
            "form": (bound if bound is not None and one.round.fiscal_year == year else _form(one, text))
            if one.state in _OPEN and text is not None
            else None,
        }
        for one in found
    ]
    context = {"section": "appointment", "cards": cards, "text": text}
    return render(request, "expert/appointment/appointment.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@expert_view
def answer(request: HttpRequest, year: int) -> HttpResponseBase:
    """The answer to the conditions; reached by its address alone, the page."""
    one = _own(request, year)
    if request.method != "POST":
        return redirect("expert:appointments")
    text = _text()
    form = _form(one, text, request.POST)
    if not form.is_valid():
        return _page(request, form, year)
    said = form.cleaned_data
    agrees = said["answer"] == AGREE
    try:
        answer_conditions(
            appointment=one,
            agrees=agrees,
            text_version=said["text_version"],
            reason=said["reason"],
            version=said["version"] or 0,
            actor=person(request),
            address=address_of(request) or None,
            agent=request.META.get("HTTP_USER_AGENT", ""),
        )
    except NotAllowed:
        raise
    except FieldErrors as refusal:
        for name, why in refusal.by_field.items():
            form.add_error(name if name in form.fields else None, why)
        return _page(request, form, year)
    except DomainError as refusal:
        form.add_error(None, refusal.message)
        # what stands now is shown; sent once more it counts
        one.refresh_from_db(fields=["version"])
        form.data = {
            **form.data.dict(),  # type: ignore[attr-defined]
            "version": str(one.version),
            "text_version": text.version if text else "",
        }
        return _page(request, form, year)
    if agrees:
        messages.success(request, "委嘱条件への同意を受け付けました。委嘱状が発行されると、お知らせします。")
    else:
        messages.success(request, "辞退を受け付けました。ご連絡ありがとうございました。")
    return redirect("expert:appointments")


@require_POST
@expert_view
def accept(request: HttpRequest, year: int) -> HttpResponseBase:
    """The 就任承諾書, by one press."""
    one = _own(request, year)
    try:
        accept_letter(
            appointment=one,
            actor=person(request),
            address=address_of(request) or None,
            agent=request.META.get("HTTP_USER_AGENT", ""),
        )
    except NotAllowed:
        raise
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "就任承諾書を受け付けました。ありがとうございました。")
    return redirect("expert:appointments")


@require_POST
@expert_view
def paper(request: HttpRequest, year: int, kind: str) -> HttpResponseBase:
    """The own 委嘱状 or 就任承諾書 as PDF. Taking it is recorded, therefore a POST."""
    user = person(request)
    one = _own(request, year)
    try:
        match kind:
            case "letter":
                name, content = take_letter(letter=one.letter.pk, actor=user)
            case "acceptance":
                name, content = take_acceptance(acceptance=one.acceptance.pk, actor=user)
            case _:
                raise Http404
    except (Letter.DoesNotExist, Acceptance.DoesNotExist):
        raise Http404 from None
    sent = FileResponse(
        io.BytesIO(content), as_attachment=True, filename=name, content_type="application/pdf"
    )
    sent.headers["Cache-Control"] = "no-store"
    return sent
