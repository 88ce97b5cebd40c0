"""Support institutions in the admin."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin

from core.exchange.adminpages import RegisterAdmin

from .models import Institution


class PlatformRoleFilter(admin.AllValuesFieldListFilter):
    """The roles there are; an empty one has a name, too."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        """The links of the filter."""
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or "（なし）"}


@admin.register(Institution)
class InstitutionAdmin(RegisterAdmin):
    list_display = ("code", "name", "kind", "prefecture_code", "certified_until")
    list_filter = ("kind", ("platform_role", PlatformRoleFilter))
    search_fields = ("code", "name")
