"""Whether the guards of the history still stand: triggers on, function as written, rights as given (T-2, T-3)."""

import re
from functools import cache

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from core.database.roles import application_role

from .canonical import TABLES
from .triggers import APPEND_ONLY_TABLES, RECORD, RecordHistory

_TRIGGERS = ("audit_insert", "audit_update", "audit_delete")
_GUARDED = ("audit_change", *APPEND_ONLY_TABLES)
# A row that waits longer than this to be sealed means that nobody seals, or that a transaction is stuck.
_LATEST = "15 minutes"


@cache
def recorded_tables() -> tuple[str, ...]:
    """Every table that a migration has attached to the history."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    found: set[str] = set()
    for migration in loader.disk_migrations.values():
        for operation in migration.operations:
            if isinstance(operation, RecordHistory):
                found.update(operation.tables)
    return tuple(sorted(found))


def problems() -> list[str]:
    """What is wrong with the guards, each in one line; empty when all is well."""
    found: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE t.tgenabled IN ('O', 'A') AND t.tgname LIKE 'audit\\_%%' AND NOT t.tgisinternal"
        )
        standing = {(table, name) for table, name in cursor.fetchall()}
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        existing = {name for (name,) in cursor.fetchall()}
        for table in recorded_tables():
            missing = [name for name in _TRIGGERS if (table, name) not in standing]
            if table in existing and missing:
                found.append(f"表 {table} の履歴トリガーが無いか、止められています。")
        for table in _GUARDED:
            if not {(table, "audit_append_only"), (table, "audit_no_truncate")} <= standing:
                found.append(f"表 {table} の書き換え防止トリガーが無いか、止められています。")
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'audit_record'")
        written = re.search(r"\$\$(.*)\$\$", RECORD, re.S)
        source = cursor.fetchone()
        if source is None or written is None or source[0].strip() != written[1].strip():
            found.append("履歴を書く関数が、この版のものと違います。")
        role = application_role()
        cursor.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'audit_change'")
        if cursor.fetchone()[0] != role:
            for function in ("audit_record()", "audit_stamp()", "audit_purge(bigint)"):
                cursor.execute("SELECT has_function_privilege(%s, %s, 'EXECUTE')", [role, function])
                if cursor.fetchone()[0]:
                    found.append(f"アプリケーションのロールが関数 {function} を実行できます。")
            for table in _GUARDED:
                rights = "UPDATE, DELETE, TRUNCATE" + ("" if table == "audit_access" else ", INSERT")
                cursor.execute("SELECT has_table_privilege(%s, %s, %s)", [role, table, rights])
                if cursor.fetchone()[0]:
                    found.append(f"アプリケーションのロールが表 {table} を書き換えられます。")
            cursor.execute("SELECT has_database_privilege(%s, current_database(), 'TEMP')", [role])
            if cursor.fetchone()[0]:
                found.append("アプリケーションのロールが一時表を作れます。")
        for source_code, table in TABLES.items():
            cursor.execute(
                f"SELECT count(*) FROM {table} WHERE at < now() - interval '{_LATEST}' AND (transaction, id) >"
                " (SELECT coalesce(max(upto_transaction), 0), 9223372036854775807 FROM audit_seal WHERE source = %s)",
                [source_code],
            )
            if waiting := cursor.fetchone()[0]:
                found.append(f"表 {table} の {waiting:,}件が15分以上封印されていません。")
    return found
