"""申告書（支援実施証明兼再発防止誓約書）: which are needed and why, and one form per cause (C8)."""

import secrets
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import clock
from core.audit.services import record_page
from core.errors import DomainError
from dispatch.models import Dispatch, Draft
from dispatch.services import (
    FieldErrors,
    StaleDraft,
    declaration_token,
    declare,
    discard_draft,
    draft_of,
    draft_token,
    save_draft,
)
from dispatch.services.seeing import close_news
from dispatch.services.visits import DECLARABLE
from portal_expert import report_entry
from portal_expert.access import expert_view, person
from portal_expert.causes import CAUSE_OF, Cause, causes_of
from portal_expert.forms.declarations import FIELD_OF, PLEDGE, TIMES_OF, DeclarationForm
from portal_expert.report_page import FORM as REPORT
from portal_expert.views.report import own_with_evidence

# what is kept of a form not sent yet; a pledge is given anew each time
_KEPT = ("declared_from", "declared_to", "reason", "measures")
_LABELS = {
    "declared_from": "実際に開始した日時",
    "declared_to": "実際に終了した日時",
    "reason": "理由",
    "measures": "再発防止策",
}


@require_safe
@expert_view
def declarations(request: HttpRequest, number: str) -> HttpResponse:
    """The five causes: what is needed and why, what was handed in, how often before."""
    dispatch = own_with_evidence(request, number)
    record_page(actor=person(request), rows=dispatch)
    close_news(dispatch=dispatch, person=person(request))
    context = {
        "section": "visits",
        "visit": dispatch,
        "causes": causes_of(dispatch),
        "open": dispatch.status in DECLARABLE,
    }
    return render(request, "expert/declarations/list.html", context)


def _cause(dispatch: Dispatch, slug: str) -> Cause:
    for cause in causes_of(dispatch):
        if cause.slug == slug:
            return cause
    raise Http404


def _form_name(slug: str) -> str:
    return f"declaration:{slug}"


def _typed(posted: QueryDict, slug: str) -> dict[str, str]:
    names = (*TIMES_OF[slug], "reason", "measures")
    return {name: report_entry.plain(posted.get(name, "")) for name in names}


def _initial(request: HttpRequest, dispatch: Dispatch, cause: Cause) -> dict[str, str]:
    """What the form begins with: what was handed in, else the times that the report states."""
    standing = cause.declaration
    if standing is not None:
        times = {"declared_from": standing.declared_from, "declared_to": standing.declared_to}
        texts = {"reason": standing.reason, "measures": standing.measures}
    else:
        draft = draft_of(person=person(request), form=REPORT, object=dispatch.number)
        typed = report_entry.from_draft(draft.values) if draft else report_entry.from_dispatch(dispatch)
        return {"declared_from": typed.head["start"], "declared_to": typed.head["end"]}
    return texts | {name: f"{clock.jst(at):%Y-%m-%dT%H:%M}" for name, at in times.items() if at is not None}


@require_http_methods(["GET", "HEAD", "POST"])
@expert_view
def declaration(request: HttpRequest, number: str, slug: str) -> HttpResponse:
    """One 申告書."""
    if slug not in CAUSE_OF:
        raise Http404
    dispatch = own_with_evidence(request, number)
    record_page(actor=person(request), rows=dispatch)
    cause = _cause(dispatch, slug)
    if request.method == "POST" and dispatch.status in DECLARABLE:
        return _posted(request, dispatch, cause)
    draft = draft_of(person=person(request), form=_form_name(slug), object=number)
    values = draft.values if draft else _initial(request, dispatch, cause)
    form = DeclarationForm(initial={name: values.get(name, "") for name in _KEPT}, slug=slug)
    return _shown(request, dispatch, cause, form, draft=draft)


def _posted(request: HttpRequest, dispatch: Dispatch, cause: Cause) -> HttpResponse:
    user, slug, action = person(request), cause.slug, request.POST.get("action", "declare")
    typed = _typed(request.POST, slug)
    if action != "declare":
        try:
            _keep(request, dispatch, slug, over=action == "mine")
        except StaleDraft as conflict:
            form = DeclarationForm(initial=typed, slug=slug)
            return _shown(request, dispatch, cause, form, conflict=_conflict(typed, conflict.standing))
        messages.success(
            request,
            "この端末に残っていた入力を戻しました。" if action == "restore" else "入力を保存しました。",
        )
        return redirect("expert:declaration", dispatch.number, slug)
    form = DeclarationForm(typed | {"pledge": request.POST.get("pledge", "")}, slug=slug)
    if form.is_valid():
        given = {name: value for name, value in form.cleaned_data.items() if name != "pledge"}
        try:
            declare(
                dispatch=dispatch,
                cause=cause.cause,
                actor=user,
                seen=request.POST.get("standing"),
                **given,
            )
        except FieldErrors as refusal:
            for column, why in refusal.by_field.items():
                name = FIELD_OF.get(column)
                form.add_error(name if name in form.fields else None, why)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            discard_draft(person=user, form=_form_name(slug), object=dispatch.number)
            messages.success(request, f"申告書（{cause.cause}）を提出しました。")
            return redirect("expert:declarations", dispatch.number)
    # nothing typed is lost, whoever refused it
    return _shown(request, dispatch, cause, form)


def _shown(
    request: HttpRequest,
    dispatch: Dispatch,
    cause: Cause,
    form: DeclarationForm,
    *,
    draft: Draft | None = None,
    conflict: dict[str, Any] | None = None,
) -> HttpResponse:
    posted = request.method == "POST"
    context = {
        "section": "visits",
        "visit": dispatch,
        "cause": cause,
        "form": form,
        "pledge": PLEDGE,
        "draft": draft,
        "conflict": conflict,
        "seen": request.POST.get("seen", "") if posted else draft_token(draft),
        "standing": declaration_token(cause.declaration),
        "key": (request.POST.get("page", "") if posted else "")[:40] or secrets.token_urlsafe(12),
        "open": dispatch.status in DECLARABLE,
        "use_saved": request.path,
    }
    refused = conflict is not None or (posted and not context["open"])
    return render(request, "expert/declarations/form.html", context, status=409 if refused else 200)


def _keep(request: HttpRequest, dispatch: Dispatch, slug: str, *, over: bool = False) -> Draft:
    return save_draft(
        person=person(request),
        form=_form_name(slug),
        object=dispatch.number,
        values=_typed(request.POST, slug),
        seen=None if over else request.POST.get("seen", ""),
        page=request.POST.get("page", "")[:40],
    )


def _conflict(typed: dict[str, str], standing: Draft) -> dict[str, Any]:
    found = [
        report_entry.Difference(_LABELS[name], typed.get(name, ""), str(standing.values.get(name, "")))
        for name in _KEPT
        if typed.get(name, "") != str(standing.values.get(name, ""))
    ]
    return {"standing": standing, "differences": found}


@require_POST
@expert_view
def keep(request: HttpRequest, number: str, slug: str) -> HttpResponse:
    """Saves what is typed, for the page's script."""
    if slug not in CAUSE_OF:
        raise Http404
    dispatch = own_with_evidence(request, number)
    if dispatch.status not in DECLARABLE:
        return JsonResponse({"refused": "この派遣では、いま申告書を提出できません。"}, status=410)
    try:
        draft = _keep(request, dispatch, slug)
    except StaleDraft as conflict:
        context = {
            "conflict": _conflict(_typed(request.POST, slug), conflict.standing),
            "use_saved": request.path.removesuffix("draft/"),
        }
        html = render_to_string("expert/report/conflict.html", context, request)
        return JsonResponse({"conflict": html}, status=409)
    except DomainError as refusal:
        return JsonResponse({"refused": refusal.message}, status=422)
    return JsonResponse({"seen": draft_token(draft), "saved": f"{clock.jst(draft.saved_at):%H:%M}"})
