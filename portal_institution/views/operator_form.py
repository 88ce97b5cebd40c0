"""/y/<token>/: the new operator of a よろず fills in the registration form. No account; opening it changes nothing."""

import json

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from core import clock
from core.agreements.models import TextCode
from core.agreements.services import current_text
from core.client_address import address_of
from core.errors import DomainError, FieldErrors
from institutions.models import OperatorChange
from institutions.operator_change.answers import FIELDS, MOST_USERS, Field
from institutions.operator_change.entering import change_by_token, save_entry, submit_answer
from institutions.operator_change.selectors import returned_fields
from institutions.operator_change.steps import LinkUnusable

_MOST_BYTES = 20_000
_HINTS = {
    "operator_name": "法人などの正式な名称を入力してください。",
    "phone": "例：03-1234-5678",
    "chief_email": "IDの案内を送ります。一人に一つのアドレスが要ります。",
}


class _Unjudged:
    """A field that is marked as required and refuses nothing itself: the judgement is the service's, of all at once."""

    def validate(self, value: object) -> None:
        """Nothing."""


class _Text(_Unjudged, forms.CharField):
    pass


class _Yes(_Unjudged, forms.BooleanField):
    pass


def _field(field: Field, returned: str) -> forms.CharField:
    widget: forms.Widget = forms.TextInput()
    if field.kind == "email":
        widget = forms.EmailInput(attrs={"autocomplete": "off"})
    elif field.kind == "phone":
        widget = forms.TextInput(attrs={"inputmode": "tel"})
    hint = f"修正のお願い：{returned}" if returned else _HINTS.get(field.name, "")
    return _Text(label=field.title, required=field.required, strip=False, widget=widget, help_text=hint)


class OperatorForm(forms.Form):
    """The form's fields, and the yes to the terms."""

    def __init__(self, change: OperatorChange, data: object = None) -> None:
        super().__init__(data, initial=change.entry)  # type: ignore[arg-type]
        self.returned = returned_fields(change) if change.state == OperatorChange.State.RETURNED else {}
        for field in FIELDS:
            self.fields[field.name] = _field(field, self.returned.get(field.name, ""))
        self.fields["agreed"] = _Yes(label="利用規約に同意します")

    @property
    def of_operator(self) -> list[forms.BoundField]:
        """The operator and its chief."""
        return [self[field.name] for field in FIELDS if field.required]

    @property
    def of_users(self) -> list[tuple[int, forms.BoundField, forms.BoundField]]:
        """The other people, each a pair of fields."""
        return [(n, self[f"user_{n}_name"], self[f"user_{n}_email"]) for n in range(1, MOST_USERS + 1)]

    @property
    def has_users(self) -> bool:
        """Whether anything stands in the fields of the other people, or is wrong with it."""
        return any(bound.value() or bound.errors for _, *pair in self.of_users for bound in pair)


def _unusable(request: HttpRequest) -> HttpResponse:
    """The same words for wrong, expired and replaced links."""
    return render(request, "operator/unusable.html", {"message": LinkUnusable().message}, status=404)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def operator_form(request: HttpRequest, token: str) -> HttpResponse:
    """The form as it was left, and its sending. Sent twice, it is thanked for twice, and kept once."""
    change = change_by_token(token)
    if change is None:
        return _unusable(request)
    if change.state == OperatorChange.State.CHECKING:
        return render(request, "operator/done.html")
    form = OperatorForm(change, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            submit_answer(
                change=change,
                entry=form.cleaned_data,
                agreed=form.cleaned_data["agreed"],
                text_version=request.POST.get("text_version", ""),
                address=address_of(request) or None,
                user_agent=request.META.get("HTTP_USER_AGENT", ""),
            )
        except FieldErrors as refusal:
            for name, why in refusal.by_field.items():
                form.add_error(name, why)
        except LinkUnusable:
            return _unusable(request)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            return redirect("operator:done")
    context = {
        "change": change,
        "form": form,
        "text": current_text(TextCode.YOROZU_TERMS),
        "returned": [(form[name], reason) for name, reason in form.returned.items()],
    }
    return render(request, "operator/form.html", context)


@login_not_required
@require_POST
def operator_draft(request: HttpRequest, token: str) -> HttpResponse:
    """Keeps what was typed so far (static/js/autosave.js)."""
    change = change_by_token(token)
    if change is None:
        return JsonResponse({"message": LinkUnusable().message}, status=404)
    if len(request.body) > _MOST_BYTES:
        return JsonResponse({"message": "入力が長すぎます。"}, status=413)
    try:
        sent = json.loads(request.body)
    except (ValueError, RecursionError):
        sent = None
    values = sent.get("values") if isinstance(sent, dict) else None
    if not isinstance(values, dict):
        return JsonResponse({"message": "入力内容を読み取れませんでした。"}, status=400)
    plain = {
        name: value.encode("utf-8", "replace").decode()
        for name, value in values.items()
        if isinstance(value, str)
    }
    try:
        kept = save_entry(change=change, entry=plain)
    except DomainError as refusal:
        return JsonResponse({"message": refusal.message}, status=404 if refusal.code == "link" else 409)
    return JsonResponse({"shown": f"{clock.jst(kept.saved_at):%H:%M}"})


@login_not_required
def done(request: HttpRequest) -> HttpResponse:
    """Thanks; says nothing about anybody."""
    return render(request, "operator/done.html")
