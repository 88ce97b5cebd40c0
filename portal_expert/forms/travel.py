"""One line of the travel claim: each kind asks only for what its rule looks at (rules.md §3)."""

from collections.abc import Callable, Collection, Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any

from django import forms

from dispatch.services import ClaimLine
from rules import codes
from rules.ruleset import RuleSet
from rules.wording import km, yen

from .fields import DayField, KmField, TextField, YenField

_SECTION = ("day", "origin", "destination", "km")
_PASSAGE = (*_SECTION, "roundtrip_fare", "ordinary_fare", "seat")
FIELDS_OF: dict[str, tuple[str, ...]] = {
    codes.TRAVEL_RAIL: (*_SECTION, "fare", "express", "reserved", "claimed"),
    codes.TRAVEL_AIR: (*_PASSAGE, "claimed", "receipt", "stub"),
    codes.TRAVEL_SHIP: (*_PASSAGE, "fast_boat", "parallel_route", "claimed", "receipt"),
    codes.TRAVEL_BUS: (*_SECTION, "fare", "claimed"),
    codes.TRAVEL_TAXI: (*_SECTION, "no_public_transport", "claimed", "receipt", "reason"),
    codes.TRAVEL_CAR: (*_SECTION, "claimed"),
    codes.TRAVEL_RENTAL: (*_SECTION, "no_public_transport", "claimed", "receipt", "reason"),
    codes.TRAVEL_LODGING: ("day", "destination", "lodging_kind", "reason", "claimed", "receipt"),
}
"""What each kind asks for, in the order of the form."""

# 種類 of a picture → the field of the line that it stands for
FIELD_OF_PURPOSE = {"領収書": "receipt", "半券": "stub"}
FARES = ("fare", "express", "reserved")
# where an empty 請求額 follows from what else was typed
_CLAIM_FOLLOWS = (codes.TRAVEL_RAIL, codes.TRAVEL_BUS, codes.TRAVEL_CAR)
# what has a way back
ONE_WAY = tuple(kind for kind in codes.TRAVEL_KINDS if kind != codes.TRAVEL_LODGING)
FIELDS = tuple(dict.fromkeys(name for names in FIELDS_OF.values() for name in names))

Hints = Mapping[str, str]


def _choices(values: Collection[str]) -> list[tuple[str, str]]:
    return [("", "選んでください"), *((value, value) for value in values)]


def _text(label: str, **given: Any) -> Callable[[], forms.Field]:
    return lambda: TextField(label=label, required=False, longest=200, **given)


# the names of the columns in the files: what a refusal of the service is about
_FIELDS: dict[str, Callable[[], forms.Field]] = {
    "day": lambda: DayField(label="利用日"),
    "origin": _text("出発地"),
    "destination": _text("到着地"),
    "km": lambda: KmField(label="距離km", required=False),
    "fare": lambda: YenField(label="運賃", required=False),
    "express": lambda: YenField(label="特急料金", required=False),
    "reserved": lambda: YenField(label="指定席料金", required=False),
    "roundtrip_fare": lambda: YenField(label="往復割引運賃", required=False),
    "ordinary_fare": lambda: YenField(label="通常運賃", required=False),
    "claimed": lambda: YenField(label="請求額", required=False),
    "seat": lambda: forms.ChoiceField(label="座席", required=False, choices=_choices(codes.SEATS)),
    "no_public_transport": lambda: forms.BooleanField(
        label="公共交通機関がない、または便がとても少ない", required=False
    ),
    "fast_boat": lambda: forms.BooleanField(label="高速船を使った", required=False),
    "parallel_route": lambda: forms.BooleanField(label="普通船も走っている航路", required=False),
    "lodging_kind": lambda: forms.ChoiceField(
        label="宿泊種別", required=False, choices=_choices(codes.LODGING_KINDS)
    ),
    "reason": lambda: TextField(label="必要理由", required=False, widget=forms.Textarea(attrs={"rows": 2})),
    "receipt": lambda: forms.BooleanField(label="領収書は画像を付けず、郵送などで送る", required=False),
    "stub": lambda: forms.BooleanField(label="半券は画像を付けず、郵送などで送る", required=False),
}


def _hints(kind: str, rules: RuleSet | None) -> Hints:
    """What a person should know when filling in, with the amounts of the rule set in force."""
    hints = {"km": "日当（長い行程）の計算にも使います。"}
    if kind in (codes.TRAVEL_RAIL, codes.TRAVEL_BUS):
        hints["claimed"] = "空欄なら、上の金額の合計を請求額にします。"
    if kind in (codes.TRAVEL_AIR, codes.TRAVEL_SHIP):
        hints["roundtrip_fare"] = "往復割引のある区間なら、この行の分の割引運賃。"
        hints["ordinary_fare"] = "割引がないときの運賃。支払はこの額までです。"
    if kind == codes.TRAVEL_TAXI:
        hints["no_public_transport"] = "タクシーは、公共交通機関がない場合に限り支払われます。"
    if kind == codes.TRAVEL_RENTAL:
        hints["no_public_transport"] = "レンタカーは、公共交通機関がない場合に限り支払われます。"
        hints["claimed"] = "支払額は事務局が認定します。"
    if kind == codes.TRAVEL_LODGING:
        hints["reason"] = "泊まる必要があった理由。日帰りできなかった事情を書いてください。"
    if rules is None:
        return hints
    if kind == codes.TRAVEL_RAIL:
        hints["express"] = f"この区間が片道{km(rules.express_min_km)}以上のときに支払われます。"
    if kind == codes.TRAVEL_CAR:
        rate = yen(rules.car_yen_per_km)
        hints["km"] = "出発地から到着地まで。事務局が最短の経路を測って認定します。"
        hints["claimed"] = f"空欄なら、距離 × {rate}（1円未満切り上げ）を請求額にします。"
    if kind == codes.TRAVEL_LODGING:
        hints["claimed"] = f"1行が1泊です。支払は1泊 {yen(rules.lodging_cap_yen)}までです。"
        if rules.lodging_unpaid_kinds:
            hints["lodging_kind"] = f"{'・'.join(sorted(rules.lodging_unpaid_kinds))}は支払の対象外です。"
    return hints


class LineForm(forms.Form):
    """The fields of one kind. `number` is the 行番号; `attached` says what pictures the line has."""

    use_required_attribute = False

    def __init__(
        self,
        *args: Any,
        number: int,
        kind: str,
        rules: RuleSet | None,
        attached: Collection[str] = (),
        **given: Any,
    ) -> None:
        given["prefix"] = f"l{number}"
        super().__init__(*args, **given)
        self.number, self.kind, self.rules, self.attached = number, kind, rules, attached
        self.has_way_back = kind in ONE_WAY
        # what this kind wants a picture of: its name, whether it is there, and whether every line needs one
        self.pictures = [
            (purpose, name in attached, kind != codes.TRAVEL_SHIP)
            for purpose, name in FIELD_OF_PURPOSE.items()
            if name in FIELDS_OF[kind] and number >= 1
        ]
        hints = _hints(kind, rules)
        for name in FIELDS_OF[kind]:
            field = _FIELDS[name]()
            field.help_text = hints.get(name, "")
            self.fields[name] = field
        if kind not in _CLAIM_FOLLOWS:
            self.fields["claimed"].required = True
            self.fields["claimed"].error_messages["required"] = "請求額を入れてください。"
        if kind == codes.TRAVEL_LODGING:
            self.fields["destination"].label = "宿泊先"
            self.fields["day"].label = "宿泊日"

    def clean(self) -> dict[str, Any]:
        """Fills in 請求額 where it follows from what was typed, and asks for it where it doesn't."""
        given = super().clean() or {}
        if "claimed" in self.errors or given.get("claimed") is not None:
            return given
        if self.kind == codes.TRAVEL_CAR:
            if "km" not in self.errors:
                if given.get("km") is None:
                    self.add_error("km", "距離を入れてください。")
                else:
                    given["claimed"] = self._car_claim(given["km"])
        else:
            fares = [given.get(name) for name in FARES if given.get(name) is not None]
            if fares:
                given["claimed"] = sum(fares)
            elif not any(name in self.errors for name in FARES):
                self.add_error("fare", "運賃を入れてください。")
        return given

    def _car_claim(self, distance: Decimal) -> int:
        """Yen claimed for a leg; rounded up, since the rule cuts once after summing the legs (rules.md §3)."""
        rate = self.rules.car_yen_per_km if self.rules is not None else 0
        return int((distance * rate).to_integral_value(ROUND_CEILING))

    def claim_line(self) -> ClaimLine:
        """The line as the service takes it; only of a valid form."""
        values = {
            name: value
            for name, value in self.cleaned_data.items()
            if value is not None and name not in ("receipt", "stub")
        }
        return ClaimLine(
            number=self.number,
            kind=self.kind,
            receipt=bool(self.cleaned_data.get("receipt")) or "receipt" in self.attached,
            stub=bool(self.cleaned_data.get("stub")) or "stub" in self.attached,
            **values,
        )
