"""The form of a rule set, made from the fields the rules declare (rules/ruleset.py)."""

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from core import clock
from rules import fields as kinds
from rules.fields import Field
from rules.ruleset import FIELDS

from .models import DispatchTerms, RuleSet


def _label(field: Field) -> str:
    return f"{field.label}（{field.unit}）" if field.unit else field.label


def _form_fields(field: Field) -> dict[str, forms.Field]:
    """The inputs of one value: one, or for a mapping one for each key."""
    if field.kind == kinds.INT:
        return {
            field.name: forms.IntegerField(
                label=_label(field), help_text=field.help, min_value=field.minimum, max_value=field.maximum
            )
        }
    if field.kind == kinds.DECIMAL:
        return {
            field.name: forms.DecimalField(
                label=_label(field), help_text=field.help, min_value=field.minimum, max_value=field.maximum
            )
        }
    if field.kind == kinds.BOOL:
        return {field.name: forms.BooleanField(label=_label(field), help_text=field.help, required=False)}
    if field.kind == kinds.CHOICE:
        return {
            field.name: forms.ChoiceField(label=_label(field), help_text=field.help, choices=field.choices)
        }
    if field.kind == kinds.LIST:
        return {
            field.name: forms.MultipleChoiceField(
                label=_label(field),
                help_text=field.help,
                choices=field.choices,
                required=False,
                widget=forms.CheckboxSelectMultiple,
            )
        }
    if field.kind in (kinds.INT_MAPPING, kinds.CHOICE_MAPPING):
        inputs: dict[str, forms.Field] = {}
        for position, key in enumerate(field.keys):
            label = f"{field.label}：{key}"
            if field.kind == kinds.INT_MAPPING:
                inputs[f"{field.name}__{position}"] = forms.IntegerField(
                    label=f"{label}（{field.unit}）",
                    help_text=field.help,
                    min_value=0,
                    required=field.all_keys,
                )
            else:
                inputs[f"{field.name}__{position}"] = forms.ChoiceField(
                    label=label, help_text=field.help, choices=field.choices, required=False
                )
        return inputs
    return {field.name: forms.CharField(label=_label(field), help_text=field.help)}


class RuleSetForm(forms.ModelForm):
    """Code, name, days and every value of a rule set; nothing is editable as raw data."""

    first_day = forms.DateField(label="有効期間の初日", widget=forms.DateInput(attrs={"type": "date"}))
    last_day = forms.DateField(
        label="有効期間の末日",
        required=False,
        help_text="空欄なら終わりを定めません。",
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    class Meta:
        model = RuleSet
        fields = ("code", "name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        values = self.instance.values or {}
        if self.instance.pk:
            self.initial["first_day"] = self.instance.valid.lower
            if self.instance.valid.upper:
                self.initial["last_day"] = self.instance.valid.upper - dt.timedelta(days=1)
        for field in FIELDS:
            for name, form_field in _form_fields(field).items():
                self.fields[name] = form_field
                if field.name not in values:
                    continue
                stored = values[field.name]
                if "__" in name:
                    stored = stored.get(field.keys[int(name.rsplit("__", 1)[1])])
                self.initial[name] = stored

    def _value(self, field: Field, data: dict[str, Any]) -> Any:
        if field.kind not in (kinds.INT_MAPPING, kinds.CHOICE_MAPPING):
            value = data.get(field.name)
            return str(value) if field.kind == kinds.DECIMAL and value is not None else value
        filled = {key: data.get(f"{field.name}__{position}") for position, key in enumerate(field.keys)}
        return {key: value for key, value in filled.items() if field.all_keys or value not in (None, "")}

    def clean(self) -> dict[str, Any]:
        """Reads every value by the rules' own definition; a refusal stands beside its input."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        values: dict[str, Any] = {}
        for field in FIELDS:
            first_input = field.name if field.name in self.fields else f"{field.name}__0"
            try:
                values[field.name] = field.dump(field.parse(self._value(field, data)))
            except ValueError as wrong:
                if first_input not in self.errors:
                    self.add_error(first_input, ValidationError(str(wrong)))
        first, last = data.get("first_day"), data.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", "末日は初日以後の日にしてください。")
        data["rule_values"] = values
        if last == dt.date.max:
            self.add_error("last_day", "終わりを決めないときは空欄にしてください。")
            last = None
        data["end_day"] = last + dt.timedelta(days=1) if last else None
        if first and "last_day" not in self.errors:
            others = RuleSet.objects.exclude(pk=self.instance.pk).filter(
                valid__overlap=(first, data["end_day"])
            )
            if others.exists():
                named = "、".join(str(other) for other in others)
                self.add_error("first_day", f"有効期間が重なる支出基準があります: {named}")
        return data


class DispatchTermsForm(forms.ModelForm):
    """Deadlines and lead time from a day on; they count until the day before the next ones begin."""

    first_day = forms.DateField(
        label="有効期間の初日",
        help_text="この日から有効になり、それまでの期限は前の日で終わります。",
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    class Meta:
        model = DispatchTerms
        fields = (
            "name",
            "lead_days",
            "answer_days",
            "report_days",
            "attestation_days",
            "approval_days",
            "inquiry_days",
            "escalation_days",
            "link_days",
            "clock_skew_seconds",
            "usual_claim_yen",
            "appointment_required",
        )
        help_texts = {
            "escalation_days": "督促しても済まないとき、何日後に事務局へ知らせるか。0 なら知らせません。",
            "usual_claim_yen": "これを超える行は、事務局の旅費の確認に出ます。0 なら金額だけでは出しません。",
            "appointment_required": "選ぶと、支援日の年度の委嘱を承諾していない専門家の派遣は申請できません。",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and self.instance.valid.lower:
            self.initial["first_day"] = self.instance.valid.lower
            # a beginning isn't moved: other terms end the day before
            self.fields["first_day"].disabled = True

    def numbers(self) -> dict[str, int]:
        """The values by field."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields if name != "name"}

    def clean_first_day(self) -> dt.date:
        """No terms for the past: they would change what people were asked for."""
        day: dt.date = self.cleaned_data["first_day"]
        if self.instance.pk:
            return day
        if day < clock.today():
            raise ValidationError("初日は今日以降の日にしてください。過ぎた日の期限は変えられません。")
        if DispatchTerms.objects.filter(valid__startswith=day).exists():
            raise ValidationError("この日に始まる期限が既にあります。別の初日にしてください。")
        return day
