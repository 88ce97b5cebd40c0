"""Changing keys: every stored cipher is written anew under the newest key (security.md R-025).

Encrypted fields are found by their type; an app whose tables keep ciphers in columns of another type (JSON, a text of
a package) names them with `keeps_ciphers`. A value changes only if it still is what was read, so work goes on
meanwhile; whoever is killed begins again, and what is under the newest key already is left alone.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import JSONField
from psycopg.types.json import Jsonb

from core import secrets
from core.audit.acting import SYSTEM, acting
from core.files.vault import rewrap_files

from .fields import EncryptedTextField

BATCH = 500
CIPHER_START = "gAAAA"

Report = Callable[[str, int], None]
_named: set[tuple[str, str]] = set()


@dataclass(frozen=True)
class Column:
    """A column that holds ciphers, and the kind of its values."""

    table: str
    name: str
    is_json: bool

    @property
    def quoted(self) -> str:
        """The name as SQL takes it, whatever it is."""
        return connection.ops.quote_name(self.name)


def keeps_ciphers(table: str, column: str) -> None:
    """Names a column that holds ciphers without being an encrypted field."""
    _named.add((table, column))


def cipher_columns() -> list[Column]:
    """Every column with ciphers, in order of table and name."""
    found = set()
    for model in apps.get_models():
        table = model._meta.db_table
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField) or (table, field.column) in _named:
                found.add(Column(table, str(field.column), isinstance(field, JSONField)))
    return sorted(found, key=lambda column: (column.table, column.name))


def renewed(value: Any) -> Any:
    """The value with every cipher in it under the newest key. Raises secrets.Unreadable."""
    if isinstance(value, dict):
        return {name: renewed(part) for name, part in value.items()}
    if isinstance(value, list):
        return [renewed(part) for part in value]
    if isinstance(value, str) and value.startswith(CIPHER_START) and not secrets.is_newest(value):
        return secrets.reseal(value) if "." in value else secrets.rotate(value)
    return value


def _batches(column: Column) -> Iterator[list[tuple[int, Any]]]:
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id, {column.quoted} FROM {column.table} WHERE id > %s"  # noqa: S608 - names of models
                f" AND {column.quoted}::text LIKE %s ORDER BY id LIMIT {BATCH}",
                [last, f"%{CIPHER_START}%"],
            )
            rows = cursor.fetchall()
        if not rows:
            return
        yield [(pk, _parsed(value) if column.is_json else value) for pk, value in rows]
        last = rows[-1][0]


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def rotate_column(column: Column) -> int:
    """Renews a column, a batch to a transaction; answers how many rows changed."""
    changed = 0
    for rows in _batches(column):
        with acting(SYSTEM, "rotate_keys"), connection.cursor() as cursor:
            for pk, value in rows:
                new = renewed(value)
                if new == value:
                    continue
                new_value: Any = Jsonb(new) if column.is_json else new
                old_value: Any = Jsonb(value) if column.is_json else value
                cursor.execute(
                    f"UPDATE {column.table} SET {column.quoted} = %s"  # noqa: S608
                    f" WHERE id = %s AND {column.quoted} = %s",
                    [new_value, pk, old_value],
                )
                changed += cursor.rowcount
    return changed


def rotate_keys(report: Report) -> int:
    """Renews every column and every file; reports each place and answers how many values changed in all."""
    total = 0
    for column in cipher_columns():
        changed = rotate_column(column)
        report(f"{column.table}.{column.name}", changed)
        total += changed
    for folder in (settings.UPLOAD_DIR, settings.EXPORT_DIR, settings.EVIDENCE_DIR):
        changed = rewrap_files(Path(folder))
        report(str(Path(folder).name), changed)
        total += changed
    return total
