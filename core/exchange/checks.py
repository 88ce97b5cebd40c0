"""Checks over whole files at once: duplicate keys, references, rules of a row, what must not change."""

from collections.abc import Iterator
from typing import Any

from django.db import connection

from .problems import Problem, Problems, shortened
from .registry import Column, freezes_of, table_named
from .source import NO_COLUMN, Source
from .statements import Statements

_FETCH = 2_000


def _rows(sql: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a query, a few at a time (a cursor on the server)."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql)
        while rows := cursor.fetchmany(_FETCH):
            yield from rows


class Checker:
    """Reports into `problems` what is wrong with the staged rows of a set of files."""

    def __init__(self, sources: list[Source], problems: Problems) -> None:
        self.sources = {source.table.name: source for source in sources}
        self.problems = problems

    def run(self) -> None:
        """All checks of all readable files."""
        for source in self.sources.values():
            if source.readable and source.staged:
                self._duplicates(source)
                for column in source.present:
                    if column.refers:
                        self._references(source, column)
                self._rules(source)
                if not source.missing:
                    self._append_only(source)
                    self._frozen(source)

    def _add(self, source: Source, line: int, column: Column | None, value: str, reason: str) -> None:
        number, name = (source.table.columns.index(column), column.name) if column else (NO_COLUMN, "")
        sealed = column is not None and column.kind.sealed
        self.problems.add(Problem(source.table.order, line, number, source.name, name, value, reason, sealed))

    def _duplicates(self, source: Source) -> None:
        self.problems.open_series()
        key = source.table.key_columns[0]
        names = "と".join(source.table.key)
        for line, shown, first in _rows(Statements(source.table, source.present).duplicate_keys()):
            self._add(source, line, key, shown, f"同じ{names}の行が {first} 行目にあります。")

    def _references(self, source: Source, column: Column) -> None:
        beside = self.sources.get(column.refers)
        if beside is not None and not beside.readable:
            return  # nobody can say what that file holds; its own problem is reported
        self.problems.open_series()
        sql = Statements(source.table, source.present).unknown_references(column, beside is not None)
        title = table_named(column.refers).title
        for line, code in _rows(sql):
            self._add(source, line, column, code, f"この{column.name}の{title}は登録されていません。")

    def _rules(self, source: Source) -> None:
        rules = [rule for rule in source.table.rules if not {c.name for c in source.missing} & set(rule.uses)]
        if not rules:
            return
        self.problems.open_series()
        columns = [source.table.by_name[rule.column] for rule in rules]
        places = sorted(range(len(rules)), key=lambda place: source.table.columns.index(columns[place]))
        for line, *values in _rows(Statements(source.table, source.present).broken_rules(rules)):
            for place in places:
                if values[place] is not None:
                    self._add(source, line, columns[place], values[place], rules[place].reason)

    def _append_only(self, source: Source) -> None:
        if not source.table.append_only:
            return
        self.problems.open_series()
        statements = Statements(source.table, source.present)
        for line, _, _, _, old, new in _rows(statements.differences(stored_only=True)):
            for column, was, now in zip(statements.comparable(), old, new, strict=True):
                if not column.kind.same(was, now):
                    stored = shortened(column.kind.shown(was)) or "空"
                    reason = f"登録済みの値（{stored}）と異なります。{source.table.append_only}"
                    self._add(source, line, column, column.kind.shown(now), reason)

    def _frozen(self, source: Source) -> None:
        if not source.table.belongs_by:
            return
        owner = source.table.by_name[source.table.belongs_by]
        every = [rule.sql for rule in freezes_of(owner.refers or source.table.name)]
        if not every:
            return
        # one reason per record, the same one each time
        frozen = f"SELECT id, min(why) AS why FROM ({' UNION ALL '.join(every)}) each GROUP BY id"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT EXISTS ({frozen})")
            if not cursor.fetchone()[0]:
                return
        self.problems.open_series()
        statements = Statements(source.table, source.present)
        differences = statements.differences(frozen=frozen)
        for line, key, is_new, why, old, new in _rows(differences):
            if is_new:
                self._add(source, line, owner, key, f"{why}の派遣のため追加できません。")
                continue
            for column, was, now in zip(statements.comparable(), old, new, strict=True):
                if not column.kind.same(was, now) and not source.table.append_only:
                    stored = shortened(column.kind.shown(was)) or "空"
                    reason = f"{why}の派遣のため変更できません（登録済みの値: {stored}）。"
                    self._add(source, line, column, column.kind.shown(now), reason)
        if source.table.replaces_by:
            self.problems.open_series()
            for line, code, why, lost in _rows(statements.removed_rows(frozen)):
                reason = f"{why}の派遣のため、登録済みの行（{lost}）を減らせません。"
                self._add(source, line, owner, code, reason)
