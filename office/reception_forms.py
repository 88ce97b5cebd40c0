"""The forms of the reception: small corrections, a question, another time, calling off."""

import datetime as dt
from typing import Any

from django import forms
from django.http import QueryDict

from core import clock
from core.programme.selectors import code_items
from dispatch.models import Dispatch, Inquiry

# What is corrected here; times go through the change of date, which asks the expert again.
_YES_NO = ("同行", "専門家からの要請", "機関からの給与謝金")
CORRECTED = ("経営課題", "支援場所", "緯度", "経度", "行程番号", *_YES_NO, "同行無の理由")


class CorrectionForm(forms.Form):
    """Small errors of an application: the values as the exchange file would hold them, and why."""

    def __init__(self, dispatch: Dispatch, stored: dict[str, str], data: QueryDict | None = None) -> None:
        super().__init__(data)
        for place, name in enumerate(CORRECTED):
            value = stored[name]
            field: forms.Field
            if name == "経営課題":
                topics = code_items("topic", clock.jst(dispatch.planned_from).date())
                choices = [(topic, topic) for topic in dict.fromkeys((value, *topics))]
                field = forms.ChoiceField(label=name, choices=choices, initial=value)
            elif name in _YES_NO:
                field = forms.ChoiceField(
                    label=name, choices=[("無", "無"), ("有", "有")], initial=value or "無"
                )
            else:
                field = forms.CharField(label=name, required=False, max_length=500, initial=value)
            self.fields[f"c{place}"] = field
        self.fields["reason"] = forms.CharField(
            label="訂正の理由", max_length=500, widget=forms.Textarea(attrs={"rows": 2})
        )
        self.fields["edit_token"] = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)

    def values(self) -> dict[str, str]:
        """Column → text, of what was edited."""
        return {
            name: self.cleaned_data[f"c{place}"]
            for place, name in enumerate(CORRECTED)
            if f"c{place}" in self.changed_data
        }

    def refuse(self, by_field: dict[str, str]) -> None:
        """Puts the service's reasons beside their fields."""
        places = {name: f"c{place}" for place, name in enumerate(CORRECTED)}
        for name, why in by_field.items():
            self.add_error(places.get(name), why)


class QuestionForm(forms.Form):
    """A question to the institution or the expert."""

    asked_of = forms.ChoiceField(
        label="照会先", choices=Inquiry.AskedOf.choices, initial="institution", widget=forms.RadioSelect
    )
    question = forms.CharField(label="照会の内容", max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))


class RescheduleForm(forms.Form):
    """Another time. The expert is asked again."""

    planned_from = forms.DateTimeField(
        label="新しい予定開始",
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    planned_to = forms.DateTimeField(
        label="新しい予定終了",
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    reason = forms.CharField(label="日程変更の理由", max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
    lead_reason = forms.CharField(
        label="申請期限を過ぎた日程にする理由",
        required=False,
        max_length=500,
        help_text="支援日までの日数が足りないときだけ入れてください。例外承認の判断が必要になります。",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    edit_token = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """The end after the start."""
        data = super().clean() or self.cleaned_data
        start: dt.datetime | None = data.get("planned_from")
        end: dt.datetime | None = data.get("planned_to")
        if start and end and end <= start:
            self.add_error("planned_to", "予定終了は予定開始より後にしてください。")
        return data


class CancelForm(forms.Form):
    """Calling a dispatch off."""

    reason = forms.CharField(
        label="取消の理由",
        max_length=500,
        help_text="専門家と機関に伝わります。",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    edit_token = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)
