"""Column types that Django doesn't bring."""

from typing import Any

from django.db import models
from django.db.models.expressions import BaseExpression

from core import secrets


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


class EncryptedTextField(models.TextField):
    """Text in Python, a sealed value (core/secrets.py) in the database.

    Rows can't be looked for by it: the same text never has the same cipher. Sets compare fingerprints. Every such
    column has `sealed_only` among the table's constraints, so that no other way writes plain text into it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("db_collation", "C")
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        """The text behind what is stored."""
        return None if value is None else secrets.unseal(value)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        """What is stored for a text."""
        if isinstance(value, BaseExpression) or value is None:
            return super().get_db_prep_save(value, connection)
        return secrets.seal(str(value))

    def get_lookup(self, lookup_name: str) -> Any:
        """Whether there is a value, and the pattern of `sealed_only`; nothing else can be asked of a cipher."""
        return super().get_lookup(lookup_name) if lookup_name in ("isnull", "regex") else None


def sealed_only(table: str, *fields: str) -> models.CheckConstraint:
    """The constraint that these columns hold sealed values alone, by whatever way they come."""
    condition = models.Q()
    for field in fields:
        condition &= models.Q(**{f"{field}__regex": secrets.SEALED_PATTERN})
    return models.CheckConstraint(name=f"{table}_sealed", condition=condition)
