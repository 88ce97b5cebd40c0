"""Texts people agree to: every version, how many agreed, and new versions from a day on."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from core import clock
from core.agreements.models import TextCode, TextVersion
from core.agreements.services import PUBLISH, publish_text
from core.errors import FieldErrors
from office.access import office_view, person

READ = "see_texts"


class TextForm(forms.Form):
    """A new version of one text."""

    title = forms.CharField(label="表題", max_length=100)
    version = forms.CharField(
        label="版", max_length=20, help_text="半角の英数字・ピリオド・ハイフン。例：2027-1"
    )
    valid_from = forms.DateField(
        label="適用開始日",
        help_text="この日から、新しく同意する人に示されます。それまでの同意は、その時の版のまま残ります。",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    body = forms.CharField(
        label="本文",
        help_text="行の初めの「# 」は見出し、「- 」は箇条書きになります。空の行で段落を分けます。",
        widget=forms.Textarea(attrs={"rows": 24}),
        strip=False,
    )


@office_view(READ)
@require_safe
def text_list(request: HttpRequest) -> HttpResponse:
    """Every version of every text; the ones in force are marked."""
    rows = (
        TextVersion.objects.visible_to(person(request))
        .defer("body")
        .select_related("published_by")
        .annotate(agreed=Count("agreements"))
    )
    today = clock.today()
    groups = []
    for code in TextCode:
        versions = [row for row in rows if row.code == code]
        current = next((row for row in versions if row.valid_from <= today), None)
        groups.append({"code": code.value, "label": code.label, "versions": versions, "current": current})
    context = {"section": "texts", "groups": groups, "today": today}
    return render(request, "office/texts/list.html", context)


@office_view(READ)
@require_safe
def text_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One version as those who agree see it."""
    text = get_object_or_404(
        TextVersion.objects.visible_to(person(request)).annotate(agreed=Count("agreements")), pk=pk
    )
    return render(request, "office/texts/detail.html", {"section": "texts", "text": text})


@office_view(PUBLISH)
def text_new(request: HttpRequest, code: str) -> HttpResponse:
    """Writes a new version, beginning with the words of the newest."""
    user = person(request)
    newest = get_object_or_404(
        TextVersion.objects.visible_to(user).filter(code=code).order_by("-valid_from")[:1]
    )
    initial = {"title": newest.title, "body": newest.body, "valid_from": clock.today() + dt.timedelta(days=1)}
    form = TextForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        published = _publish(form, code, user)
        if published is not None:
            messages.success(request, f"{published} を登録しました。")
            return redirect("office:text_detail", published.pk)
    context = {"section": "texts", "form": form, "newest": newest}
    return render(request, "office/texts/new.html", context, status=422 if form.errors else 200)


def _publish(form: TextForm, code: str, user: Any) -> TextVersion | None:
    """The new version; None when it was refused, with the reasons in the form."""
    try:
        return publish_text(code=code, actor=user, **form.cleaned_data)
    except FieldErrors as refusal:
        for name, why in refusal.by_field.items():
            form.add_error(name if name in form.fields else None, why)
    return None
