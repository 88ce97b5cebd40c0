"""The surfaces and where they are (design.md §3)."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import URLPattern, URLResolver, include, path

from accounts.views import SetPasswordView, SignInView
from office.views.front import front_door, healthz

urlpatterns: list[URLPattern | URLResolver] = [
    path("", front_door, name="home"),
    path("healthz", healthz, name="healthz"),
    path("sign-in/", SignInView.as_view(), name="login"),
    path("sign-out/", auth.LogoutView.as_view(), name="logout"),
    path("password/", auth.PasswordChangeView.as_view(), name="password_change"),
    path("password/done/", auth.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("set-password/<uidb64>/<token>/", SetPasswordView.as_view(), name="set_password"),
    path("office/", include("office.urls")),
    path("admin/", admin.site.urls),
]
