"""Banks in the admin: to look up; they change by loading a newer master only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from .models import Bank, Branch, Master


class LookUpOnly(admin.ModelAdmin):
    """Everybody of the office may look; nothing is changed here."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "is_office", False))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Master)
class MasterAdmin(LookUpOnly):
    list_display = ("edition", "as_of", "loaded_at")


@admin.register(Bank)
class BankAdmin(LookUpOnly):
    list_display = ("code", "name", "kana")
    search_fields = ("code", "name", "kana")
    ordering = ("code",)


@admin.register(Branch)
class BranchAdmin(LookUpOnly):
    list_display = ("bank", "code", "name", "kana")
    list_select_related = ("bank",)
    search_fields = ("=bank__code", "bank__name", "=code", "name", "kana")
    show_full_result_count = False
