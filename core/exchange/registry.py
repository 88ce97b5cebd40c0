"""The registers of the exchange. Each app declares its tables in its exchange.py; files, XLSX and admin follow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db import models
from django.utils.module_loading import autodiscover_modules

from .cells import Code, Kind

# How many generic staging tables the migration makes, and how many columns each has.
STAGING_TABLES = 12
STAGING_COLUMNS = 40


@dataclass(frozen=True)
class Column:
    """One column of a file and of its table.

    `field` is the database column (None: derived from others), `refers` the file whose key the cell holds,
    `stored` the SQL that reads it back where that isn't simply the column (`{t}` stands for the table).
    """

    name: str
    kind: Kind
    field: str | None
    required: bool = False
    refers: str = ""
    stored: str = ""


@dataclass(frozen=True)
class RowRule:
    """What a row must not be: SQL over `{列名}`, reported at `column`. Judged only when its columns are readable."""

    column: str
    refused_when: str
    reason: str
    uses: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """One register: its file, its model, its columns, the rules of a row."""

    name: str
    order: int
    model: type[models.Model]
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    rules: tuple[RowRule, ...] = ()
    # evidence: rows are added, never changed; says why
    append_only: str = ""
    # the rows of a file replace all rows with the same value of this column
    replaces_by: str = ""
    # this column names the record that may be frozen (freezes below)
    belongs_by: str = ""
    # database column → SQL over `{列名}`, set when a row is new or changed
    derived: Mapping[str, str] = field(default_factory=dict)
    # name and value of a transaction-local setting that the table's triggers ask for
    setting: tuple[str, str] = ("", "")

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The columns by their header."""
        return {column.name: column for column in self.columns}

    @property
    def db_table(self) -> str:
        """The table in the database."""
        return self.model._meta.db_table

    @property
    def title(self) -> str:
        """What people call the register."""
        return str(self.model._meta.verbose_name)

    @property
    def file_name(self) -> str:
        """The name of its CSV file."""
        return f"{self.name}.csv"

    @property
    def key_columns(self) -> tuple[Column, ...]:
        """The columns that identify a row."""
        return tuple(self.by_name[name] for name in self.key)

    @cached_property
    def has_sealed_columns(self) -> bool:
        """Whether a row holds something that the database keeps encrypted."""
        return any(column.kind.sealed for column in self.columns)

    @property
    def staging(self) -> str:
        """The loading area of this register."""
        return f"staging_{self.order}"

    def slot(self, column: Column) -> str:
        """The column's place in the loading area."""
        return f"c{self.columns.index(column) + 1}"


@dataclass(frozen=True)
class Freeze:
    """Records whose rows loading may not touch: SQL answering their ids and why, and the table to hold still."""

    table: str
    sql: str
    lock: str = ""


_tables: dict[str, Table] = {}
_freezes: list[Freeze] = []
_found = False


def register(table: Table) -> Table:
    """Adds a register to the exchange."""
    if len(table.columns) > STAGING_COLUMNS or not 1 <= table.order <= STAGING_TABLES:
        raise ValueError(f"{table.name} does not fit into the staging tables")
    if any(column.kind.sealed and (column.name in table.key or column.refers) for column in table.columns):
        raise ValueError(f"{table.name}: a sealed column can't identify or refer")
    if any(other.order == table.order and other.name != table.name for other in _tables.values()):
        raise ValueError(f"{table.name}: the place {table.order} is taken")
    _tables[table.name] = table
    return table


def freeze(rule: Freeze) -> Freeze:
    """Adds a reason why loading must leave records alone (higher apps freeze what lower ones declare)."""
    _freezes.append(rule)
    return rule


def _discover() -> None:
    global _found
    if not _found:
        autodiscover_modules("exchange")
        _found = True


def tables() -> list[Table]:
    """All registers in the order they are loaded."""
    _discover()
    return sorted(_tables.values(), key=lambda table: table.order)


def table_named(name: str) -> Table:
    """The register of that file."""
    _discover()
    return _tables[name]


def table_of(model: type[Any]) -> Table:
    """The register of that model."""
    return next(table for table in tables() if table.model is model)


def freezes_of(name: str) -> Iterator[Freeze]:
    """What freezes records of that register."""
    _discover()
    return (rule for rule in _freezes if rule.table == name)


class Identifier(Code):
    """A key: a code whose text may also stand in the name of a file."""

    def __init__(self, longest: int = 64) -> None:
        super().__init__(longest, r'[^/\\:*?"<>|]+', '次の文字は使えません: / \\ : * ? " < > |')
