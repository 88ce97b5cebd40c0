"""The form of a request, the same for the expert and for the office that enters a paper. The service judges it."""

import secrets
from collections.abc import Mapping
from typing import Any, Final

from django import forms

from core import clock
from core.japan.industries import CHOICES as INDUSTRIES
from core.japan.prefectures import CHOICES as PREFECTURES
from core.programme.models import CodeItem
from core.programme.selectors import code_items
from experts.models import Expert
from rules import codes

from .entry import values_of
from .models import ChangeRequest
from .services import LONGEST

Kind = ChangeRequest.Kind
# Numbers of an account are nowhere kept while they are typed: what is kept of a form isn't sealed.
NOT_KEPT: Final = frozenset({"account_number", "yucho_kigo", "yucho_bango", "key"})
_UNSAVED: Final = {"data-no-autosave": "", "autocomplete": "off", "inputmode": "numeric"}


class ChangeForm(forms.Form):
    """What every request says besides its fields."""

    kind = ""
    reason = forms.CharField(
        label="変更の理由",
        required=False,
        max_length=LONGEST,
        help_text="例：転居のため、口座を作り直したため",
    )
    key = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, expert: Expert, begun: Mapping[str, Any] | None = None) -> None:
        initial = {**self.shown(expert), **(begun or {}), "key": secrets.token_urlsafe(12)}
        super().__init__(data, initial=initial)
        self.expert = expert
        self.order_fields([name for name in self.fields if name != "reason"])

    def shown(self, expert: Expert) -> dict[str, Any]:
        """What the form begins with: what is registered."""
        return values_of(expert, self.kind)

    def entry(self) -> dict[str, Any]:
        """What was typed, as the service takes it; FieldErrors where it can't be read."""
        return {name: value for name, value in self.cleaned_data.items() if name not in ("reason", "key")}

    def refuse(self, by_field: Mapping[str, str]) -> None:
        """Puts what the service refuses beside its fields."""
        for name, why in by_field.items():
            self.add_error(name if name in self.fields else None, why)


class AccountForm(ChangeForm):
    """振込口座. The form begins empty: a new account is typed whole, not mended."""

    kind = Kind.ACCOUNT
    yucho = forms.BooleanField(label="ゆうちょ銀行の記号・番号で入力する", required=False)
    yucho_kigo = forms.CharField(
        label="ゆうちょの記号", required=False, max_length=20, widget=forms.TextInput(attrs=_UNSAVED),
        help_text="ゆうちょ銀行のときだけ。通帳の1ページ目にある5桁の数字です。",
    )  # fmt: skip
    yucho_bango = forms.CharField(
        label="ゆうちょの番号", required=False, max_length=20, widget=forms.TextInput(attrs=_UNSAVED),
        help_text="ゆうちょ銀行のときだけ。最大8桁の数字です。口座番号に自動で直します。",
    )  # fmt: skip
    bank_code = forms.CharField(
        label="銀行", required=False, max_length=60, help_text="銀行名か4桁の銀行コード。例：みずほ、0001"
    )
    branch_code = forms.CharField(
        label="支店", required=False, max_length=60, help_text="支店名か3桁の支店コード。例：東京営業部、001"
    )
    account_type = forms.ChoiceField(
        label="預金種目",
        required=False,
        choices=[("", "選んでください"), *((each, each) for each in codes.ACCOUNT_KINDS)],
    )
    account_number = forms.CharField(
        label="口座番号", required=False, max_length=20, widget=forms.TextInput(attrs=_UNSAVED),
        help_text="7桁以内の数字です。入力の途中では保存しません。",
    )  # fmt: skip
    account_holder_kana = forms.CharField(
        label="口座名義（カナ）",
        required=False,
        max_length=200,
        help_text="通帳の見開きにあるカナの名義のとおりに。例：ヨシダ　タロウ",
    )

    def shown(self, expert: Expert) -> dict[str, Any]:
        """Nothing of the old account."""
        return {}


class ContactForm(ChangeForm):
    """氏名・住所・連絡先・活動拠点."""

    kind = Kind.CONTACT
    name = forms.CharField(label="氏名", required=False, max_length=200)
    kana = forms.CharField(label="氏名カナ", required=False, max_length=200)
    prefecture_code = forms.ChoiceField(
        label="都道府県", required=False, choices=[("", "選んでください"), *PREFECTURES]
    )
    address = forms.CharField(
        label="住所", required=False, max_length=500, help_text="番地まで入力してください。"
    )
    phone = forms.CharField(label="電話番号", required=False, max_length=50, help_text="例：090-1234-5678")
    email = forms.CharField(
        label="メールアドレス", required=False, max_length=254,
        help_text="変更すると、パスワードの再設定などのメールも新しいアドレスに届きます。",
    )  # fmt: skip
    base_latitude = forms.CharField(
        label="活動拠点の緯度",
        required=False,
        max_length=30,
        help_text="分からないときは空のままにしてください。例：35.681236",
    )
    base_longitude = forms.CharField(
        label="活動拠点の経度", required=False, max_length=30, help_text="例：139.767125"
    )


class ExpertiseForm(ChangeForm):
    """専門分野・得意業種・保有資格."""

    kind = Kind.EXPERTISE
    topics = forms.MultipleChoiceField(label="専門分野", required=False, widget=forms.CheckboxSelectMultiple)
    industries = forms.MultipleChoiceField(
        label="得意業種", required=False, choices=INDUSTRIES, widget=forms.CheckboxSelectMultiple
    )
    qualifications = forms.CharField(
        label="保有資格", required=False, max_length=4_000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text="1行に一つずつ入力してください。資格を加えるときは、証明書の写しを事務局へお送りください。",
    )  # fmt: skip

    def __init__(self, data: Any = None, **given: Any) -> None:
        super().__init__(data, **given)
        known = code_items(CodeItem.List.TOPIC, clock.today())
        # what is registered but no longer on the list stays visible, to be taken off
        self.fields["topics"].choices = [  # type: ignore[attr-defined]
            (each, each) for each in dict.fromkeys([*known, *self.expert.topics])
        ]

    def shown(self, expert: Expert) -> dict[str, Any]:
        """Qualifications one a line."""
        values = super().shown(expert)
        return values | {"qualifications": "\n".join(values["qualifications"])}

    def entry(self) -> dict[str, Any]:
        """Qualifications as a list."""
        typed = super().entry()
        lines = (line.strip() for line in typed["qualifications"].splitlines())
        return typed | {"qualifications": [line for line in lines if line]}


class PayeeForm(ChangeForm):
    """源泉区分・インボイス登録番号."""

    kind = Kind.PAYEE
    payee_class = forms.ChoiceField(
        label="源泉区分", required=False, choices=[("", "選んでください"), *((each, each) for each in codes.PAYEE_CLASSES)],
        help_text="分からないときは、事務局へお電話ください。",
    )  # fmt: skip
    invoice_number = forms.CharField(
        label="適格請求書の登録番号",
        required=False,
        max_length=20,
        help_text="T と13桁の数字です。ない場合は空にしてください。",
    )


FORMS: Final[Mapping[str, type[ChangeForm]]] = {
    form.kind: form for form in (AccountForm, ContactForm, ExpertiseForm, PayeeForm)
}
