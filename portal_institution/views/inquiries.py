"""Questions of the office to the institution, and requests of the institution to the office."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from core import clock
from core.audit.models import Access
from core.audit.services import record_page, record_view
from core.errors import DomainError, NotAllowed
from dispatch import services
from dispatch.finding_words import told
from dispatch.models import Dispatch, Inquiry
from dispatch.services.seeing import close_news
from portal_institution.access import institution_view, own_institution, person
from portal_institution.dispatch_page import actions_of
from portal_institution.drafts import address_of, begun
from portal_institution.forms.dispatches import AnswerForm, RequestForm
from portal_institution.views.dispatches import own_dispatch

ANSWER, REQUEST = "inquiry", "request"


def _own_inquiries(request: HttpRequest) -> QuerySet[Inquiry]:
    """What the office asked of this institution; an expert's questions are the expert's."""
    user = person(request)
    return (
        Inquiry.objects.visible_to(user)
        .filter(asked_of=Inquiry.AskedOf.INSTITUTION, dispatch__institution=own_institution(user))
        .select_related("dispatch", "dispatch__company", "dispatch__expert", "asked_by", "answered_by")
    )


@institution_view("answer_inquiry")
@require_safe
def inquiry_list(request: HttpRequest) -> HttpResponse:
    """Open questions, the most urgent first, and the answered ones."""
    own = _own_inquiries(request)
    waiting = list(own.filter(answered_at=None).order_by("due_on", "pk")[:200])
    answered = own.filter(answered_at__isnull=False).order_by(F("answered_at").desc(), "-pk")
    page = Paginator(answered, 30).get_page(request.GET.get("page"))
    record_page(actor=person(request), rows=[*waiting, *page.object_list])
    context = {"section": "inquiries", "waiting": waiting, "page": page, "today": clock.today()}
    return render(request, "institution/inquiries/list.html", context)


@institution_view("answer_inquiry")
@require_http_methods(["GET", "HEAD", "POST"])
def inquiry(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One question with what it is about, and the answer."""
    user = person(request)
    asked = get_object_or_404(_own_inquiries(request), pk=pk)
    kept = begun(user, ANSWER, str(pk)) if request.method != "POST" else None
    form = AnswerForm(request.POST if request.method == "POST" else None, initial=kept.values if kept else {})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data["answer"]
        if asked.answered_by_id == user.pk and asked.answer == said.strip():
            return redirect("portal:inquiry_list")  # the same press again
        try:
            services.answer_inquiry(inquiry=asked, answer=said, actor=user)
        except NotAllowed:
            raise
        except DomainError as refusal:
            form.add_error(None, refusal.message)
            asked = get_object_or_404(_own_inquiries(request), pk=pk)
        else:
            services.discard_draft(person=user, form=ANSWER, object=str(pk))
            messages.success(request, f"派遣 {asked.dispatch.number} の照会に回答しました。")
            return redirect("portal:inquiry_list")
    record_view(actor=user, what=Access.What.EVIDENCE, object=asked.dispatch)
    context = {
        "section": "inquiries",
        "inquiry": asked,
        "dispatch": asked.dispatch,
        "finding": told(asked.finding_code, "", to_institution=True) if asked.finding_code else None,
        "form": form,
        "begun": kept,
        "autosave": address_of(ANSWER, str(pk)),
        "today": clock.today(),
    }
    return render(request, "institution/inquiries/detail.html", context)


@institution_view("request_approval")
@require_http_methods(["GET", "HEAD", "POST"])
def request_approval(request: HttpRequest, number: str) -> HttpResponseBase:
    """Asks the office to allow what a rule doesn't: WEB support, another dispatch, short notice."""
    user = person(request)
    dispatch = own_dispatch(request, number)
    posted = request.method == "POST"
    if posted and _asked_already(dispatch, request):
        return redirect("portal:dispatch_detail", number)
    kept = None if posted else begun(user, REQUEST, number)
    form = RequestForm(
        request.POST if posted else None, dispatch=dispatch, begun=kept.values if kept else None
    )
    if posted and form.is_valid():
        try:
            services.request_approval(
                dispatch=dispatch, kind=form.cleaned_data["kind"], reason=form.words(), actor=user
            )
        except NotAllowed:
            raise
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            services.discard_draft(person=user, form=REQUEST, object=number)
            messages.success(request, "例外承認を申請しました。事務局の判断をお待ちください。")
            return redirect("portal:dispatch_detail", number)
    return _request_page(request, dispatch, form, kept)


def _asked_already(dispatch: Dispatch, request: HttpRequest) -> bool:
    """Whether this person's request of this kind waits already: a second press of the same button."""
    mine = dispatch.approval_requests.filter(decided_at=None, asked_by=person(request))
    return mine.filter(kind=request.POST.get("kind", "")).exists()


def _request_page(request: HttpRequest, dispatch: Dispatch, form: RequestForm, kept: object) -> HttpResponse:
    user = person(request)
    record_view(actor=user, what=Access.What.EVIDENCE, object=dispatch)
    close_news(dispatch=dispatch, person=user)
    action = actions_of(dispatch, user).get("request_approval")
    context = {
        "section": "dispatches",
        "dispatch": dispatch,
        "form": form,
        "begun": kept,
        "autosave": address_of(REQUEST, dispatch.number),
        "why_not": action.why_not if action else "",
        "requests": list(dispatch.approval_requests.select_related("asked_by", "decided_by")),
    }
    return render(request, "institution/dispatches/request.html", context)
