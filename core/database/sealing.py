"""Migration steps that encrypt columns in place, and take it back.

They run as the owner, a batch to a transaction, and begin again where they were cut off: a row that is sealed
already is left alone. History gets no row of it (it would keep the plain text), and guards of frozen rows stand
aside for the batch. In the end the table is written anew, so that its files hold no plain text either.
"""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.migrations.operations.special import RunPython

from core import secrets

BATCH = 2_000


def seal_columns(table: str, *columns: str) -> RunPython:
    """A migration operation: these text columns become sealed values. The migration must not be atomic."""
    return RunPython(_step(table, columns, "!~", secrets.seal), _step(table, columns, "~", secrets.unseal))


def seal_json_value(table: str, column: str, key: str) -> RunPython:
    """The same for one text within a JSON object."""
    return RunPython(
        _json_step(table, column, key, "!~", secrets.seal),
        _json_step(table, column, key, "~", secrets.unseal),
    )


def _step(table: str, columns: tuple[str, ...], match: str, change: Callable[[str], str]) -> Any:
    pending = " OR ".join(f"({column} <> '' AND {column} {match} %s)" for column in columns)
    sets = ", ".join(f"{column} = %s" for column in columns)
    return _in_batches(
        table,
        f"SELECT id, {', '.join(columns)} FROM {table} WHERE {pending} ORDER BY id LIMIT {BATCH}",  # noqa: S608
        f"UPDATE {table} SET {sets} WHERE id = %s",  # noqa: S608 - names of migrations, never a value
        len(columns),
        match,
        change,
    )


def _json_step(table: str, column: str, key: str, match: str, change: Callable[[str], str]) -> Any:
    value = f"{column} ->> '{key}'"
    return _in_batches(
        table,
        f"SELECT id, {value} FROM {table} WHERE {value} <> '' AND {value} {match} %s"  # noqa: S608
        f" ORDER BY id LIMIT {BATCH}",
        f"UPDATE {table} SET {column} = jsonb_set({column}, '{{{key}}}', to_jsonb(%s::text))"  # noqa: S608
        " WHERE id = %s",
        1,
        match,
        change,
    )


def _in_batches(
    table: str, select: str, update: str, columns: int, match: str, change: Callable[[str], str]
) -> Any:
    def changed(text: str) -> str:
        is_sealed = bool(secrets.SEALED.match(text))
        return change(text) if text and is_sealed == (match == "~") else text

    def run(apps: Any, schema_editor: Any) -> None:
        connection = schema_editor.connection
        any_row = False
        while True:
            with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                cursor.execute(select, [secrets.SEALED_PATTERN] * columns)
                rows = cursor.fetchall()
                if not rows:
                    break
                any_row = True
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
                cursor.executemany(update, [(*map(changed, texts), pk) for pk, *texts in rows])
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        if any_row:
            with connection.cursor() as cursor:
                cursor.execute(f"VACUUM (FULL, ANALYZE) {table}")

    return run
