"""The office corrects what it received and checks travel lines; received and corrected values both stay (C5, D3)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import connection, models

from core import clock
from core.audit.acting import Actor, acting
from core.errors import FieldErrors
from core.exchange.registry import Column, Table, table_named, table_of
from rules import codes

from ..models import Correction, Declaration, Dispatch, TravelLine, VisitBasis
from ..transitions import EXCLUDABLE, PLANNED
from .cases import read_cells
from .line_versions import refuse_changed_line
from .steps import locked, person, require_reason, require_status

# Until the run takes a dispatch; what ended early is corrected no more.
_OPEN = tuple(dict.fromkeys((*PLANNED, *EXCLUDABLE)))
# Each of these has an act of its own, or is the key.
_BY_OTHER_ACTS = {
    "dispatches": (
        "派遣番号", "WEB事前承認", "上限例外承認", "報告日時", "従事証明日時", "機関承認日時", "状態", "取消理由",
        "事務局判断", "事務局判断理由",
    ),
    "travel_claims": ("派遣番号", "行番号", "認定距離km", "認定額"),
    "declarations": ("派遣番号", "事由", "提出日時"),
}  # fmt: skip


def correctable(file: str) -> list[Column]:
    """The columns of a file that the office may correct."""
    return [column for column in table_named(file).columns if column.name not in _BY_OTHER_ACTS[file]]


def correct_dispatch(
    *, dispatch: Dispatch, values: Mapping[str, str], reason: str, actor: Actor, edit_token: str = ""
) -> list[Correction]:
    """Corrects columns of dispatches.csv, given as the file would hold them. FieldErrors names what can't be taken.

    What is the same as before is no correction. Refused once a run has taken the dispatch.
    """
    reason = require_reason(reason, "訂正の理由")
    with acting(actor, "correct_dispatch", reason):
        row = locked(dispatch, actor, "correct_dispatch", edit_token)
        require_status(row, _OPEN, "訂正")
        made = _correct(row, row, "", values, reason, actor)
        if any(each.column in ("実施開始", "実施終了") for each in made):
            # from now on check events propose nothing any more
            Dispatch.objects.filter(pk=row.pk).update(visit_basis=VisitBasis.REPORT)
        return made


def correct_travel_line(
    *, line: TravelLine, values: Mapping[str, str], reason: str, actor: Actor, seen: int | None = None
) -> list[Correction]:
    """Corrects columns of a line of the travel claim; what the office accepts is `check_travel_line`.

    `seen` is the version the form showed (`line_versions`): StaleEdit when somebody changed the line since.
    """
    reason = require_reason(reason, "訂正の理由")
    with acting(actor, "correct_travel_line", reason):
        row = locked(line.dispatch, actor, "correct_dispatch")
        require_status(row, _OPEN, "訂正")
        found = TravelLine.objects.select_for_update().get(pk=line.pk)
        refuse_changed_line(found, seen)
        return _correct(row, found, str(found.line_no), values, reason, actor)


def correct_declaration(
    *,
    declaration: Declaration,
    values: Mapping[str, str],
    reason: str,
    actor: Actor,
    edit_token: str = "",
) -> list[Correction]:
    """Corrects the times or the reason of a declaration."""
    reason = require_reason(reason, "訂正の理由")
    with acting(actor, "correct_declaration", reason):
        row = locked(declaration.dispatch, actor, "correct_dispatch", edit_token)
        require_status(row, _OPEN, "訂正")
        found = Declaration.objects.select_for_update().get(pk=declaration.pk)
        return _correct(row, found, found.cause, values, reason, actor)


def _correct(
    row: Dispatch,
    target: models.Model,
    row_key: str,
    values: Mapping[str, str],
    reason: str,
    actor: Actor,
) -> list[Correction]:
    table = table_of(type(target))
    allowed = {column.name for column in correctable(table.name)}
    refused = {name: "この項目は訂正の対象ではありません。" for name in values if name not in allowed}
    if refused:
        raise FieldErrors(refused)
    received = stored_texts(table, target.pk)
    corrected = dict(received)
    for name, text in read_cells(table, dict(values)).items():
        corrected[name] = _as_stored(table.by_name[name], text)
    changed = [name for name in values if not _same(table, name, received[name], corrected[name])]
    if not changed:
        return []
    _refuse_broken_rules(table, corrected)
    _write(table, target.pk, {name: corrected[name] for name in changed})
    now = clock.now()
    made = Correction.objects.bulk_create(
        Correction(
            dispatch=row,
            file=table.name,
            row_key=row_key,
            column=name,
            received=received[name],
            corrected=corrected[name],
            reason=reason,
            corrected_by=person(actor),
            corrected_at=now,
        )
        for name in changed
    )
    if target is not row:
        Dispatch.objects.filter(pk=row.pk).update(updated_at=now)
    return made


def _as_stored(column: Column, text: str) -> str:
    """A cell that was read, in the form in which the stored value is given as a text."""
    with connection.cursor() as cursor:
        value = column.kind.staged("%(value)s::text")
        cursor.execute(f"SELECT {column.kind.text(f'({value})')}", {"value": text or _nothing(column)})
        return str(cursor.fetchone()[0])


def _nothing(column: Column) -> str | None:
    return None if column.kind.empty == "NULL" else {"''": "", "false": "f"}[column.kind.empty]


def _same(table: Table, name: str, was: str, now: str) -> bool:
    return table.by_name[name].kind.same(was, now)


def stored_texts(table: Table, pk: int) -> dict[str, str]:
    """A row's columns as the exchange file would hold them."""
    parts: list[str] = []
    joins: list[str] = []
    for column in table.columns:
        if column.refers:
            other = table_named(column.refers)
            key = other.key_columns[0].field
            alias = f"r{len(joins)}"
            joins.append(f"JOIN {other.db_table} {alias} ON {alias}.id = t.{column.field}")
            parts.append(f"{alias}.{key}")
        else:
            stored = column.stored.replace("{t}", "t") if column.stored else f"t.{column.field}"
            parts.append(stored if column.stored else column.kind.text(stored))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(parts)} FROM {table.db_table} t {' '.join(joins)} WHERE t.id = %s",  # noqa: S608
            [pk],
        )
        found = cursor.fetchone()
    return {column.name: text for column, text in zip(table.columns, found, strict=True)}


def _typed(table: Table, values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Any]]:
    """Column → SQL with a parameter of its own, and the parameters."""
    expressions, parameters = {}, {}
    for place, (name, text) in enumerate(values.items()):
        column = table.by_name[name]
        expressions[name] = f"({column.kind.staged(f'%(p{place})s::text')})"
        value: Any = text or _nothing(column)
        if column.kind.sql_type == "boolean":
            value = "t" if text == "有" else "f"
        elif column.kind.sql_type == "timestamptz" and text:
            value = f"{text}+09"
        parameters[f"p{place}"] = value
    return expressions, parameters


def _refuse_broken_rules(table: Table, values: Mapping[str, str]) -> None:
    """The rules of a row of the file, judged for the row as it would be."""
    expressions, parameters = _typed(table, values)
    bad = {}
    with connection.cursor() as cursor:
        for rule in table.rules:
            cursor.execute(f"SELECT {rule.refused_when.format(**expressions)}", parameters)
            if cursor.fetchone()[0]:
                bad[rule.column] = rule.reason
    for column in table.columns:
        if column.required and not values[column.name]:
            bad[column.name] = "必須の項目が空です。"
    if bad:
        raise FieldErrors(bad)


def _write(table: Table, pk: int, values: Mapping[str, str]) -> None:
    expressions, parameters = _typed(table, values)
    sets = []
    for name, expression in expressions.items():
        column = table.by_name[name]
        if column.refers:
            other = table_named(column.refers)
            found = (
                f"(SELECT o.id FROM {other.db_table} o WHERE o.{other.key_columns[0].field} = {expression})"  # noqa: S608
            )
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT {found}", parameters)
                if cursor.fetchone()[0] is None:
                    raise FieldErrors({name: "登録されていないコードです。"})
            sets.append(f"{column.field} = {found}")
        else:
            sets.append(f"{column.field} = {expression}")
    if any(field.name == "updated_at" for field in table.model._meta.concrete_fields):
        sets.append("updated_at = %(now)s")
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table.db_table} SET {', '.join(sets)} WHERE id = %(pk)s",  # noqa: S608
            {**parameters, "pk": pk, "now": clock.now()},
        )


def check_travel_line(
    *,
    line: TravelLine,
    actor: Actor,
    reason: str = "",
    accepted_yen: int | None = None,
    accepted_km: Decimal | None = None,
    seen: int | None = None,
) -> TravelLine:
    """検収: what the office accepts of a line, 認定距離km for 私有車 and 認定額 for the others; both None take it back.

    A cut or a taking back needs a reason. Never more than was claimed. `seen` is the version the form showed
    (`line_versions`): StaleEdit when somebody changed the line since.
    """
    with acting(actor, "check_travel_line", reason.strip()):
        row = locked(line.dispatch, actor, "check_travel")
        require_status(row, EXCLUDABLE, "旅費の認定")
        found = TravelLine.objects.select_for_update().get(pk=line.pk)
        refuse_changed_line(found, seen)
        _refuse_wrong_acceptance(found, accepted_yen, accepted_km)
        before = (found.accepted_yen, found.accepted_km)
        if before == (accepted_yen, accepted_km):
            return found
        less = accepted_yen is not None and accepted_yen < found.claimed
        changed_again = before != (None, None)
        if (less or changed_again) and not reason.strip():
            raise FieldErrors({"理由": "請求より減らすとき、認定を変えるときは、理由を入れてください。"})
        for column, was, now in (
            ("認定額", before[0], accepted_yen),
            ("認定距離km", before[1], accepted_km),
        ):
            if was != now:
                Correction.objects.create(
                    dispatch=row,
                    file="travel_claims",
                    row_key=str(found.line_no),
                    column=column,
                    received="" if was is None else str(was),
                    corrected="" if now is None else str(now),
                    reason=reason.strip() or "検収",
                    corrected_by=person(actor),
                    corrected_at=clock.now(),
                )
        found.accepted_yen, found.accepted_km = accepted_yen, accepted_km
        found.save(update_fields=["accepted_yen", "accepted_km"])
        return found


def _refuse_wrong_acceptance(line: TravelLine, yen: int | None, km: Decimal | None) -> None:
    car = line.kind == codes.TRAVEL_CAR
    if car and yen is not None:
        raise FieldErrors({"認定額": "私有車の行には認定額を入れられません（認定距離kmで計算します）。"})
    if not car and km is not None:
        raise FieldErrors({"認定距離km": "認定距離kmは私有車の行だけに入れられます。"})
    if yen is not None and not 0 <= yen <= line.claimed:
        raise FieldErrors({"認定額": f"0 円から請求額（{line.claimed:,} 円）までにしてください。"})
    if km is not None and not 0 <= km <= 99_999:
        raise FieldErrors({"認定距離km": "0 km から 99,999 km までにしてください。"})


__all__ = [
    "check_travel_line",
    "correct_declaration",
    "correct_dispatch",
    "correct_travel_line",
    "correctable",
    "stored_texts",
]
