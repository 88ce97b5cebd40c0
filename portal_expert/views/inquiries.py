"""Questions of the office to the expert, answered in a form that is saved while it is typed."""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from core import clock
from core.audit.models import Access
from core.audit.services import record_page, record_view
from core.errors import DomainError, NotAllowed
from dispatch import services
from dispatch.finding_words import told
from portal_expert.access import expert_view, person
from portal_expert.forms.inquiries import AnswerForm
from portal_expert.report_entry import plain
from portal_expert.selectors import own_inquiries

FORM = "expert_inquiry"
_PER_PAGE = 20


@dataclass(frozen=True, slots=True)
class Begun:
    """An answer begun earlier: its values, when they were saved, and where they are thrown away."""

    values: dict[str, Any]
    saved_at: dt.datetime
    discard_url: str


def _begun(user: User, pk: int) -> Begun | None:
    found = services.draft_of(person=user, form=FORM, object=str(pk))
    if found is None:
        return None
    return Begun(found.values, found.saved_at, reverse("expert:inquiry_discard", args=[pk]))


@require_safe
@expert_view
def inquiry_list(request: HttpRequest) -> HttpResponse:
    """Open questions, the most urgent first, and the answered ones."""
    own = own_inquiries(person(request))
    waiting = list(own.filter(answered_at=None).order_by("due_on", "pk")[:200])
    answered = own.filter(answered_at__isnull=False).order_by(F("answered_at").desc(), "-pk")
    page = Paginator(answered, _PER_PAGE).get_page(request.GET.get("page"))
    record_page(actor=person(request), rows=[*waiting, *page.object_list])
    context = {"section": "inquiries", "waiting": waiting, "page": page, "today": clock.today()}
    return render(request, "expert/inquiries/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@expert_view
def inquiry(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One question with what it is about, and the answer."""
    user = person(request)
    posted = request.method == "POST"
    asked = get_object_or_404(own_inquiries(user), pk=pk)
    kept = None if posted else _begun(user, pk)
    form = AnswerForm(request.POST if posted else None, initial=kept.values if kept else {})
    if posted and form.is_valid():
        said = form.cleaned_data["answer"]
        if asked.answered_by_id == user.pk and asked.answer == said.strip():
            return redirect("expert:inquiry_list")  # the same press again
        try:
            services.answer_inquiry(inquiry=asked, answer=said, actor=user)
        except NotAllowed:
            raise
        except DomainError as refusal:
            form.add_error(None, refusal.message)
            asked.refresh_from_db()
        else:
            services.discard_draft(person=user, form=FORM, object=str(pk))
            messages.success(request, f"派遣 {asked.dispatch.number} の照会に回答しました。")
            return redirect("expert:inquiry_list")
    record_view(actor=user, what=Access.What.EVIDENCE, object=asked.dispatch)
    context = {
        "section": "inquiries",
        "inquiry": asked,
        "dispatch": asked.dispatch,
        "finding": told(asked.finding_code, "") if asked.finding_code else None,
        "form": form,
        "begun": kept,
        "today": clock.today(),
    }
    return render(request, "expert/inquiries/detail.html", context)


@require_POST
@expert_view
def inquiry_draft(request: HttpRequest, pk: int) -> HttpResponse:
    """Saves what was typed so far (static/js/autosave.js)."""
    user = person(request)
    get_object_or_404(own_inquiries(user), pk=pk)
    try:
        answer = json.loads(request.body)["values"]["answer"]
    except (ValueError, KeyError, TypeError, RecursionError):
        answer = None
    if not isinstance(answer, str):
        return JsonResponse({"message": "入力内容を読み取れませんでした。"}, status=400)
    try:
        saved = services.save_draft(person=user, form=FORM, object=str(pk), values={"answer": plain(answer)})
    except DomainError as refusal:
        return JsonResponse({"message": refusal.message}, status=413)
    return JsonResponse({"shown": f"{clock.jst(saved.saved_at):%H:%M}"})


@require_POST
@expert_view
def inquiry_discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Forgets what was typed and shows the empty form."""
    user = person(request)
    get_object_or_404(own_inquiries(user), pk=pk)
    services.discard_draft(person=user, form=FORM, object=str(pk))
    return redirect("expert:inquiry", pk)
