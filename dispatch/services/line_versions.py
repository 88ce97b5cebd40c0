"""Which version of a travel line somebody looked at: its latest entry in the history."""

import datetime as dt
from collections.abc import Iterable

from django.db.models import Max

from core.audit.models import Change

from ..models import TravelLine
from .steps import FieldChange, StaleEdit

TABLE = TravelLine._meta.db_table
_NEVER_NAMED = frozenset({"id", "dispatch_id"})


def line_versions(lines: Iterable[TravelLine]) -> dict[int, int]:
    """Row → version, for a form to send back as `seen`. One query."""
    ids = [line.pk for line in lines]
    latest = (
        Change.objects.filter(table=TABLE, row_id__in=ids)
        .order_by()
        .values("row_id")
        .annotate(last=Max("id"))
    )
    versions = dict.fromkeys(ids, 0)
    return versions | {row["row_id"]: row["last"] for row in latest}


def refuse_changed_line(line: TravelLine, seen: int | None) -> None:
    """Raises StaleEdit when the (locked) line was changed since that version; None asks for nothing."""
    if seen is None:
        return
    newer = Change.objects.filter(table=TABLE, row_id=line.pk, id__gt=seen).order_by("id")
    changes = [one for change in newer for one in _fields_of(change)]
    if changes:
        raise StaleEdit(changes)


def _fields_of(change: Change) -> list[FieldChange]:
    if change.operation != Change.Operation.UPDATE:
        return [FieldChange("請求の行", "", "出し直されました", change.actor_name, change.at)]
    old, new = change.old or {}, change.new or {}
    return [
        FieldChange(_label(name), _text(old[name]), _text(new.get(name)), change.actor_name, change.at)
        for name in old
        if name not in _NEVER_NAMED and old[name] != new.get(name)
    ]


def _label(column: str) -> str:
    return str(TravelLine._meta.get_field(column).verbose_name)  # type: ignore[union-attr]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "有" if value else "無"
    if value is None or value == "":
        return "（空）"
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value)
