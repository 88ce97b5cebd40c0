"""From what on something is a fraud signal: the thresholds in force, and new ones from a day on."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from core import clock
from core.errors import DomainError, NotAllowed
from dispatch.models import SignalTerms
from dispatch.services.signals import set_signal_terms, thresholds
from dispatch.signals_found.thresholds import TITLES
from office.access import office_view, person


class TermsForm(forms.Form):
    """A name, the first day, and every threshold."""

    name = forms.CharField(label="名称", max_length=100, help_text="例：2026年度の見直し")
    first_day = forms.DateField(
        label="適用を始める日",
        help_text="今日以降の日。それまでの基準は、前の日で終わります。",
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        for name, title in TITLES.items():
            self.fields[name] = forms.IntegerField(label=title, min_value=1, max_value=1_000_000)

    def clean_first_day(self) -> dt.date:
        """No day that has passed: what was found by then went by the thresholds of then."""
        day: dt.date = self.cleaned_data["first_day"]
        if day < clock.today():
            raise forms.ValidationError("適用を始める日は、今日以降にしてください。")
        return day


@office_view("set_signal_terms")
def signal_terms(request: HttpRequest) -> HttpResponse:
    """Shows the thresholds day by day; takes new ones."""
    user = person(request)
    current = thresholds(clock.today())
    if request.method == "POST":
        form = TermsForm(request.POST)
        if form.is_valid() and _set(form, user):
            messages.success(request, "基準を登録しました。次の検出から使われます。")
            return redirect("office:signal_terms")
    else:
        form = TermsForm(initial=current.values())
    context = {
        "section": "signal_terms",
        "form": form,
        "fields": [form[name] for name in TITLES],
        "stored": SignalTerms.objects.order_by("-valid"),
    }
    return render(request, "office/signals/terms.html", context, status=422 if form.errors else 200)


def _set(form: TermsForm, user: Any) -> bool:
    """Whether the thresholds were taken; a refusal stands in the form."""
    values = {name: form.cleaned_data[name] for name in TITLES}
    try:
        set_signal_terms(
            name=form.cleaned_data["name"],
            first_day=form.cleaned_data["first_day"],
            values=values,
            actor=user,
        )
    except NotAllowed:
        raise
    except DomainError as refusal:
        form.add_error("first_day", refusal.message)
        return False
    return True
