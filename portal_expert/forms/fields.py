"""Fields as people type them on a phone: amounts with commas, full-width digits, days and times of Japan."""

import datetime as dt
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms

from core import clock
from core.exchange.cells import LARGEST_AMOUNT, LONGEST_TEXT, BadCell, Text

MOMENT_FORMATS = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M")
FARTHEST_KM = Decimal(99_999)


def typed_number(text: str, unit: str) -> str:
    """A number as it was meant: without full-width forms, commas, blanks and its unit."""
    plain = unicodedata.normalize("NFKC", text).strip().removesuffix(unit).removeprefix("¥")
    return plain.replace(",", "").replace("、", "").replace(" ", "")


class YenField(forms.CharField):
    """Whole yen, None when empty."""

    def __init__(self, **given: Any) -> None:
        given.setdefault("widget", forms.TextInput(attrs={"inputmode": "numeric", "class": "amount"}))
        super().__init__(**given)

    def clean(self, value: Any) -> int | None:
        """Yen from 0 to the largest a file can hold."""
        text = typed_number(super().clean(value), "円")
        if not text:
            return None
        if not (text.isascii() and text.isdigit()):
            raise forms.ValidationError("金額は数字で入れてください（例: 1200）。")
        if len(text) > 10 or int(text) > LARGEST_AMOUNT:
            raise forms.ValidationError(f"金額は{LARGEST_AMOUNT:,}円以内にしてください。")
        return int(text)


class KmField(forms.CharField):
    """A distance in km, None when empty."""

    def __init__(self, **given: Any) -> None:
        given.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "class": "amount"}))
        super().__init__(**given)

    def clean(self, value: Any) -> Decimal | None:
        """km with at most three decimals."""
        text = typed_number(super().clean(value), "km")
        if not text:
            return None
        try:
            if not set(text) <= set("0123456789."):
                raise InvalidOperation
            found = Decimal(text)
        except InvalidOperation:
            raise forms.ValidationError("距離は数字で入れてください（例: 12.4）。") from None
        exponent = found.as_tuple().exponent
        if found > FARTHEST_KM or (isinstance(exponent, int) and exponent < -3):
            raise forms.ValidationError("距離は99,999kmまで、小数は3桁までで入れてください。")
        return found


class TextField(forms.CharField):
    """Text that every file and database can hold."""

    def __init__(self, *, longest: int = LONGEST_TEXT, **given: Any) -> None:
        super().__init__(**given)
        self.longest = longest

    def clean(self, value: Any) -> str:
        """The text without blanks around it."""
        text: str = super().clean(value)
        try:
            Text(self.longest).reader(required=False)(text)
        except BadCell as why:
            raise forms.ValidationError(str(why)) from None
        return text


class MomentField(forms.DateTimeField):
    """A moment of Japan, to the minute; answers an aware time."""

    def __init__(self, **given: Any) -> None:
        super().__init__(
            input_formats=MOMENT_FORMATS,
            widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
            error_messages={"invalid": "日付と時刻を入れてください。"},
            **given,
        )

    def clean(self, value: Any) -> dt.datetime | None:
        """The moment, None when empty."""
        found: dt.datetime | None = super().clean(value)
        return found and found.astimezone(clock.JST).replace(second=0, microsecond=0)


class DayField(forms.DateField):
    """A day."""

    def __init__(self, **given: Any) -> None:
        super().__init__(
            input_formats=("%Y-%m-%d", "%Y/%m/%d"),
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            error_messages={"invalid": "日付を入れてください。"},
            **given,
        )
