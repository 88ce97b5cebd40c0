"""Setting, changing and recovering one's password."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from accounts.forms import ChangePasswordForm, NewPasswordForm, ResetForm
from accounts.links import link_tokens
from accounts.models import User
from accounts.services import after_password_change, ask_reset
from core.audit.acting import acting


@method_decorator(login_not_required, name="dispatch")
@method_decorator(never_cache, name="dispatch")
class SetPasswordView(auth.PasswordResetConfirmView):
    """The page behind a one-time link."""

    template_name = "registration/password_reset_confirm.html"
    success_url = reverse_lazy("login")
    token_generator = link_tokens
    form_class = NewPasswordForm

    def get_user(self, uidb64: str) -> User | None:
        """The person of the link; nobody for a stopped account."""
        user = super().get_user(uidb64)
        return user if isinstance(user, User) and user.is_active else None

    def form_valid(self, form: SetPasswordForm[User]) -> HttpResponse:
        """Sets the password, in the person's own name."""
        assert isinstance(self.user, User)
        with acting(self.user, "set_password"):
            response = super().form_valid(form)
            after_password_change(user=self.user, request=self.request, detail="リンク")
        messages.success(self.request, "パスワードを設定しました。新しいパスワードでログインしてください。")
        return response


class ChangePasswordView(auth.PasswordChangeView):
    """Changing the password while signed in; ends the person's other sessions."""

    form_class = ChangePasswordForm
    success_url = reverse_lazy("password_change_done")

    def get_form_kwargs(self) -> dict[str, Any]:
        """The form asks the limiter, which asks the request."""
        return {**super().get_form_kwargs(), "request": self.request}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds whether the password is too old."""
        return {**super().get_context_data(**kwargs), "too_old": self.request.GET.get("why") == "age"}

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        """Sets the password, in the person's own name."""
        user = self.request.user
        assert isinstance(user, User)
        with acting(user, "change_password"):
            response = super().form_valid(form)
            after_password_change(user=user, request=self.request, detail="本人")
        return response


@login_not_required
@never_cache
def ask_reset_link(request: HttpRequest) -> HttpResponse:
    """Takes an address and says the same to everybody."""
    form = ResetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        ask_reset(email=form.cleaned_data["email"], request=request)
        return redirect("account_reset_password_done")
    return render(request, "account/password_reset.html", {"form": form})


@login_not_required
def reset_link_sent(request: HttpRequest) -> HttpResponse:
    """What to do when the mail has come, or has not."""
    return render(request, "account/password_reset_done.html")
