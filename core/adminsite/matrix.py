"""Admin pages whose rights come from the matrix of rights, table by table, field by field.

The matrix itself belongs to accounts; here it is asked through the signed-in person (`user.may`, `hidden_fields`,
`masked_fields`). Django's own permissions and the superuser's flag give nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest

COVERED = "masked_"


def masked(value: Any) -> str:
    """The last three digits of a number; nothing of what isn't text."""
    if value in (None, ""):
        return "―"
    if not isinstance(value, str) or len(value) <= 3:
        return "***"
    return "*" * (len(value) - 3) + value[-3:]


class ByMatrix(admin.ModelAdmin):
    """Whoever may read the table looks. Rows are added and changed here only where the page says so."""

    # a page of a table without a workflow may let people add or change rows
    adds = False
    changes = False

    def _may(self, request: HttpRequest, act: str) -> bool:
        return request.user.is_authenticated and bool(_asked(request).may(act, self.model).allowed)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever reads all rows of the table: the admin shows no part of it."""
        return request.user.is_authenticated and bool(_asked(request).reach("read", self.model) == "all")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.adds and self._may(request, "create")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.changes and self._may(request, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: business data is never deleted by hand."""
        return False

    # -- fields

    def _kept(self, request: HttpRequest, names: Sequence[Any]) -> list[Any]:
        """Names of fields without those the person must not see; covered ones by their masked stand-in."""
        hidden = _asked(request).hidden_fields(self.model)
        covered = _asked(request).masked_fields(self.model)
        kept: list[Any] = []
        for name in names:
            if isinstance(name, (list, tuple)):
                kept.append(tuple(self._kept(request, name)))
            elif name in covered:
                kept.append(self._stand_in(name))
            elif name not in hidden:
                kept.append(name)
        return kept

    def _stand_in(self, name: str) -> str:
        """The name of a read-only column that shows the field masked; it can't be sorted by."""
        attribute = COVERED + name
        if not hasattr(self, attribute):
            setattr(self, attribute, _masking(self.model, name))
        return attribute

    def get_list_display(self, request: HttpRequest) -> Any:
        """The columns this person may see."""
        return self._kept(request, list(super().get_list_display(request)))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The fields this person may see."""
        return self._kept(request, list(super().get_fields(request, obj)))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The same within their groups."""
        return [
            (title, {**options, "fields": self._kept(request, list(options["fields"]))})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Masked stand-ins are never inputs."""
        covered = [self._stand_in(name) for name in _asked(request).masked_fields(self.model)]
        return [*super().get_readonly_fields(request, obj), *covered]

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Nobody filters by what they can't read in full."""
        unread = self._unread(request)
        return [entry for entry in super().get_list_filter(request) if _first_part(entry) not in unread]

    def get_search_fields(self, request: HttpRequest) -> Any:
        """Nobody searches by what they can't read in full."""
        unread = self._unread(request)
        return [
            name
            for name in super().get_search_fields(request)
            if _first_part(name.lstrip("=^@")) not in unread
        ]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """An address must not ask for rows by what the person can't read: the count would tell it."""
        if request is None or _first_part(lookup) in self._unread(request):
            return False
        return super().lookup_allowed(lookup, value, request)

    def _unread(self, request: HttpRequest) -> frozenset[str]:
        user = _asked(request)
        return frozenset(user.hidden_fields(self.model) | user.masked_fields(self.model))


def _asked(request: HttpRequest) -> Any:
    """The signed-in person, who answers for the matrix."""
    return request.user


def _first_part(name: Any) -> str:
    """The field that a look-up, a filter (alone or with its class) or a search starts from."""
    text = name[0] if isinstance(name, (list, tuple)) else name
    return text.split(LOOKUP_SEP)[0] if isinstance(text, str) else ""


def _masking(model: type[Model], name: str) -> Callable[[Any], str]:
    @admin.display(description=str(model._meta.get_field(name).verbose_name))  # type: ignore[union-attr]
    def shown(row: Any) -> str:
        return masked(getattr(row, name))

    return shown
