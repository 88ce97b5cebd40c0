"""Taking data out: what one asked for, asking for more, taking the file (security.md R-035)."""

from typing import Any

from django import forms
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from accounts import reauthentication
from accounts.models import User
from accounts.rights import Reach, hidden_fields, masked_fields, may, reach, require
from core.exchange import registry
from core.exports.models import Export
from core.exports.services import FORMATS, open_export, request_export
from office.access import office_view, person
from office.lists import page_of


class PurposeForm(forms.Form):
    """Why data leave."""

    purpose = forms.CharField(
        label="目的",
        max_length=500,
        help_text="「10月分の支払額の確認のため」のように、何のためかを書いてください。",
    )


class ExportForm(PurposeForm):
    """Which register, as what, and why."""

    table = forms.ChoiceField(label="台帳")
    ending = forms.ChoiceField(
        label="ファイルの形式",
        choices=[("csv", "CSV（UTF-8）"), ("xlsx", "Excel（XLSX）")],
        initial=FORMATS[0],
    )
    with_accounts = forms.BooleanField(
        label="口座番号をすべての桁で書き出す",
        required=False,
        help_text="選ばない場合は下3桁だけになり、そのファイルは取り込めません。選ぶと本人確認があります。",
    )
    field_order = ("table", "ending", "with_accounts", "purpose")

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["table"].choices = [  # type: ignore[attr-defined]
            (table.name, table.title) for table in _tables_of(user)
        ]
        if not may(user, "view_bank_account").allowed:
            del self.fields["with_accounts"]


def _tables_of(user: User) -> list[registry.Table]:
    return [table for table in registry.tables() if reach(user, "read", table.model) is Reach.ALL]


@office_view("see_office")
def export_list(request: HttpRequest) -> HttpResponse:
    """One's own exports; administrators see everybody's, without the files."""
    user = person(request)
    rows = Export.objects.visible_to(user).select_related("requested_by", "job").order_by("-pk")
    context = {
        "section": "exports",
        "page": page_of(request, rows),
        "sees_all": reach(user, "read", Export) is Reach.ALL,
        "can_export": may(user, "export_data").allowed,
    }
    return render(request, "office/exports/list.html", context)


@never_cache
@office_view("export_data")
def export_new(request: HttpRequest) -> HttpResponse:
    """Asks which register, and for what purpose; the file is prepared as a job."""
    user = person(request)
    form = ExportForm(user, request.POST or None, initial={"table": request.GET.get("table", "")})
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        with_accounts = bool(asked.get("with_accounts"))
        if with_accounts:
            require(user, "view_bank_account")
            if not reauthentication.is_recent(request):
                return reauthentication.suspend(request)
        request_export(
            actor=user,
            table=registry.table_named(asked["table"]),
            ending=asked["ending"],
            purpose=asked["purpose"],
            with_accounts=with_accounts,
        )
        return redirect("office:export_list")
    contents = [
        {
            "title": table.title,
            "columns": [
                f"{column.name}{'（下3桁）' if column.field in masked_fields(user, table.model) else ''}"
                for column in table.columns
                if column.field not in hidden_fields(user, table.model)
            ],
        }
        for table in _tables_of(user)
    ]
    context = {
        "section": "exports",
        "form": form,
        "tables": contents,
        "back_url": reverse("office:export_list"),
    }
    return render(request, "office/exports/new.html", context)


@never_cache
@office_view("export_data")
@reauthentication.required
def export_file(request: HttpRequest, pk: int) -> FileResponse:
    """The file, for whoever asked for it; somebody else's isn't there."""
    user = person(request)
    export = get_object_or_404(Export.objects.visible_to(user).filter(requested_by=user), pk=pk)
    file = open_export(export=export, actor=user)
    return FileResponse(file, as_attachment=True, filename=export.file_name)
