"""The form of a client, for registering and for changing."""

import re
import unicodedata
from typing import Any

from django import forms

from core.japan.industries import INDUSTRIES
from core.japan.numbers import is_corporate_number
from core.japan.prefectures import CHOICES as PREFECTURES
from dispatch.models import Company
from dispatch.services import ClientData
from portal_institution.forms.fields import PlaceField, place_text
from rules import codes

# One more than any firm has; bigger numbers are slips of the finger.
_MOST_EMPLOYEES, _MOST_CAPITAL = 1_000_000, 100_000_000_000_000


def _choices(values: Any) -> list[tuple[str, str]]:
    return [("", "選んでください"), *values]


class ClientForm(forms.Form):
    """A client as people know it; `data` gives it to the services."""

    name = forms.CharField(
        label="企業名",
        max_length=200,
        help_text="正式な名称を入力してください。創業前の場合は、ご本人の氏名を入力してください。",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    prefecture_code = forms.ChoiceField(label="都道府県", choices=_choices(PREFECTURES))
    corporate_number = forms.CharField(
        label="法人番号",
        required=False,
        max_length=30,
        help_text="13桁の数字です。個人事業主・創業前の場合は空欄にしてください。",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    phone = forms.CharField(
        label="電話番号",
        required=False,
        max_length=50,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
    )
    address = forms.CharField(
        label="所在地",
        max_length=500,
        help_text="市区町村から入力してください。",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    place = PlaceField(required=False)
    email = forms.EmailField(
        label="メールアドレス",
        required=False,
        max_length=254,
        help_text="従事証明の依頼メールの送り先です。",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    kind = forms.ChoiceField(label="企業区分", choices=_choices((kind, kind) for kind in codes.COMPANY_KINDS))
    industry = forms.ChoiceField(
        label="業種",
        choices=_choices((code, f"{code} {name}") for code, name in INDUSTRIES.items()),
        help_text="日本標準産業分類の大分類です。",
    )
    employees = forms.IntegerField(
        label="従業員数",
        min_value=0,
        max_value=_MOST_EMPLOYEES,
        help_text="常時使用する人数です。役員と臨時の人は含めません。いない場合は 0 と入力してください。",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    capital = forms.IntegerField(
        label="資本金（円）",
        required=False,
        min_value=0,
        max_value=_MOST_CAPITAL,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, company: Company | None = None, **kwargs: Any) -> None:
        self.company = company
        super().__init__(*args, **kwargs)

    def clean_corporate_number(self) -> str:
        """13 digits whose first one fits; a number that came with a file stays as it is until it is touched."""
        number = re.sub(r"[-‐−\s]", "", unicodedata.normalize("NFKC", self.cleaned_data["corporate_number"]))
        if not number or (self.company is not None and number == self.company.corporate_number):
            return number
        if not re.fullmatch(r"[0-9]{13}", number):
            raise forms.ValidationError(
                f"法人番号は13桁の数字です（入力は{len(number)}文字）。国税庁の法人番号公表サイトで確認してください。"
            )
        if not is_corporate_number(number):
            raise forms.ValidationError(
                "数字のどれかが違っています（検査用の数字が合いません）。番号を確認してください。"
            )
        return number

    def data_of(self) -> ClientData:
        """The cleaned values as the services take them."""
        values = dict(self.cleaned_data)
        latitude, longitude = values.pop("place") or (None, None)
        return ClientData(**values, latitude=latitude, longitude=longitude)

    @staticmethod
    def values_of(company: Company) -> dict[str, Any]:
        """A client's values as the form shows them."""
        names = [name for name in ClientForm.base_fields if name != "place"]
        values = {name: getattr(company, name) for name in names}
        return {**values, "place": place_text(company.latitude, company.longitude)}
