"""Support institutions in the admin."""

from django.contrib import admin

from core.exchange.adminpages import RegisterAdmin

from .models import Institution


@admin.register(Institution)
class InstitutionAdmin(RegisterAdmin):
    list_display = ("code", "name", "kind", "prefecture_code", "certified_until")
    list_filter = ("kind", "platform_role")
    search_fields = ("code", "name")
