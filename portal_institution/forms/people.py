"""The forms by which a chief manages the people of the institution."""

from django import forms

from accounts.models import Role
from institutions.services import ROLES

_ROLE_HELP = "責任者は、利用者の管理もできます。"


class NewMemberForm(forms.Form):
    """A new person of the institution."""

    display_name = forms.CharField(
        label="氏名", max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    username = forms.CharField(
        label="ユーザー名",
        max_length=150,
        help_text="ログインに使います。後から変更できません。半角の英数字と . _ - @ + が使えます。",
        widget=forms.TextInput(
            attrs={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}
        ),
    )
    email = forms.EmailField(
        label="メールアドレス",
        max_length=254,
        help_text="ご本人だけが読めるアドレスにしてください。パスワードを設定するリンクを送ります。",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(
        label="役割",
        choices=[(role.value, role.label) for role in ROLES],
        initial=Role.INSTITUTION_STAFF,
        help_text=_ROLE_HELP,
        widget=forms.RadioSelect,
    )


class ContactForm(forms.Form):
    """Name and address of a person."""

    display_name = forms.CharField(label="氏名", max_length=150)
    email = forms.EmailField(label="メールアドレス", max_length=254)


class ReasonForm(forms.Form):
    """Why a chief does something; it stands in the history."""

    reason = forms.CharField(label="理由", max_length=200)


class RoleForm(ReasonForm):
    """Another role within the institution."""

    role = forms.ChoiceField(
        label="新しい役割",
        choices=[(role.value, role.label) for role in ROLES],
        help_text=_ROLE_HELP,
        widget=forms.RadioSelect,
    )
    field_order = ("role", "reason")
