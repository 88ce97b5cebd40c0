"""申請の受付: accepted dispatches, their warnings, and what the office does with them before the visit (C5)."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, F, Min, Q
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.rights import may
from core import clock
from core.audit.models import Access
from core.audit.services import record_page, record_view
from core.errors import DomainError
from core.exchange.registry import table_of
from dispatch.models import Dispatch, Status
from dispatch.selectors import received_values
from dispatch.services import (
    FieldErrors,
    ask_back,
    cancel_dispatch,
    confirm_dispatch,
    correct_dispatch,
    edit_token,
    reschedule_dispatch,
)
from dispatch.services.corrections import stored_texts
from dispatch.services.reminding import deadlines
from dispatch.transitions import PLANNED
from office.access import office_view, person
from office.application_facts import (
    NEAR,
    application_of,
    dispatches_of_year,
    waiting_for_confirmation,
    warnings_of,
)
from office.lists import containing, page_of
from office.reception_forms import CancelForm, CorrectionForm, QuestionForm, RescheduleForm
from office.waiting import Waiting, waiting_source

SEARCHED = ("number", "expert__name", "company__name", "institution__name")
# What the last press of "confirm" came to, shown once.
_RESULTS = "reception_results"
# More can't be ticked on one page.
_MOST = 50


@waiting_source(12)
def applications_waiting(user: User) -> list[Waiting]:
    """Accepted dispatches to confirm; overdue when the visit is near or past."""
    if not may(user, "confirm_dispatch").allowed:
        return []
    found = (
        Dispatch.objects.visible_to(user)
        .filter(status=Status.ACCEPTED)
        .aggregate(
            count=Count("pk"),
            oldest=Min(Coalesce(F("status_since"), F("created_at"))),
            late=Count("pk", filter=Q(planned_from__lt=clock.now() + NEAR)),
        )
    )
    if not found["count"]:
        return []
    line: Waiting = {
        "title": "申請の受付",
        "url": reverse("office:reception_list"),
        "count": found["count"],
        "oldest": found["oldest"],
        "note": "支援日が近いもの、過ぎたものがあります。" if found["late"] else "",
    }
    if found["late"]:
        line["overdue"] = found["late"]
    return [line]


@office_view()
def reception_list(request: HttpRequest) -> HttpResponse:
    """Accepted dispatches, the nearest visit first, with what to look at."""
    user = person(request)
    rows = waiting_for_confirmation(user).filter(containing(request.GET.get("q", ""), *SEARCHED))
    page = page_of(request, rows, _MOST)
    record_page(actor=user, rows=page.object_list)
    for dispatch in page.object_list:
        dispatch.warnings = warnings_of(dispatch)
        dispatch.blocked = any(warning.blocks for warning in dispatch.warnings)
        dispatch.token = edit_token(dispatch)
    context = {
        "section": "work",
        "page": page,
        "near": clock.now() + NEAR,
        "results": request.session.pop(_RESULTS, []),
        "may_confirm": may(user, "confirm_dispatch").allowed
        and not all(dispatch.blocked for dispatch in page.object_list),
    }
    return render(request, "office/reception/list.html", context)


@require_POST
@office_view("confirm_dispatch")
def reception_confirm(request: HttpRequest) -> HttpResponse:
    """Confirms the ticked dispatches, each by itself; what became of each is said on the list."""
    user = person(request)
    numbers = list(dict.fromkeys(request.POST.getlist("number")))[:_MOST]
    rows = {row.number: row for row in Dispatch.objects.visible_to(user).filter(number__in=numbers)}
    results = []
    for number in numbers:
        row = rows.get(number)
        if row is None:
            results.append({"number": number, "ok": False, "text": "この派遣は見つかりません。"})
            continue
        if row.status == Status.CONFIRMED:
            # a second press, or another person's
            results.append({"number": number, "ok": True, "text": "既に受け付けられています。"})
            continue
        try:
            confirm_dispatch(
                dispatch=row, actor=user, edit_token=request.POST.get(f"token-{number}", "")[:60]
            )
        except DomainError as refused:
            results.append({"number": number, "ok": False, "text": refused.message})
        else:
            results.append({"number": number, "ok": True, "text": "受け付けました。"})
    if not numbers:
        messages.info(request, "受け付ける派遣を選んでください。")
    request.session[_RESULTS] = results
    return redirect("office:reception_list")


def _dispatch(request: HttpRequest, number: str) -> Dispatch:
    rows = Dispatch.objects.visible_to(person(request)).select_related(
        "expert", "institution", "company", "application__case", "application__applied_by"
    )
    return get_object_or_404(rows, number=number)


@office_view()
def reception_detail(request: HttpRequest, number: str) -> HttpResponse:
    """One application with everything a confirmation needs."""
    return _page(request, _dispatch(request, number))


def _page(
    request: HttpRequest, dispatch: Dispatch, opened: str = "", form: forms.Form | None = None
) -> HttpResponse:
    user = person(request)
    record_view(actor=user, what=Access.What.EVIDENCE, object=dispatch)
    stored = stored_texts(table_of(Dispatch), dispatch.pk)
    row = waiting_for_confirmation(user).filter(pk=dispatch.pk).first()
    received = {
        column: text for (file, _, column), text in received_values(dispatch).items() if file == "dispatches"
    }
    token = edit_token(dispatch)
    own: dict[str, forms.Form] = {
        "correct": CorrectionForm(dispatch, stored),
        "ask": QuestionForm(),
        "reschedule": RescheduleForm(
            initial={
                "planned_from": clock.jst(dispatch.planned_from),
                "planned_to": clock.jst(dispatch.planned_to),
                "edit_token": token,
            }
        ),
        "cancel": CancelForm(initial={"edit_token": token}),
    }
    own["correct"].initial["edit_token"] = token
    if form is not None:
        own[opened] = form
    application = application_of(dispatch)
    warnings = warnings_of(row) if row is not None else []
    context: dict[str, Any] = {
        "section": "work",
        "dispatch": dispatch,
        "application": application,
        "case": application.case if application else None,
        "warnings": warnings,
        "blocked": any(warning.blocks for warning in warnings),
        "waits": row is not None,
        "year": dispatches_of_year(dispatch, user),
        "requests": dispatch.approval_requests.select_related("decided_by").order_by("asked_at", "pk"),
        "inquiries": dispatch.inquiries.select_related("asked_by", "answered_by").order_by("asked_at", "pk"),
        "deadlines": deadlines(dispatch),
        "received": received,
        "forms": [
            ("correct", "小さな誤りを訂正する", "訂正する", own["correct"]),
            ("ask", "機関・専門家へ照会する", "照会する", own["ask"]),
            ("reschedule", "日程を変更する", "日程を変更する", own["reschedule"]),
            ("cancel", "派遣を取り消す", "取り消す", own["cancel"]),
        ],
        "opened": opened,
        "token": token,
        "why_not": _why_not(dispatch, user),
    }
    return render(request, "office/reception/detail.html", context)


def _why_not(dispatch: Dispatch, user: User) -> str:
    allowed, reason = may(user, "confirm_dispatch")
    if not allowed:
        return reason
    if dispatch.status not in PLANNED:
        return f"この派遣は「{dispatch.get_status_display()}」です。実施後の確認は派遣の画面で行います。"
    return ""


@require_POST
@office_view("confirm_dispatch")
def reception_act(request: HttpRequest, number: str, act: str) -> HttpResponse:
    """Confirms, corrects, asks, plans anew or calls off; a refusal keeps what was typed."""
    dispatch = _dispatch(request, number)
    if act == "confirm":
        return _confirm(request, dispatch)
    if act not in _ACTS:
        raise Http404
    form = _form(request, dispatch, act)
    if form.is_valid():
        try:
            done = _ACTS[act](form, dispatch, person(request))
        except FieldErrors as refused:
            if isinstance(form, CorrectionForm):
                form.refuse(refused.by_field)
            else:
                form.add_error(None, refused.message)
        except DomainError as refused:
            dispatch = _dispatch(request, number)
            form = _form(request, dispatch, act, fresh=True)
            form.add_error(None, refused.message)
        else:
            messages.success(request, done)
            return redirect("office:reception_detail", number=number)
    return _page(request, dispatch, act, form)


def _form(request: HttpRequest, dispatch: Dispatch, act: str, fresh: bool = False) -> forms.Form:
    """The form as it was sent; `fresh` takes the version that is shown now, so that it can be sent once more."""
    data = request.POST.copy()
    if fresh:
        data["edit_token"] = edit_token(dispatch)
    if act == "correct":
        form: forms.Form = CorrectionForm(dispatch, stored_texts(table_of(Dispatch), dispatch.pk), data)
    else:
        form = {"ask": QuestionForm, "reschedule": RescheduleForm, "cancel": CancelForm}[act](data)
    if fresh:
        form.full_clean()
    return form


def _confirm(request: HttpRequest, dispatch: Dispatch) -> HttpResponse:
    user = person(request)
    if dispatch.status == Status.CONFIRMED:
        messages.info(request, f"派遣 {dispatch.number} は受付済です。")
        return redirect("office:reception_list")
    try:
        confirm_dispatch(dispatch=dispatch, actor=user, edit_token=request.POST.get("edit_token", "")[:60])
    except DomainError as refused:
        messages.error(request, refused.message)
        return redirect("office:reception_detail", number=dispatch.number)
    messages.success(request, f"派遣 {dispatch.number} を受け付けました。専門家に知らせました。")
    following = waiting_for_confirmation(user).values_list("number", flat=True).first()
    if following:
        return redirect("office:reception_detail", number=following)
    return redirect("office:reception_list")


def _correct(form: forms.Form, dispatch: Dispatch, user: User) -> str:
    assert isinstance(form, CorrectionForm)
    data = form.cleaned_data
    made = correct_dispatch(
        dispatch=dispatch,
        values=form.values(),
        reason=data["reason"],
        actor=user,
        edit_token=data["edit_token"],
    )
    return f"{len(made)}項目を訂正しました。" if made else "変更はありません。"


def _ask(form: forms.Form, dispatch: Dispatch, user: User) -> str:
    data = form.cleaned_data
    question = data["question"].strip()
    # the same question by a second press is one
    if not dispatch.inquiries.filter(answered_at=None, asked_of=data["asked_of"], question=question).exists():
        ask_back(dispatch=dispatch, asked_of=data["asked_of"], question=question, actor=user)
    return "照会しました。回答があると、照会の一覧に出ます。"


def _reschedule(form: forms.Form, dispatch: Dispatch, user: User) -> str:
    data = form.cleaned_data
    reschedule_dispatch(
        dispatch=dispatch,
        planned_from=data["planned_from"],
        planned_to=data["planned_to"],
        reason=data["reason"],
        lead_reason=data["lead_reason"],
        actor=user,
        edit_token=data["edit_token"],
    )
    return "日程を変更しました。専門家の承諾をもう一度待ちます。"


def _cancel(form: forms.Form, dispatch: Dispatch, user: User) -> str:
    data = form.cleaned_data
    cancel_dispatch(dispatch=dispatch, reason=data["reason"], actor=user, edit_token=data["edit_token"])
    return "取り消しました。専門家に知らせました。"


_ACTS = {"correct": _correct, "ask": _ask, "reschedule": _reschedule, "cancel": _cancel}
