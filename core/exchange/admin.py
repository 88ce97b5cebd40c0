"""The log of loads in the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from .models import Load


@admin.register(Load)
class LoadAdmin(admin.ModelAdmin):
    """Who loaded which files when, and how it ended; to look at only."""

    list_display = ("at", "actor_name", "source", "result", "error_count")
    list_filter = ("result",)
    date_hierarchy = "at"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "sees_business", False))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
