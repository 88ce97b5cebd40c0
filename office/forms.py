"""The forms of the office's screens."""

import datetime as dt
from typing import Any

from django import forms

from core import clock
from core.japan.calendar import bank_open

from .lists import month_of


class RunForm(forms.Form):
    """Drafting a run: which month, paid when, and for a month still open, up to when."""

    month = forms.CharField(label="対象月", widget=forms.TextInput(attrs={"type": "month"}))
    pay_date = forms.DateField(
        label="支払日",
        help_text="銀行の営業日を指定してください。",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    cutoff = forms.DateTimeField(
        label="締切",
        required=False,
        help_text="空欄なら対象月の終わりまで。途中で締める場合だけ指定してください。",
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def clean_month(self) -> dt.date:
        """The first day of the month."""
        month = month_of(self.cleaned_data["month"])
        if month is None:
            raise forms.ValidationError("対象月は 2026-11 の形で入力してください。")
        return month

    def clean_pay_date(self) -> dt.date:
        """A banking day that has not passed."""
        day: dt.date = self.cleaned_data["pay_date"]
        if day < clock.today():
            raise forms.ValidationError("支払日は今日以降の日にしてください。")
        if not bank_open(day):
            raise forms.ValidationError("銀行の休業日です。営業日を指定してください。")
        return day


class SeveralFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several uploaded files under one name."""

    widget = SeveralFiles

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Each file by itself; an empty selection is refused as a missing field."""
        several = data if data and isinstance(data, list | tuple) else [data or None]
        return [super(FilesField, self).clean(one, initial) for one in several]


class ImportForm(forms.Form):
    """Exchange files to load."""

    uploads = FilesField(
        label="交換ファイル",
        help_text="payer、institutions、experts、companies、dispatches、check_events、declarations、travel_claims"
        " の CSV または XLSX。まとめて選べます。",
    )
    dry_run = forms.BooleanField(
        label="確認だけ行う", required=False, help_text="何も変更せずに、件数と誤りだけを表示します。"
    )
