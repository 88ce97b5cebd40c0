"""The payer and the monthly runs in the admin; runs are made, approved and exported in the office."""

from django.contrib import admin

from core.adminsite.matrix import ByMatrix
from core.exchange.adminpages import RegisterAdmin

from .models import Payer, Payout, PayoutRun


@admin.register(Payer)
class PayerAdmin(RegisterAdmin):
    list_display = ("code", "name", "kana", "bank_code", "branch_code")


class LookUp(ByMatrix):
    """Those who may read payments look; nothing changes here."""

    show_full_result_count = False


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
