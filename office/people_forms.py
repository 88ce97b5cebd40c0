"""The forms of the administrators: people and how they sign in."""

from typing import Any

from django import forms

from accounts.models import BOUNDS, Role, SignInPolicy, User
from accounts.sign_in_policy import parse_networks
from core.errors import DomainError
from experts.accounts import NEEDS_INSTITUTION

WEEKDAYS = [(number, f"{name}曜") for number, name in enumerate("月火水木金土日", start=1)]


def _networks_field(label: str, help_text: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=5000,
        help_text=help_text + "1行に1つ、192.0.2.10 または 192.0.2.0/24 の形で入力してください。",
        widget=forms.Textarea(attrs={"rows": 4}),
    )


def _parsed(text: str) -> list[str]:
    try:
        return parse_networks(text.splitlines())
    except DomainError as refusal:
        raise forms.ValidationError(refusal.message) from refusal


class NewPersonForm(forms.Form):
    """A new account; the person sets the password by a one-time link."""

    username = forms.CharField(
        label="ユーザー名",
        max_length=150,
        help_text="ログインに使います。後から変更できません。半角の英数字と . _ - @ + が使えます。",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )
    display_name = forms.CharField(label="氏名", max_length=150)
    email = forms.EmailField(
        label="メールアドレス",
        required=False,
        help_text="登録すると、パスワードを設定するリンクをメールでも送ります。",
    )
    role = forms.ChoiceField(label="役割", choices=[("", "選んでください"), *Role.choices])
    institution = forms.CharField(
        label="機関コード",
        required=False,
        max_length=64,
        help_text="派遣可能機関の役割のときだけ入力してください。",
    )
    expert = forms.CharField(
        label="専門家コード",
        required=False,
        max_length=64,
        help_text="専門家の役割のときだけ入力してください。",
    )
    is_emergency = forms.BooleanField(
        label="緊急用にする",
        required=False,
        help_text="ふだんは使わないIDです。ログインすると警報が記録され、管理者へ知らせます。",
    )

    def clean(self) -> dict[str, Any]:
        """The tie must fit the role."""
        data = super().clean() or {}
        role = data.get("role", "")
        for name, needed in (("institution", role in NEEDS_INSTITUTION), ("expert", role == Role.EXPERT)):
            if role and needed and not data.get(name):
                self.add_error(name, "この役割では入力してください。")
            elif role and not needed and data.get(name):
                self.add_error(name, "この役割では入力しないでください。")
        return data


class ReasonForm(forms.Form):
    """Why an administrator does something; it stands in the history."""

    reason = forms.CharField(label="理由", max_length=200)


class RoleForm(ReasonForm):
    """Another role."""

    role = forms.ChoiceField(label="新しい役割", choices=Role.choices)
    field_order = ["role", "reason"]


class ContactForm(forms.Form):
    """Name and address of a person."""

    display_name = forms.CharField(label="氏名", max_length=150)
    email = forms.EmailField(label="メールアドレス", required=False)


class LimitsForm(forms.Form):
    """When and from where a person may sign in."""

    weekdays = forms.TypedMultipleChoiceField(
        label="使える曜日",
        required=False,
        coerce=int,
        choices=WEEKDAYS,
        help_text="何も選ばなければ、毎日使えます。",
        widget=forms.CheckboxSelectMultiple,
    )
    start = forms.TimeField(
        label="使える時刻（から）",
        required=False,
        help_text="両方とも空欄なら、一日中使えます。",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    end = forms.TimeField(
        label="使える時刻（まで）",
        required=False,
        help_text="「から」より早い時刻にすると、翌日のその時刻までになります。",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    networks = _networks_field("使える接続元", "空欄なら、役割で許された接続元のすべてから使えます。")

    def clean_networks(self) -> list[str]:
        """Networks in their plain form."""
        return _parsed(self.cleaned_data["networks"])

    @staticmethod
    def values_of(user: User) -> dict[str, Any]:
        """The limits as they stand."""
        return {
            "weekdays": user.allowed_weekdays,
            "start": user.allowed_from,
            "end": user.allowed_until,
            "networks": "\n".join(user.allowed_networks),
        }


class PolicyForm(forms.ModelForm):
    """The numbers of the policy, within the bounds of the ministry's."""

    class Meta:
        model = SignInPolicy
        fields = tuple(BOUNDS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, bound in BOUNDS.items():
            field = self.fields[name]
            field.min_value, field.max_value = bound.least, bound.greatest  # type: ignore[attr-defined]
            field.widget.attrs.update({"min": bound.least, "max": bound.greatest, "inputmode": "numeric"})


class NetworksForm(forms.Form):
    """From which addresses each role may sign in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for role in Role:
            self.fields[role.value] = _networks_field(role.label, "")
            self.fields[role.value].widget.attrs["rows"] = 2
            self.fields[role.value].help_text = ""

    def clean(self) -> dict[str, Any]:
        """Networks of each role in their plain form."""
        data = super().clean() or {}
        for role in Role:
            try:
                data[role.value] = _parsed(data.get(role.value, ""))
            except forms.ValidationError as refusal:
                self.add_error(role.value, refusal)
        return data
