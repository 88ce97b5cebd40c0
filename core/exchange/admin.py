"""The log of loads in the admin."""

from django.contrib import admin

from core.adminsite.matrix import ByMatrix

from .models import Load


@admin.register(Load)
class LoadAdmin(ByMatrix):
    """Who loaded which files when, and how it ended; to look at only."""

    list_display = ("at", "actor_name", "source", "result", "error_count")
    list_filter = ("result",)
    date_hierarchy = "at"
