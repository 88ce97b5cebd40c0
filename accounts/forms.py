"""The forms of signing in."""

from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.totp.internal import auth as totp
from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from core import secrets

from . import limiter, second_factor
from .models import User

# longer ones are no passwords but work for the hash
_LONGEST = 1024
_WRONG_CODE = (
    "確認コードが正しくないか、すでに使われています。アプリに表示されている最新のコードを入力してください。"
)


def _password_field(label: str, autocomplete: str) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, strip=False, max_length=_LONGEST, widget=widget)


def _code_field(help_text: str) -> forms.CharField:
    widget = forms.TextInput(
        attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
    )
    return forms.CharField(label="確認コード", max_length=20, help_text=help_text, widget=widget)


class SignInForm(forms.Form):
    """Name and password, the first step of every sign-in."""

    username = forms.CharField(
        label="ユーザー名",
        max_length=150,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "username",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )
    password = _password_field("パスワード", "current-password")

    def __init__(self, *args: Any, request: HttpRequest | None = None, **kwargs: Any) -> None:
        self.request = request
        self.user: User | None = None
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        """Asks every way of checking a password, the limiter first; one answer for all that can be wrong."""
        data = super().clean() or {}
        if "username" in data and "password" in data:
            found = authenticate(self.request, username=data["username"].strip(), password=data["password"])
            if found is None:
                raise ValidationError("ユーザー名またはパスワードが正しくありません。")
            assert isinstance(found, User)
            self.user = found
        return data

    def login(self, request: HttpRequest, redirect_url: str | None = None) -> HttpResponse:
        """Goes on to the second factor, or signs in."""
        assert self.user is not None
        login = Login(user=self.user)
        login.redirect_url = redirect_url
        return perform_password_login(request, {"username": self.user.get_username()}, login)


class CodeForm(AuthenticateForm):
    """The second step: a code of the app or a recovery code."""

    code = _code_field("認証アプリに表示されている6けたの数字、または回復コード")

    def clean_code(self) -> str:
        """Refuses wrong, used and limited codes."""
        request, code = context.request, self.cleaned_data["code"]
        if limiter.refuse_when_locked(request, self.user):
            raise ValidationError(_WRONG_CODE)
        authenticator = second_factor.use_code(self.user, code)
        if authenticator is None:
            limiter.count_wrong_code(request, self.user)
            raise ValidationError(_WRONG_CODE)
        self.authenticator = authenticator
        return str(code)


class EnrolForm(forms.Form):
    """The first code of a new app proves that it was set up. The secret waits in the session, encrypted."""

    code = _code_field("アプリに表示された6けたの数字")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        self.counter: int | None = None
        super().__init__(*args, **kwargs)
        session = context.request.session
        cipher = session.get(totp.SECRET_SESSION_KEY)
        if cipher is None:
            cipher = session[totp.SECRET_SESSION_KEY] = secrets.encrypt(totp.generate_totp_secret())
        self.secret = secrets.decrypt(cipher)

    def clean_code(self) -> str:
        """Refuses what the app would not show now."""
        request, code = context.request, self.cleaned_data["code"]
        if limiter.refuse_when_locked(request, self.user):
            raise ValidationError(_WRONG_CODE)
        self.counter = second_factor.counter_of(self.secret, second_factor.plain_code(code))
        if self.counter is None:
            limiter.count_wrong_code(request, self.user)
            raise ValidationError(_WRONG_CODE)
        return str(code)


class ConfirmForm(forms.Form):
    """Password, or code for those who have one, before a dangerous act."""

    password = _password_field("パスワード", "current-password")

    def __init__(self, *args: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
        self.request, self.user = request, user
        super().__init__(*args, **kwargs)
        if second_factor.has_second_factor(user):
            self.fields = {"code": _code_field("認証アプリに表示されている6けたの数字、または回復コード")}

    def clean_password(self) -> str:
        """Asks the same limiter as the sign-in."""
        password = self.cleaned_data["password"]
        if authenticate(self.request, username=self.user.get_username(), password=password) is None:
            raise ValidationError("パスワードが正しくありません。")
        return str(password)

    def clean_code(self) -> str:
        """Refuses wrong, used and limited codes."""
        code = self.cleaned_data["code"]
        if limiter.refuse_when_locked(self.request, self.user):
            raise ValidationError(_WRONG_CODE)
        if second_factor.use_code(self.user, code) is None:
            limiter.count_wrong_code(self.request, self.user)
            raise ValidationError(_WRONG_CODE)
        return str(code)


class ChangePasswordForm(PasswordChangeForm):
    """A new password of one's own; the old one is asked through the limiter."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        self.request = request
        super().__init__(*args, **kwargs)

    def clean_old_password(self) -> str:
        """Refuses a wrong one, and counts it."""
        password = self.cleaned_data["old_password"]
        if authenticate(self.request, username=self.user.get_username(), password=password) is None:
            raise ValidationError("現在のパスワードが正しくありません。")
        return str(password)


class NewPasswordForm(SetPasswordForm):
    """The first password, or one instead of a forgotten one."""


class ResetForm(forms.Form):
    """Asking for a link to set a new password."""

    email = forms.EmailField(
        label="メールアドレス",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )
