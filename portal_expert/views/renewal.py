"""/expert/renewal/: the year-end question, answered or changed until the office closes it; and consents to new texts."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from core.audit.services import record_page
from core.client_address import address_of
from core.errors import DomainError, FieldErrors, NotAllowed
from core.japan.prefectures import BY_CODE
from experts.models import Expert
from experts.renewal.answering import agree_to_texts, answer_on_page, own_ask, pending_texts
from experts.renewal.models import Ask, Campaign
from portal_expert.access import expert_view, person
from portal_expert.forms.renewal import ConsentForm, RenewalForm, first_values

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
    form = RenewalForm(texts=texts, initial=first_values(ask)) if ask is not None and is_open else None
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
        "prefecture": BY_CODE[expert.prefecture_code].name
        if expert and expert.prefecture_code in BY_CODE
        else "",
        "is_open": is_open,
        "form": form,
        "consent": consent,
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
    messages.success(request, "登録の更新の回答を受け付けました。ありがとうございました。")
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
