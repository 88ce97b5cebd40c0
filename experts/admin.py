"""Experts in the admin."""

from django.contrib import admin

from core.exchange.adminpages import RegisterAdmin

from .models import Expert


@admin.register(Expert)
class ExpertAdmin(RegisterAdmin):
    list_display = ("code", "name", "kana", "prefecture_code", "recommended_by", "payee_class")
    list_select_related = ("recommended_by",)
    list_filter = ("payee_class", "requirement")
    search_fields = ("code", "name", "kana")
