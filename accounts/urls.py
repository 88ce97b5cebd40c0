"""The addresses of signing in. allauth looks its own names up; what is not listed here does not exist."""

from allauth.account.views import account_inactive
from allauth.mfa.base.views import authenticate
from allauth.mfa.recovery_codes.views import generate_recovery_codes, view_recovery_codes
from allauth.mfa.totp.views import deactivate_totp
from django.contrib.auth import views as auth
from django.urls import path

from .views import manuals, passwords, second_factor, sign_in

sign_out = auth.LogoutView.as_view()

urlpatterns = [
    path("sign-in/", sign_in.SignInView.as_view(), name="login"),
    path("sign-in/", sign_in.SignInView.as_view(), name="account_login"),
    path("sign-in/code/", authenticate, name="mfa_authenticate"),
    path("sign-in/confirm/", sign_in.reauthenticate, name="account_reauthenticate"),
    path("sign-in/confirm/", sign_in.reauthenticate, name="mfa_reauthenticate"),
    path("sign-in/stopped/", account_inactive, name="account_inactive"),
    path("sign-out/", sign_out, name="logout"),
    path("sign-out/", sign_out, name="account_logout"),
    path("password/", passwords.ChangePasswordView.as_view(), name="password_change"),
    path("password/done/", auth.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("password/reset/", passwords.ask_reset_link, name="account_reset_password"),
    path("password/reset/sent/", passwords.reset_link_sent, name="account_reset_password_done"),
    path("set-password/<uidb64>/<token>/", passwords.SetPasswordView.as_view(), name="set_password"),
    path("account/sessions/", sign_in.own_sessions, name="usersessions_list"),
    path("account/sessions/end-others/", sign_in.end_other_sessions, name="end_other_sessions"),
    path("account/sessions/<int:pk>/end/", sign_in.end_own_session, name="end_own_session"),
    path("account/second-factor/", second_factor.second_factor, name="mfa_index"),
    path("account/second-factor/enrol/", second_factor.EnrolView.as_view(), name="mfa_activate_totp"),
    path("account/second-factor/remove/", deactivate_totp, name="mfa_deactivate_totp"),
    path("account/second-factor/codes/", view_recovery_codes, name="mfa_view_recovery_codes"),
    path("account/second-factor/codes/new/", generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("help/", manuals.manual_list, name="manual_list"),
    path("help/<slug:slug>/", manuals.manual, name="manual"),
    # The admin signs in and out by the same pages.
    path("admin/login/", sign_in.admin_sign_in),
    path("admin/logout/", sign_out),
    path("admin/password_change/", passwords.ChangePasswordView.as_view()),
]
