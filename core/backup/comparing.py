"""What a drill compares: every table's rows and sums, the chain's head, every kept file."""

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql

from .kept_files import Root

_TABLES = """
SELECT schemaname, tablename FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Picture:
    """An installation at one moment. Of a table: rows and a sum over the digests of all its rows."""

    tables: dict[str, tuple[int, int]]
    money: int
    head: str
    files: dict[str, str]

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(count for count, _ in self.tables.values())


def take_picture(url: str, roots: list[Root]) -> Picture:
    """How it stands now, in one snapshot of the database. Needs a role that reads everything."""
    with psycopg.connect(url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        names = [(str(schema), str(name)) for schema, name in connection.execute(_TABLES)]
        tables = {}
        for schema, name in names:
            query = sql.SQL("SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {} AS t")
            row = _one(connection, query.format(sql.Identifier(schema, name)))
            tables[f"{schema}.{name}"] = (int(row[0]), int(Decimal(row[1])))
        money = int(_one(connection, sql.SQL("SELECT coalesce(sum(amount), 0) FROM payments_payoutline"))[0])
        head = _one(
            connection,
            sql.SQL(
                "SELECT coalesce(max(hash), '') FROM audit_seal WHERE number = (SELECT max(number) FROM audit_seal)"
            ),
        )
    files = {}
    for root in roots:
        for name, _ in root.files():
            path = root.folder / name.partition("/")[2]
            files[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return Picture(tables, money, str(head[0]), files)


def differences(before: Picture, after: Picture) -> list[str]:
    """What isn't as it was, in words; empty when everything is. Files beyond those of the moment are no difference."""
    found = [
        f"{name}: {before.tables.get(name)} → {after.tables.get(name)}"
        for name in sorted(before.tables.keys() | after.tables.keys())
        if before.tables.get(name) != after.tables.get(name)
    ]
    if before.money != after.money:
        found.append(f"支払明細の合計: {before.money:,} → {after.money:,}")
    if before.head != after.head:
        found.append(f"履歴の鎖の先頭: {before.head} → {after.head}")
    found += [
        f"ファイル {name}: {'内容が違う' if name in after.files else '無い'}"
        for name, digest in before.files.items()
        if after.files.get(name) != digest
    ]
    return found


def _one(connection: psycopg.Connection[Any], query: sql.SQL | sql.Composed) -> Any:
    row = connection.execute(query).fetchone()
    assert row
    return row
