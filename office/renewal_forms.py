"""The forms of the year-end renewal on the office's screens."""

import datetime as dt
import secrets
from typing import Any

from django import forms

from core import clock
from core.japan.calendar import fiscal_year_end, fiscal_year_name
from experts.models import Expert
from experts.renewal.answering import LONGEST_REASON, REASONS, TOLD
from experts.renewal.campaigns import LONGEST_MESSAGE, MOST_REMINDERS
from experts.renewal.models import Ask, Campaign
from experts.standing import LONGEST_REASON as LONGEST_END

_SHOWN_REMINDERS = 3


class _Day(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


def first_days(year: int, today: dt.date | None = None) -> dict[str, Any]:
    """Days to begin with: answers until the end of February (or in four weeks), reminders two weeks and one before."""
    today = today or clock.today()
    answer_by = fiscal_year_end(year).replace(month=3, day=1) - dt.timedelta(days=1)
    if answer_by <= today + dt.timedelta(days=7):
        answer_by = today + dt.timedelta(days=28)
    days = [answer_by - dt.timedelta(days=before) for before in (14, 7)]
    reminders = [day for day in days if day > today]
    return {"answer_by": answer_by, **{f"remind_{n}": day for n, day in enumerate(reminders, 1)}}


class DaysForm(forms.Form):
    """Until when answers count, when the silent are reminded, and words of the office's own in the mail."""

    answer_by = forms.DateField(
        label="回答期限", widget=_Day, help_text="この日の終わりまで回答を受け付け、翌日から締め切れます。"
    )
    message = forms.CharField(
        label="案内の文",
        required=False,
        max_length=LONGEST_MESSAGE,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="メールと回答の画面に載せます。決まった案内は、これがなくても付きます。",
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0, max_value=2**31 - 1)

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None, days: int = 0) -> None:
        super().__init__(data, initial=initial)
        for number in range(1, min(MOST_REMINDERS, max(_SHOWN_REMINDERS, days)) + 1):
            self.fields[f"remind_{number}"] = forms.DateField(
                label=f"督促日 {number}",
                widget=_Day,
                required=False,
                help_text="この日の朝、まだ回答のない人へ自動でメールを送ります。" if number == 1 else "",
            )
        names = [name for name in self.fields if name.startswith("remind_")]
        self.order_fields(["fiscal_year", "answer_by", *names, "message", "version"])

    @property
    def remind_on(self) -> list[dt.date]:
        """The days filled in, in order."""
        days = [value for name, value in self.cleaned_data.items() if name.startswith("remind_") and value]
        return sorted(set(days))

    def refuse(self, by_field: dict[str, str]) -> None:
        """Puts the service's refusals beside their fields."""
        for name, why in by_field.items():
            field = "remind_1" if name == "remind_on" else name
            self.add_error(field if field in self.fields else None, why)


class PrepareForm(DaysForm):
    """Which year end, and its days."""

    def __init__(self, data: Any = None, *, years: list[int], initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.fields["fiscal_year"] = forms.TypedChoiceField(
            label="年度",
            choices=[
                (year, f"{year}年度末（{fiscal_year_name(year)}、{year + 1}年3月31日まで）") for year in years
            ],
            coerce=int,
        )
        self.order_fields(["fiscal_year"])


def change_form(campaign: Campaign, data: Any = None) -> DaysForm:
    """The form of a campaign's days as they are."""
    initial = {
        "answer_by": campaign.answer_by,
        "message": campaign.message,
        "version": campaign.version,
        **{f"remind_{number}": day for number, day in enumerate(campaign.remind_on, 1)},
    }
    return DaysForm(data, initial=initial, days=len(campaign.remind_on))


class KeyForm(forms.Form):
    """Nothing but a key against a second press."""

    key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"key": secrets.token_urlsafe(12)})


class ToldForm(forms.Form):
    """An answer that the office was told, on the expert's behalf."""

    answer = forms.ChoiceField(
        label="回答",
        choices=[(Ask.Answer.RENEW.value, "更新する"), (Ask.Answer.DECLINE.value, "更新しない")],
        widget=forms.RadioSelect,
        error_messages={"required": "「更新する」か「更新しない」を選んでください。"},
    )
    data_right = forms.ChoiceField(
        label="登録内容",
        choices=[("", "聞いていない"), ("right", "変更はない"), ("changed", "変更がある")],
        required=False,
    )
    reason_code = forms.ChoiceField(
        label="更新しない理由",
        choices=[("", "選んでください"), *((each, each) for each in REASONS)],
        required=False,
    )
    source = forms.ChoiceField(
        label="受けた方法",
        choices=[(each.value, each.label) for each in TOLD],
        widget=forms.RadioSelect,
        error_messages={"required": "回答をどう受けたかを選んでください。"},
    )
    note = forms.CharField(
        label="経緯",
        max_length=LONGEST_REASON,
        help_text="誰から、いつ受けたか（例：2月3日 本人から電話）。本人の画面にも表示されます。",
        error_messages={"required": "誰から、いつ受けたかを入れてください。"},
    )
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=2**31 - 1)
    act = forms.CharField(widget=forms.HiddenInput, initial="answer")

    def clean(self) -> dict[str, Any]:
        """A decline has a reason."""
        said = super().clean() or {}
        if said.get("answer") == Ask.Answer.DECLINE and not said.get("reason_code"):
            self.add_error("reason_code", "更新しない理由を選んでください。")
        return said

    @property
    def said(self) -> dict[str, Any]:
        """What the service takes; call `is_valid` before."""
        data = self.cleaned_data
        return {
            "answer": data["answer"],
            "reason": data["reason_code"],
            "data_right": {"right": True, "changed": False}.get(data["data_right"]),
            "source": data["source"],
            "note": data["note"],
            "version": data["version"],
        }


class ExemptForm(forms.Form):
    """Why a registration goes on though it wasn't renewed; empty takes the exception back."""

    exempt_reason = forms.CharField(
        label="例外の理由",
        max_length=LONGEST_END,
        required=False,
        help_text="更新の回答がなくても登録を続けるときに入れます（例：入院中と家族から連絡）。空にすると例外を取り消します。",
    )
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=2**31 - 1)
    act = forms.CharField(widget=forms.HiddenInput, initial="exempt")


class CloseForm(forms.Form):
    """That the list was looked through."""

    mark = forms.CharField(max_length=64, widget=forms.HiddenInput)
    sure = forms.BooleanField(
        label="名簿と例外を確かめました",
        error_messages={"required": "名簿と例外を確かめて、チェックを入れてください。"},
    )


class EndForm(forms.Form):
    """The last day of one registration, and why."""

    last_day = forms.DateField(
        label="登録の最後の日", widget=_Day, help_text="この日までの派遣は申請できます。"
    )
    reason = forms.CharField(
        label="理由", max_length=LONGEST_END, help_text="本人の画面にも表示されます（例：本人の申し出）。"
    )


class RestoreForm(forms.Form):
    """Why a registration goes on after all."""

    reason = forms.CharField(
        label="戻す理由",
        max_length=LONGEST_END,
        help_text="履歴に残ります（例：3月2日 本人から継続の申し出）。",
    )


def standing_form(expert: Expert, data: Any = None) -> EndForm | RestoreForm:
    """What can be done with a registration now."""
    return EndForm(data) if expert.valid_until is None else RestoreForm(data)
