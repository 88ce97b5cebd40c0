"""The form of the invited person. It takes whatever is typed: the service judges, of all fields at once."""

from typing import Any, Final

from django import forms

from core import clock
from core.agreements.models import TextCode
from core.japan.industries import CHOICES as INDUSTRIES
from core.japan.prefectures import CHOICES as PREFECTURES
from core.programme.models import CodeItem
from core.programme.selectors import code_items
from experts.registration.criteria import terms_on
from experts.registration.fields import BY_NAME, FIELDS
from experts.registration.models import Registration
from experts.registration.services import TEXTS
from rules import codes

_CHOOSE: Final = ("", "選んでください")
_QUALIFICATIONS: Final = (
    "中小企業診断士", "税理士", "公認会計士", "弁護士", "技術士", "社会保険労務士", "行政書士", "弁理士", "ITコーディネータ",
)  # fmt: skip
_PAYEES: Final = {
    "報酬2号": "個人（税理士・公認会計士・弁護士・中小企業診断士などの業務として）",
    "報酬1号": "個人（講演・指導・原稿などの報酬として）",
    "司法書士等": "個人（司法書士・土地家屋調査士などの業務として）",
    "法人": "法人として受け取る",
    "非居住者": "国外に住んでいる（非居住者）",
    "対象外": "源泉徴収の対象ではない個人",
}
_OPTIONAL: Final = frozenset(
    {
        "base_address", "base_latitude", "base_longitude", "industries", "qualifications", "practice_from",
        "practice_text", "affiliated", "affiliated_codes", "subsidised_labour", "invoice_number", "yucho",
        "yucho_kigo", "yucho_bango", "bank_code", "branch_code", "account_type", "account_number",
    }
)  # fmt: skip
_HINTS: Final = {
    "name": "戸籍または住民票の氏名を入力してください。例：吉田 太郎",
    "kana": "例：ヨシダ タロウ",
    "address": "市区町村から番地・建物名まで。例：千代田区丸の内1-2-3 見本ビル201",
    "phone": "例：090-1234-5678",
    "email": "登録の後、お知らせと利用者の案内が届きます。",
    "base_address": "旅費は、ここから支援場所までで計算します。住所と同じときは空のままで構いません。",
    "base_latitude": "分からないときは空のままにしてください。例：35.681236",
    "base_longitude": "例：139.767125",
    "topics": "支援できる経営課題を選んでください。いくつでも選べます。",
    "industries": "得意なものがあれば選んでください。",
    "qualifications": "1行に一つずつ入力してください。例：中小企業診断士",
    "requirement": "当てはまるものを一つ選んでください。",
    "practice_from": "要件の経験を始めた年月です。例：2011-04",
    "practice_text": "いつ、どこで、何をしたかを、推薦した機関と事務局が確かめられるように書いてください。",
    "affiliated": "会社・団体・教育機関などに所属しているとき、その名称を入力してください。",
    "affiliated_codes": "商工会・商工会議所などの派遣可能機関に所属している方だけ。機関コードを1行に一つずつ。分からないときは空のままで構いません。",
    "payee_class": "分からないときは、推薦した機関または事務局にお尋ねください。",
    "invoice_number": "適格請求書発行事業者の方だけ。T と13桁の数字です。",
    "yucho_kigo": "ゆうちょ銀行のときだけ。通帳の1ページ目にある5桁の数字です。",
    "yucho_bango": "ゆうちょ銀行のときだけ。最大8桁の数字です。口座番号に自動で直します。",
    "bank_code": "銀行名か4桁の銀行コード。例：みずほ、0001",
    "branch_code": "支店名か3桁の支店コード。例：東京営業部、001",
    "account_number": "7桁以内の数字です。",
    "account_holder_kana": "通帳の見開きにあるカナの名義のとおりに。本人名義の口座に限ります。例：ヨシダ　タロウ",
}
_TITLES: Final = {
    "payee_class": "報酬を受け取る立場（源泉区分）",
    "affiliated_codes": "所属する派遣可能機関のコード",
    "subsidised_labour": "国や地方公共団体から、人件費の補助を受けています",
    "yucho": "ゆうちょ銀行の記号・番号で入力する",
    "practice_from": "経験を始めた年月",
}
_LINES: Final = ("qualifications", "affiliated_codes")
_NUMBERS: Final = ("yucho_kigo", "yucho_bango", "account_number")


class _Unjudged:
    """A field that is marked as required and refuses nothing itself: the judgement is the service's, of all at once."""

    def validate(self, value: object) -> None:
        """Nothing."""


class _Text(_Unjudged, forms.CharField):
    pass


class _Choice(_Unjudged, forms.ChoiceField):
    pass


class _Choices(_Unjudged, forms.MultipleChoiceField):
    pass


class _Yes(_Unjudged, forms.BooleanField):
    pass


def _field(name: str, returned: str) -> forms.Field:
    field = BY_NAME[name]
    hint = f"修正のお願い：{returned}" if returned else _HINTS.get(name, "")
    common: dict[str, Any] = {
        "label": _TITLES.get(name, field.title),
        "required": name not in _OPTIONAL,
        "help_text": hint,
    }
    match name:
        case "prefecture_code":
            return _Choice(choices=[_CHOOSE, *PREFECTURES], **common)
        case "topics":
            topics = [(each, each) for each in code_items(CodeItem.List.TOPIC, clock.today())]
            return _Choices(choices=topics, widget=forms.CheckboxSelectMultiple, **common)
        case "industries":
            return _Choices(choices=INDUSTRIES, widget=forms.CheckboxSelectMultiple, **common)
        case "requirement":
            routes = [(route.name, f"{route.name}：{route.wording}") for route in terms_on().routes]
            return _Choice(choices=routes, widget=forms.RadioSelect, **common)
        case "payee_class":
            payees = [(each, _PAYEES.get(each, each)) for each in codes.PAYEE_CLASSES]
            return _Choice(choices=[_CHOOSE, *payees], **common)
        case "account_type":
            kinds = [(each, each) for each in codes.ACCOUNT_KINDS]
            return _Choice(choices=[_CHOOSE, *kinds], **common)
    if field.flag:
        return _Yes(**common)
    attrs: dict[str, Any] = {"autocomplete": _COMPLETE.get(name, "off")}
    if name in _NUMBERS:
        attrs["inputmode"] = "numeric"
    if name == "phone":
        attrs["inputmode"] = "tel"
    if name == "email":
        attrs["inputmode"] = "email"
    widget: forms.Widget = forms.TextInput(attrs=attrs)
    if name in _LINES or name == "practice_text":
        widget = forms.Textarea(attrs={"rows": 8 if name == "practice_text" else 3})
    return _Text(strip=False, max_length=None, widget=widget, **common)


_COMPLETE: Final = {"name": "name", "phone": "tel", "email": "email", "address": "street-address"}


def shown_in(entry: dict[str, Any]) -> dict[str, Any]:
    """A kept entry as the form begins with it: lists that are typed stand a line each."""
    return {**entry, **{name: "\n".join(entry[name]) for name in _LINES if name in entry}}


def typed(values: dict[str, Any]) -> dict[str, Any]:
    """What was typed, as the service takes it: lines as lists."""
    return {
        name: str(value or "").replace("\r\n", "\n").split("\n") if name in _LINES else value
        for name, value in values.items()
        if name in BY_NAME
    }


class EntryForm(forms.Form):
    """Every field of the registration, and the yes to the texts."""

    def __init__(self, registration: Registration, data: Any = None, *, returned: dict[str, str]) -> None:
        super().__init__(data, initial=shown_in(registration.entry))
        self.returned = returned
        for field in FIELDS:
            self.fields[field.name] = _field(field.name, returned.get(field.name, ""))
        for code in TEXTS:
            # below the papers, which have forms of their own
            self.fields[f"agreed_{code}"] = _Yes(
                label=f"「{TextCode(code).label}」に同意します",
                widget=forms.CheckboxInput(attrs={"form": "entry"}),
            )

    def group(self, *names: str) -> list[forms.BoundField]:
        """Some fields, in the order they are shown."""
        return [self[name] for name in names]

    @property
    def person(self) -> list[forms.BoundField]:
        """Name and contacts."""
        return self.group("name", "kana", "prefecture_code", "address", "phone", "email")

    @property
    def activity(self) -> list[forms.BoundField]:
        """What the person is good at."""
        return self.group("topics", "industries")

    @property
    def route(self) -> list[forms.BoundField]:
        """By what the person may be registered."""
        return self.group("requirement", "qualifications", "practice_from", "practice_text")

    @property
    def affiliation(self) -> list[forms.BoundField]:
        """Where the person belongs."""
        return self.group("affiliated", "affiliated_codes", "subsidised_labour")

    @property
    def tax(self) -> list[forms.BoundField]:
        """As whom the person is paid."""
        return self.group("payee_class", "invoice_number")

    @property
    def known_qualifications(self) -> tuple[str, ...]:
        """Qualifications that are offered by a press."""
        return _QUALIFICATIONS
