"""The payer and the monthly runs in the admin; runs are made, approved and exported in the office."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from core.exchange.adminpages import RegisterAdmin

from .models import Payer, Payout, PayoutRun


@admin.register(Payer)
class PayerAdmin(RegisterAdmin):
    list_display = ("code", "name", "kana", "bank_code", "branch_code")


class LookUp(admin.ModelAdmin):  # type: ignore[type-arg]
    """Those of the office who work on payments look; nothing changes here."""

    show_full_result_count = False

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


@admin.register(PayoutRun)
class PayoutRunAdmin(LookUp):
    list_display = ("name", "status", "pay_date", "maker", "approver", "payee_count", "gross", "net")
    list_select_related = ("maker", "approver")
    list_filter = ("status",)
    search_fields = ("name",)


@admin.register(Payout)
class PayoutAdmin(LookUp):
    list_display = ("run", "expert_code", "name", "dispatch_count", "gross", "withholding", "net")
    list_select_related = ("run",)
    list_filter = ("run",)
    search_fields = ("=expert_code", "name")
