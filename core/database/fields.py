"""Column types that Django doesn't bring."""

from typing import Any

from django.db import models


class CodeField(models.CharField):
    """A code: text compared and sorted by code point, whatever the database's own collation is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 64)
        kwargs.setdefault("db_collation", "C")
        super().__init__(*args, **kwargs)


class PlainDecimalField(models.DecimalField):
    """A decimal kept with the digits it came with (coordinates, km, metres)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 24)
        kwargs.setdefault("decimal_places", 12)
        super().__init__(*args, **kwargs)

    def db_type(self, connection: Any) -> str:
        return "numeric"
