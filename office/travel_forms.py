"""The forms of the travel check: decisions on the lines of one claim, and the correction of one line's facts."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict

from core.exchange.cells import BadCell, Integer, Number, YesNo
from core.exchange.registry import Column
from dispatch.models import TravelLine
from dispatch.services import LineDecision, TravelCheckRefused, correctable
from office.travel_lines import Line
from rules import codes

REASONS_ID = "travel-reasons"
_LARGEST_KM = 99_999
# Words people type with a number.
_UNITS = str.maketrans("", "", ",，、円 　")


def _number(text: str, by_km: bool) -> tuple[int | None, Decimal | None]:
    """(yen, km) of what was typed; ValidationError says what is wrong."""
    plain = text.translate(_UNITS).lower().removesuffix("km").removesuffix("ｋｍ").removesuffix("㎞")
    try:
        if by_km:
            read = Number(0, _LARGEST_KM).read(plain)
            return None, Decimal(read) if read else None
        read = Integer().read(plain)
        return int(read) if read else None, None
    except BadCell as why:
        raise forms.ValidationError(str(why)) from None


class TravelCheckForm(forms.Form):
    """認定額 or 認定距離km with a reason for each line; only what was edited becomes a decision."""

    def __init__(self, lines: Sequence[Line], data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.lines, self.sent = lines, data
        for each in lines:
            number = each.line.line_no
            name = "認定距離km" if each.by_km else "認定額"
            unit = {"inputmode": "decimal"} if each.by_km else {"inputmode": "numeric"}
            self.fields[f"value-{number}"] = forms.CharField(
                label=f"{number}行目（{each.line.kind}）の{name}",
                required=False,
                max_length=40,
                initial=each.accepted,
                widget=forms.TextInput(attrs={"autocomplete": "off", **unit}),
            )
            self.fields[f"reason-{number}"] = forms.CharField(
                label=f"{number}行目の理由",
                required=False,
                max_length=500,
                widget=forms.TextInput(attrs={"list": REASONS_ID, "autocomplete": "off"}),
            )
            self.fields[f"seen-{number}"] = forms.IntegerField(
                required=False, initial=each.seen, widget=forms.HiddenInput
            )
            # what the form showed: only a line that was edited is sent on
            self.fields[f"was-{number}"] = forms.CharField(
                required=False, max_length=40, initial=each.accepted, widget=forms.HiddenInput
            )

    def rows(self) -> list[dict[str, Any]]:
        """Each line with its fields, for the template."""
        return [
            {
                "row": each,
                "value": self[f"value-{each.line.line_no}"],
                "reason": self[f"reason-{each.line.line_no}"],
                "hidden": [self[f"seen-{each.line.line_no}"], self[f"was-{each.line.line_no}"]],
            }
            for each in self.lines
        ]

    def clean(self) -> dict[str, Any]:
        """Reads the numbers; what can't be read stands beside its field."""
        data = super().clean() or self.cleaned_data
        self.decisions: list[LineDecision] = []
        for each in self.lines:
            number = each.line.line_no
            text = data.get(f"value-{number}", "")
            try:
                typed = _number(text, each.by_km)
                was = _number(data.get(f"was-{number}", ""), each.by_km)
            except forms.ValidationError as wrong:
                self.add_error(f"value-{number}", wrong)
                continue
            if typed == was:
                continue
            self.decisions.append(
                LineDecision(
                    line_no=number,
                    accepted_yen=typed[0],
                    accepted_km=typed[1],
                    reason=data.get(f"reason-{number}", ""),
                    seen=data.get(f"seen-{number}") or 0,
                )
            )
        for gone in self._gone():
            self.add_error(
                None, f"{gone}行目は、開いた後に請求からなくなりました。いまの行を確認してください。"
            )
        return data

    def _gone(self) -> list[str]:
        known = {str(each.line.line_no) for each in self.lines}
        posted = (name.removeprefix("seen-") for name in self.data if name.startswith("seen-"))
        return sorted(number for number in posted if number not in known and number.isdigit())

    def typed(self) -> dict[int, tuple[int | None, Decimal | None]]:
        """Line → (yen, km) as typed so far; what can't be read yet is left as it stands."""
        values = {}
        for each in self.lines:
            try:
                values[each.line.line_no] = _number(
                    str(self.data.get(f"value-{each.line.line_no}", each.accepted))[:40], each.by_km
                )
            except forms.ValidationError:
                continue
        return values

    def refused(self, refusal: TravelCheckRefused) -> "TravelCheckForm":
        """The form again, with everything typed, the reasons beside the fields, and the versions of now."""
        data = self.sent.copy() if self.sent is not None else QueryDict(mutable=True)
        for each in self.lines:
            number = each.line.line_no
            if number in refusal.changes:
                data[f"seen-{number}"], data[f"was-{number}"] = str(each.seen), each.accepted
        again = TravelCheckForm(self.lines, data)
        again.full_clean()
        for number, columns in refusal.by_line.items():
            for column, why in columns.items():
                field = f"reason-{number}" if column == "理由" else f"value-{number}"
                again.add_error(field if field in again.fields else None, why)
        return again


def correctable_of(line: TravelLine) -> list[Column]:
    """The facts of a line that can be corrected."""
    return [column for column in correctable("travel_claims") if column.field]


_CHOICES = {
    "種別": codes.TRAVEL_KINDS,
    "座席": ("", *codes.SEATS),
    "宿泊種別": ("", *codes.LODGING_KINDS),
}


class LineCorrectionForm(forms.Form):
    """The facts of a line as the claim holds them, and why they are corrected."""

    def __init__(
        self, line: TravelLine, stored: dict[str, str], seen: int, data: QueryDict | None = None
    ) -> None:
        super().__init__(data)
        self.columns = correctable_of(line)
        for place, column in enumerate(self.columns):
            value = stored[column.name]
            options: dict[str, Any] = {"label": column.name, "required": column.required, "initial": value}
            if column.name in _CHOICES:
                choices = [(choice, choice or "（空）") for choice in _CHOICES[column.name]]
                self.fields[f"c{place}"] = forms.ChoiceField(choices=choices, **options)
            elif isinstance(column.kind, YesNo):
                options |= {"initial": value or "無"}
                self.fields[f"c{place}"] = forms.ChoiceField(choices=[("無", "無"), ("有", "有")], **options)
            elif column.name == "利用日":
                self.fields[f"c{place}"] = forms.CharField(
                    max_length=20, widget=forms.TextInput(attrs={"type": "date"}), **options
                )
            else:
                self.fields[f"c{place}"] = forms.CharField(max_length=1000, **options)
        self.fields["reason"] = forms.CharField(
            label="訂正の理由",
            max_length=500,
            help_text="例: 領収書の写真で確認した",
            widget=forms.Textarea(attrs={"rows": 2}),
        )
        self.fields["seen"] = forms.IntegerField(required=False, initial=seen, widget=forms.HiddenInput)

    def values(self) -> dict[str, str]:
        """Column → text, of what was edited and of nothing else."""
        return {
            column.name: self.cleaned_data[f"c{place}"]
            for place, column in enumerate(self.columns)
            if f"c{place}" in self.changed_data
        }

    def refuse(self, by_field: dict[str, str]) -> None:
        """Puts the service's reasons beside their fields."""
        place_of = {column.name: f"c{place}" for place, column in enumerate(self.columns)}
        for name, why in by_field.items():
            self.add_error(place_of.get(name), why)
