"""/expert/renewal/: the year-end question, answered or changed until the office closes it; and consents to new texts."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from core import clock
from core.audit.services import record_page
from core.client_address import address_of
from core.errors import DomainError, FieldErrors, NotAllowed
from core.japan.addresses import whole_address
from dispatch import services
from experts.models import Expert
from experts.renewal.answering import agree_to_texts, answer_on_page, own_ask, pending_texts
from experts.renewal.models import Ask, Campaign
from portal_expert.access import expert_view, person
from portal_expert.forms.renewal import KEPT, ConsentForm, RenewalForm, first_values
from portal_expert.report_entry import plain
from portal_expert.views.inquiries import Begun

FORM = "expert_renewal"

# The service's names of what it refuses → the fields of the form.
FIELD_OF = {"reason": "reason_code"}


@require_http_methods(["GET", "HEAD", "POST"])
@expert_view
def renewal(request: HttpRequest) -> HttpResponseBase:
    """The question of the open renewal, or what became of the last one."""
    user = person(request)
    ask = own_ask(user)
    expert = Expert.objects.visible_to(user).filter(user=user).first()
    is_open = ask is not None and ask.campaign.state == Campaign.State.ASKING
    texts = pending_texts(ask.expert) if ask is not None and is_open else []
    begun = _begun(user, ask) if ask is not None and is_open and request.method != "POST" else None
    form: RenewalForm | None = None
    if ask is not None and is_open:
        kept = begun.values if begun else {}
        form = RenewalForm(texts=texts, initial={**first_values(ask), **kept})
    consent = ConsentForm(texts=texts)
    if request.method == "POST" and ask is not None:
        if request.POST.get("act") == "agree":
            consent = ConsentForm(request.POST, texts=texts)
            answer = _agree(request, ask, consent)
        else:
            # closed in the meantime: what was typed is shown with the refusal
            form = RenewalForm(request.POST, texts=texts)
            answer = _answer(request, ask, form)
        if answer is not None:
            return answer
        ask = own_ask(user)
    if ask is not None:
        record_page(actor=user, rows=ask)
    context = {
        "section": "renewal",
        "ask": ask,
        "expert": expert,
        "address": whole_address(expert.prefecture_code, expert.address) if expert else "",
        "is_open": is_open,
        "form": form,
        "consent": consent,
        "begun": begun,
        "texts": texts,
    }
    return render(request, "expert/renewal/renewal.html", context)


def _answer(request: HttpRequest, ask: Ask, form: RenewalForm) -> HttpResponse | None:
    if not form.is_valid():
        return None
    said = form.said
    if just_so(ask, said) and form.cleaned_data["version"] != ask.version:
        return redirect("expert:renewal")  # the same press again
    try:
        answer_on_page(
            ask=ask,
            said=said,
            version=form.cleaned_data["version"] or 0,
            actor=person(request),
            address=address_of(request) or None,
            agent=request.META.get("HTTP_USER_AGENT", ""),
        )
    except NotAllowed:
        raise
    except DomainError as refusal:
        add_refusal(form, refusal)
        if refusal.code == "stale":
            # what stands now is shown above the form; sent once more it counts
            ask.refresh_from_db()
            form.data = {**form.data.dict(), "version": str(ask.version)}  # type: ignore[attr-defined]
        return None
    services.discard_draft(person=person(request), form=FORM, object=_object(ask))
    messages.success(request, "登録の更新の回答を受け付けました。ありがとうございました。")
    return redirect("expert:renewal")


def _object(ask: Ask) -> str:
    return str(ask.campaign.fiscal_year)


def _begun(user: User, ask: Ask) -> Begun | None:
    """An answer begun earlier and not sent."""
    found = services.draft_of(person=user, form=FORM, object=_object(ask))
    if found is None:
        return None
    values = {name: found.values[name] for name in KEPT if name in found.values}
    return Begun(values, found.saved_at, reverse("expert:renewal_discard"))


def _open_ask(user: User) -> Ask:
    """The question that takes answers now; 404 without one."""
    return get_object_or_404(
        Ask.objects.visible_to(user).select_related("campaign"),
        expert__user=user,
        campaign__state=Campaign.State.ASKING,
    )


@require_POST
@expert_view
def renewal_keep(request: HttpRequest) -> HttpResponse:
    """Saves what was chosen and typed so far (static/js/autosave.js)."""
    user = person(request)
    ask = _open_ask(user)
    try:
        given = json.loads(request.body)["values"]
        values = {name: given[name] for name in KEPT if name in given}
    except (ValueError, KeyError, TypeError, RecursionError):
        values = {"": None}
    if not all(isinstance(value, str) for value in values.values()):
        return JsonResponse({"message": "入力内容を読み取れませんでした。"}, status=400)
    try:
        saved = services.save_draft(
            person=user,
            form=FORM,
            object=_object(ask),
            values={name: plain(value) for name, value in values.items()},
        )
    except DomainError as refusal:
        return JsonResponse({"message": refusal.message}, status=413)
    return JsonResponse({"shown": f"{clock.jst(saved.saved_at):%H:%M}"})


@require_POST
@expert_view
def renewal_discard(request: HttpRequest) -> HttpResponse:
    """Forgets what was begun and shows the answer as it stands."""
    user = person(request)
    services.discard_draft(person=user, form=FORM, object=_object(_open_ask(user)))
    return redirect("expert:renewal")


def just_so(ask: Ask, said: Any) -> bool:
    """Whether exactly this stands there already."""
    return (ask.answer, ask.reason, ask.data_right) == (said.answer, said.reason, said.data_right)


def add_refusal(form: ConsentForm, refusal: DomainError) -> None:
    """Puts what the service refuses beside its fields, or on top."""
    if not isinstance(refusal, FieldErrors):
        form.add_error(None, refusal.message)
        return
    for name, why in refusal.by_field.items():
        field = FIELD_OF.get(name, name)
        form.add_error(field if field in form.fields else None, why)


def _agree(request: HttpRequest, ask: Ask, form: ConsentForm) -> HttpResponse | None:
    form.is_valid()
    try:
        agree_to_texts(
            ask=ask,
            agreed=form.agreed,
            actor=person(request),
            address=address_of(request) or None,
            agent=request.META.get("HTTP_USER_AGENT", ""),
        )
    except NotAllowed:
        raise
    except DomainError as refusal:
        add_refusal(form, refusal)
        return None
    messages.success(request, "同意を記録しました。")
    return redirect("expert:renewal")
