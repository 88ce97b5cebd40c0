"""The acts of the office on one dispatch: one address for all, the page again with what was typed when refused."""

import json
import secrets
from hashlib import sha256
from typing import Any

from django import forms
from django.contrib import messages
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.rights import require
from core import clock
from core.errors import DomainError, NotAllowed
from dispatch.models import Declaration, Dispatch
from dispatch.services import StaleEdit, discard_draft, edit_token, save_draft
from dispatch.services.cases import FieldErrors
from office.access import office_view, person
from office.act_form_base import DRAFTS, WHOLE, ActForm, draft_name
from office.act_forms import ACTS
from office.dispatch_work import Failed
from office.views.dispatches import Walk, dispatch_of, page_of_dispatch

# How long a key of a form is remembered, to know a second press from another act. The services refuse a repetition
# by themselves; the key only says it more kindly.
_REMEMBERED = 3600
_LONGEST_TARGET = 30
_MOST_FIELDS = 20


@office_view()
def dispatch_act(request: HttpRequest, number: str, act: str) -> HttpResponse:
    """Takes an act, then goes on to the next dispatch of the queue (or stays); a refusal stands in the form.

    A GET leads to the page: whoever signed in again after the press went to nowhere comes by here.
    """
    user = person(request)
    dispatch = dispatch_of(request, number)
    if request.method != "POST":
        return redirect("office:dispatch_detail", number=dispatch.number)
    kind = ACTS.get(act)
    if kind is None:
        raise Http404
    require(user, kind.right)
    target = _target(request, kind)
    walk = Walk.of(request, dispatch)
    try:
        form = kind(request.POST, dispatch=dispatch, user=user, target=target)
    except Declaration.DoesNotExist:
        raise Http404 from None
    # a form without a key is taken as it comes; the services refuse a repetition by themselves
    sent = request.POST.get("key", "") or secrets.token_urlsafe(12)
    key = f"office-act:{user.pk}:{sha256(sent.encode(errors='replace')).hexdigest()}"
    if cache.get(key):
        return _already(request, dispatch, walk)
    if form.is_valid() and (done := _performed(form, number)):
        cache.set(key, 1, _REMEMBERED)
        discard_draft(person=user, form=DRAFTS, object=form.draft)
        messages.success(request, f"派遣 {number}: {done}")
        return redirect(walk.after(stay="stay" in request.POST))
    if cache.get(key):  # the first press of a double click was faster
        return _already(request, dispatch, walk)
    return page_of_dispatch(
        request, Dispatch.objects.visible_to(user).get(pk=dispatch.pk), Failed(act, target, form)
    )


@require_POST
@office_view()
def dispatch_draft(request: HttpRequest, number: str, act: str, target: str) -> HttpResponse:
    """Keeps what is being typed into the form of an act (static/js/autosave.js); only one's own, until it is sent."""
    user = person(request)
    dispatch = dispatch_of(request, number)
    if act not in ACTS or len(target) > _LONGEST_TARGET:
        raise Http404
    require(user, ACTS[act].right)
    values = _typed(request.body)
    if values is None:
        return JsonResponse({"message": "入力内容を読み取れませんでした。"}, status=400)
    about = "" if target == WHOLE else target
    try:
        saved = save_draft(person=user, form=DRAFTS, object=draft_name(dispatch, act, about), values=values)
    except DomainError as refusal:
        return JsonResponse({"message": refusal.message}, status=413)
    return JsonResponse({"shown": f"{clock.jst(saved.saved_at):%H:%M}"})


def _typed(body: bytes) -> dict[str, Any] | None:
    """The fields of a form as they were sent: texts, or lists of texts; None when they are anything else."""
    try:
        values = json.loads(body)["values"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(values, dict) or len(values) > _MOST_FIELDS:
        return None
    read: dict[str, Any] = {}
    for name, value in values.items():
        texts = value if isinstance(value, list) else [value]
        if not all(isinstance(text, str) for text in texts):
            return None
        kept = [text.replace("\x00", "").encode("utf-8", "replace").decode() for text in texts]
        read[name] = kept if isinstance(value, list) else kept[0]
    return read


def _target(request: HttpRequest, kind: type[ActForm]) -> str:
    """Which of several forms of an act on the page it is: the finding's code, the waiver, the declaration's cause."""
    name = {"revoke": "waiver", "correct_declaration": "cause"}.get(kind.act, "code")
    return request.POST.get(name, "")[:30]


def _performed(form: ActForm, number: str) -> str:
    """What was done; "" when it was refused, with the refusal in the form."""
    try:
        return form.perform()
    except NotAllowed:
        raise
    except forms.ValidationError as wrong:
        form.add_error(None, wrong)
    except FieldErrors as wrong:
        for field, why in wrong.by_field.items():
            form.add_error("value" if "value" in form.fields else None, f"{field}: {why}")
    except StaleEdit as stale:
        _show_conflict(form, stale)
    except DomainError as refusal:
        form.add_error(None, refusal.message)
    return ""


def _show_conflict(form: ActForm, stale: StaleEdit) -> None:
    """Says who changed what; sent again, the form is about what stands there now."""
    form.add_error(None, stale.message)
    for change in stale.changes[:10]:
        by, before, after = change.by or "システム", change.before or "（空）", change.after or "（空）"
        form.add_error(None, f"{change.field}：{before} → {after}（{by}）")
    sent: Any = form.data
    fresh = sent.copy()
    now = Dispatch.objects.visible_to(form.user).get(pk=form.dispatch.pk)
    fresh["edit_token"] = edit_token(now)
    form.data = fresh


def _already(request: HttpRequest, dispatch: Dispatch, walk: Walk) -> HttpResponse:
    messages.info(request, f"派遣 {dispatch.number}: この操作は済んでいます。")
    return redirect(walk.after(stay="stay" in request.POST))
