"""従事証明: how the asking of the client stands; sending it again, also to a corrected address."""

from dataclasses import fields

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import User
from core.audit.models import Access
from core.audit.services import record_view
from core.errors import DomainError, NotAllowed
from dispatch import services
from dispatch.models import AttestationLink, Company, Dispatch
from dispatch.services.attesting import refuse_asked_meanwhile
from portal_institution.access import institution_view, person
from portal_institution.attestation_mail import attestation_state
from portal_institution.dispatch_page import actions_of
from portal_institution.forms.dispatches import AddressForm
from portal_institution.views.dispatches import own_dispatch

SEND, CORRECT = "send", "correct"


@institution_view("ask_attestation")
@require_http_methods(["GET", "HEAD", "POST"])
def attestation(request: HttpRequest, number: str) -> HttpResponseBase:
    """The links sent so far and what became of them; asks again, by mail, where that can help."""
    dispatch = own_dispatch(request, number)
    act = request.POST.get("act") if request.method == "POST" else ""
    if act not in (SEND, CORRECT):
        return _page(request, dispatch, AddressForm(initial={"email": dispatch.company.email}))
    form = AddressForm(request.POST if act == CORRECT else {"email": dispatch.company.email})
    stale: list[services.FieldChange] = []
    if form.is_valid():
        try:
            _ask(dispatch, act, form, request)
        except NotAllowed:
            raise
        except services.FieldErrors as problem:
            form.add_error("email", " ".join(problem.by_field.values()))
        except DomainError as refusal:
            form.add_error(None, refusal.message)
            stale = refusal.changes if isinstance(refusal, services.StaleEdit) else []
        else:
            sent_to = form.cleaned_data["email"]
            messages.success(request, f"{sent_to} へ、従事証明の依頼メールを送ります。")
            return redirect("portal:attestation", number)
    return _page(request, own_dispatch(request, number), form, stale)


def _ask(dispatch: Dispatch, act: str, form: AddressForm, request: HttpRequest) -> None:
    """Mails the client a link, to the address it has or to the corrected one."""
    user = person(request)
    asked = request.POST.get("asked_before", "")
    seen = int(asked) if asked.isdecimal() else None
    # before the address is corrected; asking looks again under the lock, for two presses at one moment
    refuse_asked_meanwhile(dispatch, seen)
    if act == CORRECT and form.cleaned_data["email"] != dispatch.company.email:
        _correct(dispatch.company, form.cleaned_data["email"], user, request.POST.get("edit_token", ""))
    services.issue_attestation_link(
        dispatch=dispatch,
        channel=AttestationLink.Channel.MAIL,
        actor=user,
        seen=seen,
    )


def _correct(company: Company, email: str, user: User, token: str) -> None:
    kept = {each.name: getattr(company, each.name) for each in fields(services.ClientData)}
    values = services.ClientData(**{**kept, "email": email})
    services.change_client(company=company, values=values, actor=user, edit_token=token)


def _page(
    request: HttpRequest,
    dispatch: Dispatch,
    form: AddressForm,
    stale: list[services.FieldChange] | None = None,
) -> HttpResponse:
    user = person(request)
    record_view(actor=user, what=Access.What.EVIDENCE, object=dispatch)
    state = attestation_state(dispatch, user)
    context = {
        "section": "dispatches",
        "dispatch": dispatch,
        "attestation": state,
        "actions": actions_of(dispatch, user),
        "asked_before": str(len(state.askings)),
        "edit_token": services.edit_token(dispatch.company),
        "stale": stale or [],
        "form": form,
    }
    return render(request, "institution/dispatches/attestation.html", context)
