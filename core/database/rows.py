"""Records of the models read by statements of our own, where building the ORM's each time costs more than reading."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Model

M = TypeVar("M", bound=Model)


class Rows(Generic[M]):
    """How one model's columns are asked for and made a record of, as the ORM would (its conversions included)."""

    def __init__(self, model: type[M]) -> None:
        self.model = model
        self._fields = tuple(model._meta.concrete_fields)
        self._names = tuple(field.attname for field in self._fields)
        self._converters = tuple(
            (place, convert)
            for place, field in enumerate(self._fields)
            for convert in field.get_db_converters(connection)
        )

    def __len__(self) -> int:
        return len(self._fields)

    def columns(self, alias: str) -> str:
        """The columns for a SELECT, of the table under this alias."""
        return ", ".join(f'{alias}."{field.column}"' for field in self._fields)

    def record(self, values: Sequence[Any]) -> M:
        """The record of these values, in the order of the columns."""
        converted = list(values)
        for place, convert in self._converters:
            converted[place] = convert(converted[place], None, connection)
        return self.model.from_db(connection.alias, self._names, converted)
