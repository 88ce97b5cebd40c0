"""The forms of a case: its facts, the client's consent, the log, closing."""

import datetime as dt
from typing import Any

from django import forms

from core import clock
from core.programme.selectors import code_items
from dispatch.models import Case, ConsultationNote
from dispatch.services import CaseData, Consent

_MOST = 10_000


class CaseForm(forms.Form):
    """What a case is about."""

    topic = forms.ChoiceField(label="経営課題")
    problem = forms.CharField(
        label="課題の整理",
        max_length=_MOST,
        help_text="支援先の現状と、機関として整理した課題を入力してください。専門家と事務局が読みます。",
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    why_not_alone = forms.CharField(
        label="機関だけで解決できない理由",
        max_length=_MOST,
        help_text="専門家の派遣が必要な理由を入力してください。",
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        topics = [(name, name) for name in code_items("topic", clock.today())]
        self.fields["topic"].choices = [("", "選んでください"), *topics]  # type: ignore[attr-defined]

    def data_of(self) -> CaseData:
        """The cleaned values as the services take them."""
        return CaseData(*(self.cleaned_data[name] for name in ("topic", "problem", "why_not_alone")))

    @staticmethod
    def values_of(case: Case) -> dict[str, Any]:
        """A case's values as the form shows them."""
        return {"topic": case.topic, "problem": case.problem, "why_not_alone": case.why_not_alone}


class ConsentForm(forms.Form):
    """The client's consent to sharing its data: who gave it, and when."""

    agreed = forms.BooleanField(
        label="支援先に上の文を示し、同意を得ました",
        error_messages={"required": "同意を得てから、印を付けてください。"},
    )
    given_by = forms.CharField(
        label="同意した人の氏名",
        max_length=200,
        help_text="支援先の代表者または担当者の氏名です。",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    given_at = forms.DateTimeField(
        label="同意を得た日時",
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def clean_given_at(self) -> dt.datetime:
        """Not in the future."""
        moment: dt.datetime = self.cleaned_data["given_at"]
        if moment > clock.now():
            raise forms.ValidationError("同意を得た日時が、いまより先になっています。")
        if moment.year < 2000:
            raise forms.ValidationError("同意を得た日時を確認してください。")
        return moment

    def consent_of(self, version: str) -> Consent:
        """The cleaned values as the services take them."""
        return Consent(self.cleaned_data["given_by"], version, self.cleaned_data["given_at"])


class OptionalConsentForm(ConsentForm):
    """The consent beside a new case: whole, or left for later."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.required = False

    def clean_given_at(self) -> Any:
        """Not in the future, where it is given."""
        return super().clean_given_at() if self.cleaned_data.get("given_at") else None

    def clean(self) -> dict[str, Any]:
        """Whoever ticks the box says who agreed and when."""
        data = super().clean() or {}
        if data.get("agreed"):
            for name in ("given_by", "given_at"):
                if not data.get(name) and name not in self.errors:
                    self.add_error(name, "同意を得た場合は入力してください。")
        elif data.get("given_by"):
            self.add_error(
                "agreed", "同意を得た場合は、印を付けてください。まだの場合は、氏名を空欄にしてください。"
            )
        return data


class NoteForm(forms.Form):
    """An entry of the log."""

    held_on = forms.DateField(
        label="相談日", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    channel = forms.ChoiceField(
        label="方法", choices=[("", "選んでください"), *ConsultationNote.Channel.choices]
    )
    attendees = forms.CharField(
        label="出席者",
        required=False,
        max_length=200,
        help_text="支援先と機関の出席者です。",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    text = forms.CharField(
        label="内容",
        max_length=_MOST,
        help_text="記録した後は、変更も削除もできません。訂正は、新しい記録として追加してください。",
        widget=forms.Textarea(attrs={"rows": 6}),
    )

    def clean_held_on(self) -> dt.date:
        """Not in the future."""
        day: dt.date = self.cleaned_data["held_on"]
        if day > clock.today():
            raise forms.ValidationError("今日までの日付を入力してください。")
        return day


class ReasonForm(forms.Form):
    """Why a case is closed or opened again; it stands in the history."""

    reason = forms.CharField(label="理由", max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
