"""The admin site of the office."""

from collections.abc import Callable, Iterable
from functools import update_wrapper
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from core.errors import NotAllowed

from .matrix import ByMatrix

View = Callable[..., HttpResponseBase]

FOR_THE_OFFICE = "マスタ管理は、事務局の利用者だけが使えます。"
NOT_HERE = "この画面では、この操作はできません。取込または事務局の画面で行ってください。"
# the act that a page of the admin needs; all others read
ACTS = {"add_view": "create", "change_view": "change", "delete_view": "delete"}


class OfficeAdminSite(AdminSite):
    site_header = "マスタ管理"
    site_title = "マスタ管理"
    index_title = "マスタとデータの一覧"
    site_url = "/office/"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Office staff only; what each role may do in it is decided model by model."""
        return bool(getattr(request.user, "is_office", False))

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[ModelAdmin] | None = None,
        **options: Any,
    ) -> None:
        """Takes pages that follow the matrix. Those that other packages bring (groups, tokens, second factors) don't."""
        if admin_class is not None and issubclass(admin_class, ByMatrix):
            super().register(model_or_iterable, admin_class, **options)

    def admin_view(self, view: View, cacheable: bool = False) -> Any:
        """The page; whoever is signed in without the right is told why instead of being asked to sign in again."""
        inner = super().admin_view(view, cacheable)

        def explained(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.user.is_authenticated and not self.has_permission(request):
                raise NotAllowed(FOR_THE_OFFICE)
            try:
                return inner(request, *args, **kwargs)
            except PermissionDenied as refusal:
                raise NotAllowed(_reason(view, request.user)) from refusal

        return update_wrapper(explained, inner)


def _reason(view: View, user: Any) -> str:
    page = getattr(view, "__self__", None)
    if not isinstance(page, ByMatrix):
        return NOT_HERE
    for act in ("read", ACTS.get(view.__name__, "read")):
        allowed, reason = user.may(act, page.model)
        if not allowed:
            return str(reason)
    return NOT_HERE
