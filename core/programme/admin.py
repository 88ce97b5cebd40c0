"""Rule sets and code lists in the admin; the office's administrators change them."""

from typing import Any

from django.contrib import admin
from django.contrib.postgres.fields import DateRangeField
from django.db import connection
from django.forms import ModelForm
from django.http import HttpRequest
from django.template.response import TemplateResponse

from core import clock
from core.adminsite.matrix import ByMatrix
from core.adminsite.widgets import DayRangeWidget
from rules.fields import CHOICE_MAPPING, INT_MAPPING
from rules.ruleset import FIELDS

from . import services
from .forms import DispatchTermsForm, RuleSetForm
from .models import CodeItem, DispatchTerms, RuleSet
from .selectors import dispatch_terms


class AdministratorsChange(ByMatrix):
    """Looked at by the office, changed by those whom the matrix names; nobody deletes."""

    adds = True
    changes = True


def used_by_an_approved_run(rule_set: RuleSet) -> bool:
    """Whether the database would refuse to change it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM payments_runruleset u JOIN payments_payoutrun r ON r.id = u.run_id"
            " WHERE u.rule_set_id = %s AND r.status NOT IN ('draft', 'computed'))",
            [rule_set.pk],
        )
        return bool(cursor.fetchone()[0])


def _input_names() -> list[str]:
    names: list[str] = []
    for field in FIELDS:
        if field.kind in (INT_MAPPING, CHOICE_MAPPING):
            names += [f"{field.name}__{position}" for position in range(len(field.keys))]
        else:
            names.append(field.name)
    return names


@admin.register(RuleSet)
class RuleSetAdmin(AdministratorsChange):
    form = RuleSetForm
    list_display = ("code", "name", "first_day", "last_day", "is_used")
    search_fields = ("code", "name")

    @admin.display(description="初日")
    def first_day(self, rule_set: RuleSet) -> Any:
        """First day in force."""
        return rule_set.valid.lower

    @admin.display(description="末日の翌日")
    def last_day(self, rule_set: RuleSet) -> Any:
        """The day after the last one in force."""
        return rule_set.valid.upper

    @admin.display(description="承認済みの支払で使用", boolean=True)
    def is_used(self, rule_set: RuleSet) -> bool:
        """Whether an approved run was calculated with it."""
        return used_by_an_approved_run(rule_set)

    def get_fieldsets(self, request: HttpRequest, obj: RuleSet | None = None) -> Any:
        """Who and when, then the values."""
        return (
            (None, {"fields": ("code", "name", "first_day", "last_day")}),
            ("金額と解釈", {"fields": _input_names()}),
        )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form brings its own fields; the admin must not look for them on the model."""
        if not self.has_change_permission(request, obj):
            return super().get_form(request, obj, change, fields=("code", "name"))
        return RuleSetForm

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not once an approved run was calculated with it."""
        return super().has_change_permission(request, obj) and not (obj and used_by_an_approved_run(obj))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Who can't change it gets the values as a readable list."""
        rule_set = self.get_object(request, object_id)
        if rule_set is None or self.has_change_permission(request, rule_set):
            return super().change_view(request, object_id, form_url, extra_context)
        if not self.has_view_permission(request, rule_set):
            return super().change_view(request, object_id, form_url, extra_context)
        rows = [
            (field.label, field.unit, _shown(field, rule_set.values.get(field.name)), field.help)
            for field in FIELDS
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": f"支出基準 {rule_set}",
            "opts": self.opts,
            "rule_set": rule_set,
            "rows": rows,
            "used": used_by_an_approved_run(rule_set),
        }
        return TemplateResponse(request, "admin/programme/ruleset/view.html", context)

    def save_model(self, request: HttpRequest, obj: RuleSet, form: RuleSetForm, change: bool) -> None:
        """Through the service, which names the person in the history."""
        data = form.cleaned_data
        saved = services.save_rule_set(
            code=data["code"],
            name=data["name"],
            first_day=data["first_day"],
            end_day=data["end_day"],
            values=data["rule_values"],
            actor=request.user,  # type: ignore[arg-type]
            rule_set=obj if change else None,
        )
        obj.pk = saved.pk


def _shown(field: Any, value: Any) -> str:
    labels = dict(field.choices)
    if isinstance(value, bool):
        return "はい" if value else "いいえ"
    if isinstance(value, list):
        return "、".join(str(labels.get(member, member)) for member in value) or "なし"
    if isinstance(value, dict):
        return (
            "、".join(f"{key} {labels.get(member, member) or 'なし'}" for key, member in value.items())
            or "なし"
        )
    if isinstance(value, int):
        return f"{value:,}"
    return labels.get(value, str(value))


@admin.register(CodeItem)
class CodeItemAdmin(AdministratorsChange):
    list_display = ("list", "position", "name", "valid")
    list_filter = ("list",)
    formfield_overrides = {DateRangeField: {"widget": DayRangeWidget}}

    def save_model(self, request: HttpRequest, obj: CodeItem, form: Any, change: bool) -> None:
        """Names the person in the history."""
        from core.audit.acting import acting

        with acting(request.user, "save_code_item"):  # type: ignore[arg-type]
            obj.save()


@admin.register(DispatchTerms)
class DispatchTermsAdmin(AdministratorsChange):
    form = DispatchTermsForm
    list_display = (
        "name",
        "valid",
        "lead_days",
        "answer_days",
        "report_days",
        "approval_days",
        "inquiry_days",
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only before they begin; afterwards new ones are added."""
        begun = obj is not None and (obj.valid.lower is None or obj.valid.lower <= clock.today())
        return super().has_change_permission(request, obj) and not begun

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Whoever only looks gets the columns as they are stored."""
        if change and not self.has_change_permission(request, obj):
            return super().get_form(
                request, obj, change, form=ModelForm, fields=DispatchTermsForm.Meta.fields
            )
        return DispatchTermsForm

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Name and days first."""
        if obj is not None and not self.has_change_permission(request, obj):
            return ["name", "valid", *DispatchTermsForm.Meta.fields[1:]]
        return ["name", "first_day", *DispatchTermsForm.Meta.fields[1:]]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """One group."""
        return [(None, {"fields": self.get_fields(request, obj)})]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """New terms start from those in force today."""
        today = dispatch_terms(clock.today())
        return {name: getattr(today, name) for name in DispatchTermsForm.Meta.fields if name != "name"}

    def save_model(
        self, request: HttpRequest, obj: DispatchTerms, form: DispatchTermsForm, change: bool
    ) -> None:
        """Through the services, which end the terms before and name the person in the history."""
        values, name, actor = form.numbers(), form.cleaned_data["name"], request.user
        if change:
            services.change_dispatch_terms(terms=obj, name=name, values=values, actor=actor)  # type: ignore[arg-type]
            return
        saved = services.save_dispatch_terms(
            name=name,
            first_day=form.cleaned_data["first_day"],
            end_day=None,
            values=values,
            actor=actor,  # type: ignore[arg-type]
        )
        obj.pk, obj.valid = saved.pk, saved.valid
