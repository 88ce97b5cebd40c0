"""How the history names things: the table in Japanese, a row by its code, a column by its verbose name."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.apps import apps
from django.db.models import CharField, Field, ForeignKey, Model

from core import secrets
from core.clock import jst
from core.database.fields import EncryptedTextField

from .models import Change

# Columns that are never shown, whatever table they are in.
SECRET_WORDS = ("password", "secret", "token", "cipher", "recovery", "otp")
# Digits of which only the last three are shown.
MASKED_COLUMNS = frozenset({"account_number", "payer_copy"})
NOT_SHOWN = frozenset({"id", "created_at", "updated_at"})
# How every cipher text of core/secrets.py begins, whatever column it is in.
CIPHER_START = "gAAAA"
HIDDEN = "（表示しません）"
EMPTY = "（空）"


def models_by_table() -> dict[str, type[Model]]:
    """Every table that has a model."""
    return {model._meta.db_table: model for model in apps.get_models()}


def table_name(table: str) -> str:
    """What a table is called in Japanese; its own name where it has no model any more."""
    model = models_by_table().get(table)
    return str(model._meta.verbose_name) if model else table


def code_field(model: type[Model]) -> "Field[Any, Any] | None":
    """The column people know a row by (専門家コード, 派遣番号, …): the first unique text."""
    for field in model._meta.fields:
        if isinstance(field, CharField) and field.unique:
            return field
    return None


def code_of(row: Model) -> str:
    """The code people know a row by; of a part of a dispatch (申告書, 旅費請求) that of its dispatch."""
    field = code_field(type(row))
    if field is not None:
        return str(getattr(row, field.attname))
    for field in type(row)._meta.fields:
        if isinstance(field, ForeignKey) and field.name == "dispatch":
            return code_of(getattr(row, field.name))
    return str(row.pk)


class Codes:
    """Codes of rows by table and id: asked for one by one, fetched per table in one query each."""

    def __init__(self, wanted: Iterable[tuple[str, int]]) -> None:
        self._models = models_by_table()
        by_table: dict[str, set[int]] = defaultdict(set)
        for table, row_id in wanted:
            by_table[table].add(row_id)
        self._codes: dict[tuple[str, int], str] = {}
        for table, ids in by_table.items():
            self._fetch(table, ids)

    def _fetch(self, table: str, ids: set[int]) -> None:
        model = self._models.get(table)
        field = code_field(model) if model else None
        if model is None or field is None:
            return
        rows = model._default_manager.filter(pk__in=ids).values_list("pk", field.attname)
        self._codes.update({(table, pk): str(code) for pk, code in rows})

    def get(self, table: str, row_id: int) -> str:
        """The code, or "" where the table has none or the row is gone."""
        return self._codes.get((table, row_id), "")


def is_secret(column: str) -> bool:
    """Whether a column never appears on a screen or in a file."""
    return any(word in column for word in SECRET_WORDS)


def columns_of(change: Change) -> list[str]:
    """The columns worth showing: what an update changed, what an insert or delete filled."""
    before, after = change.old or {}, change.new or {}
    if change.operation == Change.Operation.UPDATE:
        names = [name for name in after if _differ(before.get(name), after[name])]
    else:
        names = [name for name, value in (after or before).items() if value not in (None, "", [], {})]
    model = models_by_table().get(change.table)
    order = {field.column: n for n, field in enumerate(model._meta.fields)} if model else {}
    return sorted(
        (name for name in names if name not in NOT_SHOWN), key=lambda name: (order.get(name, 999), name)
    )


def _differ(before: Any, after: Any) -> bool:
    """Whether a value changed; a sealed one that was only put under another key did not."""
    sealed = all(isinstance(value, str) and secrets.SEALED.match(value) for value in (before, after))
    if sealed:
        return secrets.fingerprint_of(before) != secrets.fingerprint_of(after)
    return bool(before != after)


def foreign_rows(changes: Iterable[Change]) -> set[tuple[str, int]]:
    """The rows that changes name: their own, and those their columns point to."""
    models, wanted = models_by_table(), set()
    for change in changes:
        wanted.add((change.table, change.row_id))
        model = models.get(change.table)
        if model is None:
            continue
        for field in model._meta.fields:
            if not isinstance(field, ForeignKey):
                continue
            for side in (change.old or {}, change.new or {}):
                if isinstance(value := side.get(field.column), int):
                    wanted.add((field.related_model._meta.db_table, value))
    return wanted


class Shown:
    """Values of one table's columns in words. `hidden` and `masked` are names of fields."""

    def __init__(
        self,
        table: str,
        codes: Codes,
        hidden: frozenset[str] = frozenset(),
        masked: frozenset[str] = frozenset(),
    ) -> None:
        model = models_by_table().get(table)
        self._fields = {field.column: field for field in model._meta.fields} if model else {}
        self._codes, self._hidden, self._masked = codes, hidden, masked

    def name(self, column: str) -> str:
        """The column's Japanese name."""
        field = self._fields.get(column)
        return str(field.verbose_name) if field else column

    def is_hidden(self, column: str) -> bool:
        """Whether the reader must not see the column, or nobody may."""
        field = self._fields.get(column)
        return is_secret(column) or (field.name if field else column) in self._hidden

    def value(self, column: str, row: Mapping[str, Any] | None) -> str:
        """The value in words: choices by label, keys by code, times of Japan, account numbers masked."""
        value = (row or {}).get(column)
        if value in (None, "", [], {}):
            return EMPTY
        if self.is_hidden(column):
            return HIDDEN
        field = self._fields.get(column)
        if isinstance(field, EncryptedTextField):
            try:
                value = secrets.unseal(str(value))
            except secrets.Unreadable:  # its key was taken away, as is meant to happen
                return HIDDEN
        if column in MASKED_COLUMNS or (field is not None and field.name in self._masked):
            return _masked(value)
        if isinstance(field, ForeignKey) and isinstance(value, int):
            return self._codes.get(field.related_model._meta.db_table, value) or f"ID {value}"
        if field is not None and field.choices:
            return str(dict(field.flatchoices).get(value, value))
        return in_words(value)


def in_words(value: Any) -> str:
    """A JSON value as people read it."""
    if isinstance(value, str) and value.startswith(CIPHER_START):
        return HIDDEN
    if value is True:
        return "有"
    if value is False:
        return "無"
    if isinstance(value, list):
        return "、".join(in_words(item) for item in value)
    if isinstance(value, dict):
        return "、".join(f"{key}: {in_words(item)}" for key, item in value.items() if not is_secret(key))
    if isinstance(value, str) and len(value) >= 19 and value[10:11] == "T":
        try:
            return f"{jst(dt.datetime.fromisoformat(value)):%Y-%m-%d %H:%M:%S}"
        except ValueError:
            return value
    return str(value)


def _masked(value: Any) -> str:
    text = str(value)
    if isinstance(value, str) and len(text) <= 16 and not text.startswith(CIPHER_START):
        return "*" * max(0, len(text) - 3) + text[-3:]
    return HIDDEN
