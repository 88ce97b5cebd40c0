"""The form that takes in a roster of the agency."""

import datetime as dt
import secrets
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from core import clock
from institutions.models import Roster

LARGEST_BYTES = 20 * 1024 * 1024
_FARTHEST = dt.timedelta(days=366)


class RosterForm(forms.Form):
    """One file, what it is, and the day it counts from."""

    upload = forms.FileField(
        label="名簿のファイル",
        help_text="CSV または XLSX（20MB・20,000行まで）。見出しは institutions.csv と同じ名前です。",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.xlsx"}),
    )
    kind = forms.ChoiceField(label="種類", choices=Roster.Kind.choices, widget=forms.RadioSelect)
    effective_on = forms.DateField(
        label="適用日",
        help_text="名簿から外れた機関は、この日の前日まで有効です。",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, files: Any = None) -> None:
        initial = {"effective_on": clock.today().isoformat(), "key": secrets.token_urlsafe(16)}
        super().__init__(data, files, initial=initial)

    def clean_upload(self) -> UploadedFile:
        """A file of a size that can be compared at once."""
        upload: UploadedFile = self.cleaned_data["upload"]
        if (upload.size or 0) > LARGEST_BYTES:
            raise forms.ValidationError("ファイルが大きすぎます。20MB までにしてください。")
        return upload

    def clean_effective_on(self) -> dt.date:
        """A day not farther away than a year; anything else is a slip."""
        day: dt.date = self.cleaned_data["effective_on"]
        if abs(day - clock.today()) > _FARTHEST:
            raise forms.ValidationError("適用日は今日から前後1年以内の日にしてください。")
        return day
