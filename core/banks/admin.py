"""Banks in the admin: to look up; they change by loading a newer master only."""

from django.contrib import admin

from core.adminsite.matrix import ByMatrix

from .models import Bank, Branch, Master


@admin.register(Master)
class MasterAdmin(ByMatrix):
    list_display = ("edition", "as_of", "loaded_at")


@admin.register(Bank)
class BankAdmin(ByMatrix):
    list_display = ("code", "name", "kana")
    search_fields = ("code", "name", "kana")
    ordering = ("code",)


@admin.register(Branch)
class BranchAdmin(ByMatrix):
    list_display = ("bank", "code", "name", "kana")
    list_select_related = ("bank",)
    search_fields = ("=bank__code", "bank__name", "=code", "name", "kana")
    show_full_result_count = False
