"""Accounts in the admin, for the office's administrators."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.http import HttpRequest

from core.adminsite.matrix import ByMatrix
from core.audit.acting import acting

from . import services
from .models import User


class UserCreationForm(AdminUserCreationForm):
    class Meta(AdminUserCreationForm.Meta):
        model = User
        fields = ("username", "role", "email", "last_name", "first_name")


@admin.register(User)
class UserAdmin(ByMatrix, DjangoUserAdmin):
    """Administrators make accounts, give roles and stop accounts; nobody deletes one."""

    adds = True
    changes = True
    add_form = UserCreationForm
    list_display = ("username", "get_full_name", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("username", "last_name", "first_name", "email")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("本人", {"fields": ("last_name", "first_name", "email")}),
        ("権限", {"fields": ("role", "is_active")}),
        ("記録", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "fields": (
                    "username",
                    "role",
                    "last_name",
                    "first_name",
                    "email",
                    "usable_password",
                    "password1",
                    "password2",
                )
            },
        ),
    )
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Names the administrator in the history; a new account without a password gets a one-time link."""
        obj.is_staff = obj.is_office
        with acting(request.user, "save_user"):  # type: ignore[arg-type]
            super().save_model(request, obj, form, change)
        if not change and not obj.has_usable_password():
            link = request.build_absolute_uri(services.one_time_link(obj))
            messages.info(request, f"パスワードを設定する一度限りのリンク: {link}")
