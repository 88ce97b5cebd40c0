"""The acts of the office on one dispatch: one address for all, the page again with what was typed when refused."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.rights import require
from core.errors import DomainError, NotAllowed
from dispatch.models import Declaration, Dispatch
from dispatch.services import StaleEdit, edit_token
from dispatch.services.cases import FieldErrors
from office.access import office_view, person
from office.act_forms import ACTS, ActForm
from office.dispatch_work import Failed
from office.views.dispatches import Walk, dispatch_of, page_of_dispatch

# How long a key of a form is remembered, to know a second press from another act. The services refuse a repetition
# by themselves; the key only says it more kindly.
_REMEMBERED = 3600


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
    key = f"office-act:{user.pk}:{request.POST.get('key', '')[:64]}"
    if cache.get(key):
        return _already(request, dispatch, walk)
    if form.is_valid() and (done := _performed(form, number)):
        cache.set(key, 1, _REMEMBERED)
        messages.success(request, f"派遣 {number}: {done}")
        return redirect(walk.after(stay="stay" in request.POST))
    if cache.get(key):  # the first press of a double click was faster
        return _already(request, dispatch, walk)
    return page_of_dispatch(
        request, Dispatch.objects.visible_to(user).get(pk=dispatch.pk), Failed(act, target, form)
    )


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
    fresh: Any = form.data.copy()
    now = Dispatch.objects.visible_to(form.user).get(pk=form.dispatch.pk)
    fresh["edit_token"] = edit_token(now)
    form.data = fresh


def _already(request: HttpRequest, dispatch: Dispatch, walk: Walk) -> HttpResponse:
    messages.info(request, f"派遣 {dispatch.number}: この操作は済んでいます。")
    return redirect(walk.after(stay="stay" in request.POST))
