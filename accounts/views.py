"""Signing in, and setting one's password by a one-time link."""

from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator


class SignInView(auth.LoginView):
    """The one sign-in page of every surface."""

    redirect_authenticated_user = True


@method_decorator(login_not_required, name="dispatch")
class SetPasswordView(auth.PasswordResetConfirmView):
    """The page behind a one-time link."""

    template_name = "registration/password_reset_confirm.html"
    success_url = reverse_lazy("login")
