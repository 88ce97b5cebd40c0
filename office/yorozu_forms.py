"""The forms around a change of a よろず's operator."""

import datetime as dt
import secrets
from typing import Any

from django import forms

from accounts.models import User
from core import clock
from institutions.models import YOROZU, Institution, OperatorChange
from institutions.operator_change.services import MOST_TEXT


class StartForm(forms.Form):
    """Which base, until when, and who gets the form."""

    former = forms.ModelChoiceField(
        label="旧実施機関",
        queryset=Institution.objects.none(),
        to_field_name="code",
        empty_label="選んでください",
        help_text="いまの実施機関です。変更の手続きが始まっている拠点は出ません。",
        error_messages={"invalid_choice": "一覧から選んでください。手続きが既に始まった拠点は選べません。"},
    )
    last_day = forms.DateField(
        label="旧実施機関の最終日",
        help_text="この日の翌日に、旧実施機関のすべてのIDを自動で停止します。翌日以降の派遣は申請できません。",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    message = forms.CharField(
        label="旧実施機関への連絡事項",
        required=False,
        help_text="予告のメールに、そのまま載せます。",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    form_name = forms.CharField(label="新実施機関の名前")
    form_person = forms.CharField(label="フォームを受け取る人の氏名")
    form_email = forms.CharField(
        label="フォームを送るメールアドレス",
        help_text="この後の画面で、登録フォームのリンクを送ります。",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, user: User, data: Any = None, former: str = "") -> None:
        super().__init__(data, initial={"former": former, "key": secrets.token_urlsafe(16)})
        running = OperatorChange.objects.exclude(state=OperatorChange.State.WITHDRAWN).values("former")
        self.fields["former"].queryset = (  # type: ignore[attr-defined]
            Institution.objects.visible_to(user)
            .filter(kind=YOROZU)
            .exclude(pk__in=running)
            .order_by("prefecture_code", "code")
        )

    def clean_last_day(self) -> dt.date:
        """The day; how far away it may be, the service says."""
        day: dt.date = self.cleaned_data["last_day"]
        if day.year < clock.today().year - 1:
            raise forms.ValidationError("最終日は、31日前から1年後までの日にしてください。")
        return day


class OpenForm(forms.Form):
    """The new institution's code and name."""

    code = forms.CharField(label="機関コード", help_text="新しい機関IDです。後から変えられません。")
    name = forms.CharField(label="機関名")


class WithdrawForm(forms.Form):
    """Why a change is called off."""

    reason = forms.CharField(
        label="中止の理由", max_length=MOST_TEXT, widget=forms.Textarea(attrs={"rows": 3})
    )
