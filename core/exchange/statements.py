"""The SQL of one file: all of it is made from the declaration of its register and the columns the file has.

`s` is the loading area, `t` the register's table, `rN` the table that column N refers to (as the file says),
`oN` the same as the stored row says. Only names from declarations stand in it, never a value of a file.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .cells import Sealed
from .registry import Column, RowRule, Table, table_named


def _key_field(table: Table) -> str:
    (column,) = table.key_columns
    return str(column.field)


@dataclass(frozen=True)
class Statements:
    """Builds the statements for the columns that are present."""

    table: Table
    present: tuple[Column, ...]

    def _number(self, column: Column) -> int:
        return self.table.columns.index(column)

    def _refers_to_one(self, column: Column) -> bool:
        return bool(column.refers) and column.kind.sql_type == "text"

    def slot(self, column: Column) -> str:
        """Where the file's text is."""
        return f"s.{self.table.slot(column)}"

    def staged(self, column: Column) -> str:
        """The file's value, in the type of the column (a code for a reference)."""
        return column.kind.staged(self.slot(column))

    def stored(self, column: Column) -> str:
        """The stored value as far as files can tell; needs `old_references` for references."""
        if column.stored:
            return column.stored.format(t="t")
        if self._refers_to_one(column):
            return f"o{self._number(column)}.{_key_field(table_named(column.refers))}"
        if column.kind.sealed:
            return f"t.{column.field}"
        return column.kind.compared(f"t.{column.field}")

    def value(self, column: Column) -> str:
        """What the row will hold: the file's value, else the stored one, else the empty one."""
        if column in self.present:
            return self.staged(column)
        empty = column.kind.empty
        return f"coalesce({self.stored(column)}, {empty})" if empty != "NULL" else self.stored(column)

    def new_value(self, column: Column) -> str:
        """What a new row's database column gets."""
        if column not in self.present:
            return column.kind.empty if column.kind.empty != "NULL" else f"NULL::{column.kind.sql_type}"
        return f"r{self._number(column)}.id" if self._refers_to_one(column) else self.staged(column)

    def changed_value(self, column: Column) -> str:
        """What a stored row's database column gets: a cipher that means the same stays."""
        if isinstance(column.kind, Sealed):
            return column.kind.replaced(self.stored(column), self.staged(column))
        return self.new_value(column)

    def over_columns(self, expression: str) -> str:
        """An expression of a declaration with `{列名}` replaced by what the row will hold."""
        return expression.format(**{column.name: f"({self.value(column)})" for column in self.table.columns})

    def over_new_columns(self, expression: str) -> str:
        """The same for a row that isn't stored yet."""
        values = {
            column.name: f"({self.staged(column) if column in self.present else self.new_value(column)})"
            for column in self.table.columns
        }
        return expression.format(**values)

    # -- joins

    def references(self, columns: Iterable[Column] | None = None, kind: str = "JOIN") -> str:
        """Joins the tables that the file's codes name."""
        joins = []
        for column in self.present if columns is None else columns:
            if self._refers_to_one(column):
                other, alias = table_named(column.refers), f"r{self._number(column)}"
                joins.append(
                    f" {kind} {other.db_table} {alias} ON {alias}.{_key_field(other)} = {self.slot(column)}"
                )
        return "".join(joins)

    def old_references(self) -> str:
        """Joins the tables that the stored row names."""
        joins = []
        for column in self.table.columns:
            if self._refers_to_one(column):
                alias = f"o{self._number(column)}"
                db_table = table_named(column.refers).db_table
                joins.append(f" LEFT JOIN {db_table} {alias} ON {alias}.id = t.{column.field}")
        return "".join(joins)

    def key_references(self, kind: str = "JOIN") -> str:
        """Joins only what the key needs."""
        return self.references(self.table.key_columns, kind)

    def same_key(self) -> str:
        """That the stored row is the one the file's row means."""
        return " AND ".join(
            f"t.{column.field} = r{self._number(column)}.id"
            if self._refers_to_one(column)
            else f"t.{column.field} = {self.staged(column)}"
            for column in self.table.key_columns
        )

    def stored_rows(self) -> str:
        """`s` with its stored row, if there is one."""
        return (
            f"{self.table.staging} s{self.key_references('LEFT JOIN')}"
            f" LEFT JOIN {self.table.db_table} t ON {self.same_key()}"
        )

    def comparable(self) -> list[Column]:
        """The columns of the file that are no key."""
        return [column for column in self.present if column not in self.table.key_columns]

    def differs(self) -> str:
        """That the file's row says something else than the stored one. Needs `references` of all columns."""
        columns = self.comparable()
        if not columns:
            return "false"
        old, new = [], []
        for column in columns:
            if self._refers_to_one(column):
                old.append(f"t.{column.field}")
                new.append(f"r{self._number(column)}.id")
            elif column.kind.sealed:
                old.append(column.kind.compared(self.stored(column)))
                new.append(column.kind.compared(self.staged(column)))
            else:
                old.append(self.stored(column))
                new.append(self.staged(column))
        return f"ROW({', '.join(old)}) IS DISTINCT FROM ROW({', '.join(new)})"

    # -- checks

    def duplicate_keys(self) -> str:
        """Every later row of a key: line, the key's text, the line of the first."""
        keys = [self.slot(column) for column in self.table.key_columns]
        some = " AND ".join(f"{key} IS NOT NULL" for key in keys)
        listed = ", ".join(keys)
        shown = " || ' ' || ".join(keys)
        return f"""
SELECT line, shown, first FROM (
    SELECT s.line, {shown} AS shown, min(s.line) OVER same AS first, row_number() OVER (same ORDER BY s.line) AS nth
      FROM {self.table.staging} s
     WHERE ({listed}) IN (SELECT {listed} FROM {self.table.staging} s WHERE {some} GROUP BY {listed}
                          HAVING count(*) > 1)
    WINDOW same AS (PARTITION BY {listed})) each
 WHERE nth > 1 ORDER BY line"""

    def unknown_references(self, column: Column, beside: bool) -> str:
        """Rows whose code is neither stored nor (`beside`) in the file of the other register: line, code."""
        other = table_named(column.refers)
        field, slot = _key_field(other), self.slot(column)
        listed = f"SELECT line, {slot} AS code FROM {self.table.staging} s WHERE {slot} <> ''"
        if not self._refers_to_one(column):
            listed = f"SELECT line, unnest({self.staged(column)}) AS code FROM {self.table.staging} s"
        also = ""
        if beside:
            key = other.slot(other.key_columns[0])
            also = f" AND NOT EXISTS (SELECT 1 FROM {other.staging} b WHERE b.{key} = each.code)"
        return (
            f"SELECT line, code FROM ({listed}) each"
            f" WHERE NOT EXISTS (SELECT 1 FROM {other.db_table} k WHERE k.{field} = each.code){also} ORDER BY line"
        )

    def broken_rules(self, rules: list[RowRule]) -> str:
        """Rows that break a rule: line, then per rule the offending value's text or null."""
        absent = any(self.table.by_name[name] not in self.present for rule in rules for name in rule.uses)
        source = self.stored_rows() + self.old_references() if absent else f"{self.table.staging} s"
        found = []
        for rule in rules:
            readable = "true"
            # what the file doesn't have is looked up by the key
            for name in (*rule.uses, *(self.table.key if absent else ())):
                column = self.table.by_name[name]
                if column in self.present:
                    readable += f" AND strpos(s.bad, ',{self._number(column)},') = 0"
            refused = f"coalesce({self.over_columns(rule.refused_when)}, false)"
            column = self.table.by_name[rule.column]
            shown = column.kind.text(f"({self.value(column)})")
            found.append(f"CASE WHEN {refused} AND (s.bad IS NULL OR ({readable})) THEN {shown} END")
        listed = ", ".join(f"{case} AS b{number}" for number, case in enumerate(found))
        some = " OR ".join(f"b{number} IS NOT NULL" for number in range(len(found)))
        return f"SELECT * FROM (SELECT s.line, {listed} FROM {source}) each WHERE {some} ORDER BY line"

    def differences(self, *, frozen: str = "", limit: int = 0, stored_only: bool = False) -> str:
        """Rows that are new or say something else: line, key, is new, why frozen, stored and file's texts (comparable()).

        `frozen` keeps to rows of frozen records, `stored_only` to those that are not new.
        """
        join = f" JOIN ({frozen}) f ON f.id = {self.owner()}" if frozen else ""
        why = "f.why" if frozen else "''"
        new_too = "" if stored_only else "t.id IS NULL OR "
        key = " || ' ' || ".join(self.slot(column) for column in self.table.key_columns)
        columns = self.comparable()
        old = ", ".join(column.kind.text(f"({self.stored(column)})") for column in columns)
        new = ", ".join(column.kind.text(f"({self.staged(column)})") for column in columns)
        return (
            f"SELECT s.line, {key}, t.id IS NULL, {why}, ARRAY[{old}]::text[], ARRAY[{new}]::text[]"
            f" FROM {self.table.staging} s{self.references(kind='LEFT JOIN')}"
            f" {'' if stored_only else 'LEFT '}JOIN {self.table.db_table} t ON {self.same_key()}{self.old_references()}{join}"
            f" WHERE s.bad IS NULL AND ({new_too}{self.differs()}) ORDER BY s.line"
            + (f" LIMIT {limit}" if limit else "")
        )

    def owner(self) -> str:
        """The id of the record that a row belongs to, in `differences`."""
        column = self.table.by_name[self.table.belongs_by]
        return f"r{self._number(column)}.id" if self._refers_to_one(column) else "t.id"

    # -- applying

    def _group_is_in_file(self) -> tuple[str, str, Column]:
        group = self.table.by_name[self.table.replaces_by]
        alias = f"r{self._number(group)}"
        other = table_named(group.refers)
        keys = " AND ".join(
            f"{alias}.{_key_field(other)} = {self.slot(column)}"
            if column is group
            else f"t.{column.field} = {self.staged(column)}"
            for column in self.table.key_columns
        )
        listed = f"SELECT {self.slot(group)} FROM {self.table.staging} s"
        source = f"{self.table.db_table} t JOIN {other.db_table} {alias} ON {alias}.id = t.{group.field}"
        missing = (
            f"{alias}.{_key_field(other)} IN ({listed})"
            f" AND NOT EXISTS (SELECT 1 FROM {self.table.staging} s WHERE {keys})"
        )
        return source, missing, group

    def removed_rows(self, frozen: str) -> str:
        """Stored rows of frozen records that the file no longer has: first line of the group, code, why, key texts."""
        source, missing, group = self._group_is_in_file()
        alias = f"r{self._number(group)}"
        code = f"{alias}.{_key_field(table_named(group.refers))}"
        rest = [column for column in self.table.key_columns if column is not group]
        shown = " || ' ' || ".join(column.kind.text(f"t.{column.field}") for column in rest)
        return (
            f"SELECT (SELECT min(s.line) FROM {self.table.staging} s WHERE {self.slot(group)} = {code}) AS line,"
            f" {code}, f.why, string_agg({shown}, '、' ORDER BY t.id) FROM {source}"
            f" JOIN ({frozen}) f ON f.id = {alias}.id WHERE {missing} GROUP BY {alias}.id, {code}, f.why ORDER BY 1"
        )

    def delete_missing(self) -> str:
        """Deletes what the file's groups no longer have."""
        source, missing, _ = self._group_is_in_file()
        return f"DELETE FROM {self.table.db_table} WHERE id IN (SELECT t.id FROM {source} WHERE {missing})"

    def update(self) -> str:
        """Changes the rows that say something else, and only those."""
        sets = [
            f"{column.field} = {self.changed_value(column)}"
            for column in self.comparable()
            if column.field is not None
        ]
        sets += [f"{field} = {self.over_columns(sql)}" for field, sql in self.table.derived.items()]
        fields = {field.column for field in self.table.model._meta.concrete_fields}
        if "updated_at" in fields:
            sets.append("updated_at = statement_timestamp()")
        return (
            f"UPDATE {self.table.db_table} t SET {', '.join(sets)} FROM {self.table.staging} s{self.references()}"
            f" WHERE {self.same_key()} AND {self.differs()}"
        )

    def insert(self) -> str:
        """Adds the rows that are not stored yet."""
        columns = [column for column in self.table.columns if column.field is not None]
        fields = [str(column.field) for column in columns] + list(self.table.derived)
        values = [self.new_value(column) for column in columns]
        values += [self.over_new_columns(sql) for sql in self.table.derived.values()]
        return (
            f"INSERT INTO {self.table.db_table} ({', '.join(fields)}) SELECT {', '.join(values)}"
            f" FROM {self.table.staging} s{self.references()}"
            f" WHERE NOT EXISTS (SELECT 1 FROM {self.table.db_table} t WHERE {self.same_key()}) ORDER BY s.line"
        )

    # -- reading back

    def export(self, *, some: bool = False) -> str:
        """Rows as the texts of a file, in the order of the key, by code point: all, or those of an array of ids."""
        shown = ", ".join(f"{column.kind.text(f'({self.stored(column)})')}" for column in self.table.columns)
        order = ", ".join(
            self.stored(column) + ("" if column.kind.numeric else ' COLLATE "C"')
            for column in self.table.key_columns
        )
        where = " WHERE t.id = ANY(%s)" if some else ""
        return f"SELECT {shown} FROM {self.table.db_table} t{self.old_references()}{where} ORDER BY {order}"
