"""Clients, dispatches and their evidence in the admin: to look up and to load; the work is done in the office."""

from django.contrib import admin

from core.exchange.adminpages import RegisterAdmin

from .models import CheckEvent, Company, Declaration, Dispatch, TravelLine


@admin.register(Company)
class CompanyAdmin(RegisterAdmin):
    list_display = ("code", "name", "kind", "industry", "prefecture_code")
    list_filter = ("kind",)
    search_fields = ("code", "name")


@admin.register(Dispatch)
class DispatchAdmin(RegisterAdmin):
    list_display = ("number", "status", "institution", "expert", "company", "visited_from")
    list_select_related = ("institution", "expert", "company")
    list_filter = ("status", "method")
    search_fields = ("number", "=institution__code", "=expert__code", "=company__code")


@admin.register(CheckEvent)
class CheckEventAdmin(RegisterAdmin):
    list_display = ("event_id", "dispatch", "kind", "device_time", "signer_name")
    list_select_related = ("dispatch",)
    list_filter = ("kind",)
    search_fields = ("=event_id", "=dispatch__number")


@admin.register(Declaration)
class DeclarationAdmin(RegisterAdmin):
    list_display = ("dispatch", "cause", "submitted_at")
    list_select_related = ("dispatch",)
    list_filter = ("cause",)
    search_fields = ("=dispatch__number",)


@admin.register(TravelLine)
class TravelLineAdmin(RegisterAdmin):
    list_display = ("dispatch", "line_no", "day", "kind", "claimed", "accepted_yen")
    list_select_related = ("dispatch",)
    list_filter = ("kind",)
    search_fields = ("=dispatch__number",)
