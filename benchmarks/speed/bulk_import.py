"""django-import-export's own bulk mode on the exchange files: resources as its documentation makes them fast.

`use_bulk` with its batches of 1,000, no look-up of stored rows (`force_init_instance`), no diffs, and the codes of
other registers from a dictionary instead of a query per row. It checks nothing that the product's loading checks.
"""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import tablib
from django.db import connection, models
from import_export.fields import Field
from import_export.resources import ModelResource, modelresource_factory
from import_export.widgets import Widget

from benchmarks.speed.loading import FILES
from core.exchange.cells import Date, DateTime, Integer, Number, Several, YesNo
from core.exchange.registry import Column, Table, table_named

_JAPAN = ZoneInfo("Asia/Tokyo")


class _Cell(Widget):
    """A cell read by one function; empty is `empty`."""

    def __init__(self, read: Any, empty: Any) -> None:
        super().__init__()
        self._read, self._empty = read, empty

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        return self._read(value) if value else self._empty


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=_JAPAN)


def _widget(column: Column) -> Widget:
    if column.refers:
        other = table_named(column.refers)
        (key,) = other.key_columns
        ids = dict(other.model._default_manager.values_list(str(key.field), "pk"))
        return _Cell(ids.__getitem__, None)
    match column.kind:
        case YesNo():
            return _Cell(lambda text: text == "有", False)
        case Integer():
            return _Cell(int, None)
        case Number():
            return _Cell(Decimal, None)
        case Date():
            return _Cell(dt.date.fromisoformat, None)
        case DateTime():
            return _Cell(_moment, None)
        case Several():
            return _Cell(lambda text: text.split(";"), [])
    return _Cell(str, "")


def _status(row: Any) -> str:
    if row["状態"]:
        return "cancelled" if row["状態"] == "取消" else "declined"
    if row["事務局判断"] == "対象外":
        return "ineligible"
    if row["機関承認日時"]:
        return "approved"
    return "reported" if row["報告日時"] else "visited" if row["実施開始"] else "confirmed"


def resource_of(table: Table) -> ModelResource:
    """A bulk resource with the columns of the register."""
    fields: dict[str, Any] = {
        column.field: Field(attribute=column.field, column_name=column.name, widget=_widget(column))
        for column in table.columns
        if column.field
    }
    names = tuple(fields)

    def before_save(self: Any, instance: models.Model, row: Any, **kwargs: Any) -> None:
        if table.name == "dispatches":
            instance.status = _status(row)  # type: ignore[attr-defined]

    factory: Any = modelresource_factory(
        table.model,
        meta_options={
            "use_bulk": True,
            "batch_size": 1000,
            "force_init_instance": True,
            "skip_diff": True,
            "skip_html_diff": True,
            "use_transactions": False,
            "fields": names,
            "import_id_fields": (names[0],),
        },
        custom_fields=fields,
    )
    # after_import would set the sequence anew, which the application's role may not
    own = {"before_save_instance": before_save, "after_import": lambda self, dataset, result, **kwargs: None}
    made = type("Bulk", (factory,), own)
    resource: ModelResource = made()
    return resource


def import_folder(folder: Path) -> int:
    """Imports the files of dispatches in their order within the transaction that is open; answers rows."""
    rows = 0
    for name in FILES:
        table = table_named(name)
        text = (folder / table.file_name).read_text(encoding="utf-8-sig")
        dataset = tablib.Dataset().load(text, format="csv")
        if table.setting[0]:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config(%s, %s, true)", list(table.setting))
        result = resource_of(table).import_data(dataset, raise_errors=True)
        rows += result.totals["new"]
    return rows
