"""The admin site of the office."""

from django.contrib.admin import AdminSite
from django.http import HttpRequest


class OfficeAdminSite(AdminSite):
    site_header = "マスタ管理"
    site_title = "マスタ管理"
    index_title = "マスタとデータの一覧"
    site_url = "/office/"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Office staff only; what each role may do in it is decided model by model."""
        return bool(getattr(request.user, "is_office", False))
