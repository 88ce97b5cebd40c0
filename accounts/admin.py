"""Accounts in the admin: to look at. They are made and changed on the office's screens (office.views.people)."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin

from core.adminsite.matrix import ByMatrix

from .models import User


@admin.register(User)
class UserAdmin(ByMatrix, DjangoUserAdmin):
    """Who has an account, in which role; no password, no hash, nothing to change."""

    list_display = ("username", "get_full_name", "role", "is_active", "is_emergency", "last_login")
    list_filter = ("role", "is_active", "is_emergency")
    search_fields = ("username", "last_name", "first_name", "email")
    fieldsets = (
        (None, {"fields": ("username", "last_name", "first_name", "email")}),
        ("権限", {"fields": ("role", "is_active", "is_emergency")}),
        ("ログイン", {"fields": ("allowed_weekdays", "allowed_from", "allowed_until", "allowed_networks")}),
        ("記録", {"fields": ("last_login", "date_joined")}),
    )
    filter_horizontal = ()
