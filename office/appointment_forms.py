"""The forms of appointments on the office's screens."""

import datetime as dt
import secrets
from typing import Any

from django import forms

from core import clock
from core.japan.calendar import fiscal_year_end, fiscal_year_name, fiscal_year_start
from experts.appointment.models import Round
from experts.appointment.offering import LONGEST_MESSAGE
from payments.models import Payer


class _Day(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class _Form(forms.Form):
    def refuse(self, by_field: dict[str, str]) -> None:
        """Puts the service's refusals beside their fields."""
        for name, why in by_field.items():
            self.add_error(name if name in self.fields else None, why)


class OpenForm(_Form):
    """Which year, from which day, until when answers are asked for."""

    first_day = forms.DateField(
        label="委嘱期間の初日",
        widget=_Day,
        help_text="委嘱期間は、この日から年度の終わり（3月31日）までです。",
    )
    answer_by = forms.DateField(
        label="回答期限", widget=_Day, help_text="メールと専門家の画面に載せます。過ぎた後も回答できます。"
    )
    message = forms.CharField(
        label="案内の文",
        required=False,
        max_length=LONGEST_MESSAGE,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="メールに載せます。決まった案内は、これがなくても付きます。",
    )
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, years: list[int]) -> None:
        super().__init__(data, initial={"key": secrets.token_urlsafe(12), **_first_days(years[-1:])})
        self.fields["fiscal_year"] = forms.TypedChoiceField(
            label="年度",
            choices=[(year, f"{year}年度（{fiscal_year_name(year)}）") for year in years],
            coerce=int,
        )
        self.order_fields(["fiscal_year"])


def _first_days(years: list[int]) -> dict[str, Any]:
    if not years:
        return {}
    today = clock.today()
    start = fiscal_year_start(years[0])
    return {
        "fiscal_year": years[0],
        "first_day": max(start, today),
        "answer_by": min(today + dt.timedelta(days=14), fiscal_year_end(years[0])),
    }


class IssueForm(_Form):
    """What every letter of this issue says: its day, and who appoints."""

    issued_on = forms.DateField(label="発行日", widget=_Day, help_text="委嘱状に記す日付です。")
    issuer_name = forms.CharField(
        label="委嘱する機関の名称",
        max_length=100,
        help_text="委嘱状に記す名称です（例：〇〇株式会社 中小企業119事務局）。",
    )
    issuer_title = forms.CharField(
        label="代表者の職・氏名", max_length=100, help_text="例：事務局長　山田 太郎"
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0, max_value=2**31 - 1)

    def __init__(self, data: Any = None, *, round: Round) -> None:
        super().__init__(
            data, initial={"issued_on": clock.today(), "version": round.version, **issuer(round)}
        )


def issuer(round: Round) -> dict[str, str]:
    """Who appoints: as this round says, else the latest one that does, else the payer's name."""
    if not round.issuer_name:
        round = Round.objects.exclude(issuer_name="").order_by("-fiscal_year").first() or round
    name = round.issuer_name
    if not name:
        payer = Payer.objects.order_by("pk").first()
        name = payer.name if payer else ""
    return {"issuer_name": name, "issuer_title": round.issuer_title}
