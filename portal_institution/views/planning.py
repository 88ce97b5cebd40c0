"""Another date for a dispatch on its way, and calling it off."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from core.audit.services import record_page
from core.errors import DomainError
from dispatch.models import Dispatch
from dispatch.services import (
    ObstaclesFound,
    StaleEdit,
    cancel_dispatch,
    check_reschedule,
    edit_token,
    reschedule_dispatch,
)
from dispatch.transitions import PLANNED
from portal_institution.access import institution_view, person
from portal_institution.checking import Checks, unread
from portal_institution.forms.planning import CancelForm, RescheduleForm

# The inputs beside which obstacles can stand.
SLOTS = ["day", "end", "lead_reason"]


def _dispatch(request: HttpRequest, number: str) -> Dispatch:
    rows = Dispatch.objects.visible_to(person(request)).select_related("expert", "company", "institution")
    return get_object_or_404(rows, number=number)


def _why_not(dispatch: Dispatch, doing: str) -> str:
    """Why a dispatch standing there can't be planned anew or called off; "" when it can."""
    if dispatch.status in PLANNED:
        return ""
    return (
        f"派遣 {dispatch.number} は「{dispatch.get_status_display()}」のため、{doing}できません。"
        "訪問の前だけできます。事情があるときは、事務局へお問い合わせください。"
    )


def _checks(dispatch: Dispatch, form: RescheduleForm) -> Checks:
    wrong, missing = unread(form)
    obstacles = check_reschedule(
        dispatch, form.planned_from, form.planned_to, form.cleaned_data.get("lead_reason", "")
    )
    return Checks(obstacles, list(missing.values()), wrong)


def _judged(typed: Any) -> RescheduleForm:
    form = RescheduleForm(typed)
    form.is_valid()
    return form


@institution_view()
def reschedule(request: HttpRequest, number: str) -> HttpResponse:
    """Another day or time; the expert is asked again."""
    dispatch = _dispatch(request, number)
    if why_not := _why_not(dispatch, "日程変更"):
        messages.error(request, why_not)
        return redirect("portal:dispatch_detail", number=dispatch.number)
    if request.method != "POST":
        form = RescheduleForm(initial=RescheduleForm.first_values(dispatch))
        return _reschedule_page(request, dispatch, form, Checks([]))
    form = _judged(request.POST)
    checks = _checks(dispatch, form)
    start, end = form.planned_from, form.planned_to
    if not checks.can_be_sent or start is None or end is None:
        return _reschedule_page(request, dispatch, form, checks, refused=True)
    if (start, end) == (dispatch.planned_from, dispatch.planned_to):
        form.add_error(
            "day", f"いまの予定と同じ日時です。変更する日時を入れてください（派遣 {dispatch.number}）。"
        )
        return _reschedule_page(request, dispatch, form, _checks(dispatch, form), refused=True)
    try:
        changed = reschedule_dispatch(
            dispatch=dispatch,
            planned_from=start,
            planned_to=end,
            reason=form.words,
            lead_reason=form.cleaned_data["lead_reason"],
            actor=person(request),
            edit_token=request.POST.get("edit_token", "")[:60],
        )
    except ObstaclesFound as refusal:
        checks.obstacles = [*refusal.obstacles, *checks.approvals, *checks.warnings]
        return _reschedule_page(request, dispatch, form, checks, refused=True)
    except StaleEdit as stale:
        return _reschedule_page(request, _dispatch(request, number), form, checks, stale=stale)
    text = f"派遣 {changed.number} の日程を変更しました。専門家に、もう一度承諾を求めています。"
    if checks.approvals:
        text += "期限の例外を、事務局が判断します。"
    messages.success(request, text)
    return redirect("portal:dispatch_detail", number=changed.number)


def _reschedule_page(
    request: HttpRequest,
    dispatch: Dispatch,
    form: RescheduleForm,
    checks: Checks,
    *,
    refused: bool = False,
    stale: StaleEdit | None = None,
) -> HttpResponse:
    record_page(actor=person(request), rows=dispatch)
    context = {
        "section": "dispatches",
        "dispatch": dispatch,
        "form": form,
        "checks": checks,
        "beside": {name: checks.beside(name) for name in SLOTS},
        "refused": refused,
        "stale": stale,
        "edit_token": edit_token(dispatch),
        "doing": "変更",
    }
    return render(request, "institution/planning/reschedule.html", context)


@institution_view()
@require_POST
def reschedule_check(request: HttpRequest, number: str) -> HttpResponse:
    """What stands in the way of the date typed so far."""
    dispatch = _dispatch(request, number)
    checks = _checks(dispatch, _judged(request.POST))
    context = {"checks": checks, "slots": [(name, checks.beside(name)) for name in SLOTS], "doing": "変更"}
    return render(request, "institution/applying/checked.html", context)


@institution_view()
def cancel(request: HttpRequest, number: str) -> HttpResponse:
    """Calls a dispatch off, with the reason; it can't be taken back."""
    dispatch = _dispatch(request, number)
    if why_not := _why_not(dispatch, "取消"):
        messages.error(request, why_not)
        return redirect("portal:dispatch_detail", number=dispatch.number)
    form = CancelForm(request.POST if request.method == "POST" else None)
    stale, refusal = None, ""
    if request.method == "POST" and form.is_valid():
        try:
            cancel_dispatch(
                dispatch=dispatch,
                reason=form.words,
                actor=person(request),
                edit_token=request.POST.get("edit_token", "")[:60],
            )
        except StaleEdit as found:
            stale, dispatch = found, _dispatch(request, number)
        except DomainError as found:
            refusal = found.message
        else:
            messages.success(request, f"派遣 {dispatch.number} を取り消しました。専門家に知らせました。")
            return redirect("portal:dispatch_detail", number=dispatch.number)
    record_page(actor=person(request), rows=dispatch)
    context = {
        "section": "dispatches",
        "dispatch": dispatch,
        "form": form,
        "stale": stale,
        "refusal": refusal,
        "edit_token": edit_token(dispatch),
    }
    return render(request, "institution/planning/cancel.html", context)
