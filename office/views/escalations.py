"""Doubts the agency was told of: what waits for its answer, and what it answered."""

from django import forms
from django.contrib import messages
from django.db.models import Count, Min, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from accounts.models import User
from core import clock
from core.audit.models import Access
from core.audit.services import record_page, record_view
from core.errors import DomainError, NotAllowed
from core.ui.lists import containing, page_of
from dispatch.models import Escalation
from dispatch.services import close_escalation
from office.access import office_view, person
from office.waiting import Waiting, waiting_source

SEARCHED = ("dispatch__number", "dispatch__expert__name", "dispatch__institution__name", "text", "answer")
TABS = (("open", "回答待ち"), ("closed", "回答あり"))


class AnswerForm(forms.Form):
    """What the agency answered."""

    answered_on = forms.DateField(label="回答日", widget=forms.DateInput(attrs={"type": "date"}))
    answer = forms.CharField(
        label="中小企業庁の回答", max_length=2000, widget=forms.Textarea(attrs={"rows": 4})
    )


@waiting_source(36)
def answers_waited_for(user: User) -> list[Waiting]:
    """Reports to the agency whose answer is not recorded yet."""
    found = (
        Escalation.objects.visible_to(user)
        .filter(closed_at=None)
        .aggregate(count=Count("pk"), oldest=Min("reported_at"))
    )
    if not found["count"]:
        return []
    return [
        {
            "title": "中小企業庁への報告（回答待ち）",
            "url": reverse("office:escalation_list"),
            "count": found["count"],
            "oldest": found["oldest"],
            "note": "",
        }
    ]


@office_view()
def escalation_list(request: HttpRequest) -> HttpResponse:
    """Reports by whether the answer has come, the oldest open one first."""
    user = person(request)
    state = "closed" if request.GET.get("state") == "closed" else "open"
    everything = Escalation.objects.visible_to(user)
    counts = everything.order_by().aggregate(
        open=Count("pk", filter=Q(closed_at=None)), closed=Count("pk", filter=~Q(closed_at=None))
    )
    rows = everything.select_related(
        "dispatch", "dispatch__expert", "dispatch__institution", "reported_by"
    ).filter(containing(request.GET.get("q", ""), *SEARCHED))
    if state == "open":
        rows = rows.filter(closed_at=None).order_by("reported_at", "pk")
    else:
        rows = rows.exclude(closed_at=None).order_by("-closed_at", "-pk")
    page = page_of(request, rows)
    record_page(actor=user, rows=page.object_list)
    context = {
        "section": "work",
        "page": page,
        "state": state,
        "tabs": [(name, label, counts[name]) for name, label in TABS],
    }
    return render(request, "office/escalations/list.html", context)


@office_view()
def escalation_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One report; takes the agency's answer."""
    user = person(request)
    escalation = get_object_or_404(
        Escalation.objects.visible_to(user).select_related(
            "dispatch",
            "dispatch__expert",
            "dispatch__institution",
            "dispatch__company",
            "reported_by",
            "closed_by",
        ),
        pk=pk,
    )
    record_view(actor=user, what=Access.What.VIEW, object=escalation.dispatch)
    form = AnswerForm(
        request.POST if request.method == "POST" else None, initial={"answered_on": clock.today()}
    )
    if request.method == "POST" and form.is_valid() and _answered(form, escalation, user):
        messages.success(request, f"派遣 {escalation.dispatch.number} の回答を記録しました。")
        return redirect("office:escalation_list")
    context = {
        "section": "work",
        "escalation": escalation,
        "dispatch": escalation.dispatch,
        "form": form,
    }
    status = 422 if form.errors else 200
    return render(request, "office/escalations/detail.html", context, status=status)


def _answered(form: AnswerForm, escalation: Escalation, user: User) -> bool:
    """Whether the answer was taken; a refusal stands in the form."""
    try:
        close_escalation(
            escalation=escalation,
            answer=form.cleaned_data["answer"],
            answered_on=form.cleaned_data["answered_on"],
            actor=user,
        )
    except NotAllowed:
        raise
    except DomainError as refused:
        form.add_error(None, refused.message)
        return False
    return True
