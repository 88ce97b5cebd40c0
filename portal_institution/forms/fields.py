"""Fields that several forms of the institutions share."""

import re
import unicodedata
from decimal import Decimal
from typing import Any

from django import forms

_PLACE = re.compile(
    r"\s*[(（]?\s*(-?\d{1,3}(?:\.\d{1,12})?)\s*[,、，\s]\s*(-?\d{1,3}(?:\.\d{1,12})?)\s*[)）]?\s*", re.ASCII
)
# Japan with its islands, in whole degrees.
_LATITUDES, _LONGITUDES = (20, 46), (122, 154)

Place = tuple[Decimal, Decimal]


class PlaceField(forms.CharField):
    """A point as maps give it when it is copied: 緯度,経度. Answers (latitude, longitude), or None for an empty field."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", "場所（緯度,経度）")
        kwargs.setdefault("max_length", 60)
        kwargs.setdefault(
            "help_text",
            "地図で場所を選び、表示された「緯度,経度」を貼り付けてください。例：35.681236, 139.767125",
        )
        kwargs.setdefault(
            "widget",
            forms.TextInput(attrs={"inputmode": "text", "autocomplete": "off", "spellcheck": "false"}),
        )
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Any:
        """The two numbers, within Japan."""
        text = unicodedata.normalize("NFKC", super().clean(value) or "")
        if not text:
            return None
        found = _PLACE.fullmatch(text)
        if not found:
            raise forms.ValidationError(
                "「緯度,経度」の形で入力してください。例：35.681236, 139.767125", code="form"
            )
        latitude, longitude = Decimal(found[1]), Decimal(found[2])
        if _within(longitude, _LATITUDES) and _within(latitude, _LONGITUDES):
            raise forms.ValidationError(
                "緯度と経度の順番が逆です。緯度（35 など）を先に入力してください。", code="order"
            )
        if not (_within(latitude, _LATITUDES) and _within(longitude, _LONGITUDES)):
            raise forms.ValidationError(
                f"日本の中の場所ではありません（緯度 {latitude}、経度 {longitude}）。地図で確認してください。",
                code="far",
            )
        return latitude, longitude

    def prepare_value(self, value: Any) -> Any:
        """A stored point as text; what was typed stays as it was typed."""
        return place_text(*value) if isinstance(value, tuple) else value


def _within(value: Decimal, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= value <= bounds[1]


def place_text(latitude: Decimal | None, longitude: Decimal | None) -> str:
    """35.681236, 139.767125; empty without a place."""
    if latitude is None or longitude is None:
        return ""
    return f"{latitude.normalize():f}, {longitude.normalize():f}"
