"""Looking things up in the history: by person, object, time, address and request; newest first, page by key."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model, Q, QuerySet

from .models import Access, Change
from .naming import code_field

PER_PAGE = 50
# Of one object so many rows of history at most are looked through; no object has that many.
OBJECT_ROWS = 20_000

Row = TypeVar("Row", Change, Access)
Key = tuple[dt.datetime, int]


@dataclass(frozen=True)
class Criteria:
    """What is asked for. `tables` are those the reader may see; empty values ask for nothing."""

    tables: Collection[str]
    actors: Collection[int] | None = None
    by_system: bool = False
    objects: Collection[tuple[str, int]] | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    address: str = ""
    request_id: str = ""
    operations: Collection[str] = field(default=())

    @property
    def is_empty(self) -> bool:
        """Whether nothing narrows the search but the tables."""
        return (
            self.actors is None
            and self.objects is None
            and not (self.by_system or self.since or self.until or self.address or self.request_id)
        )


def _common(criteria: Criteria) -> Q:
    condition = Q(table__in=sorted(criteria.tables))
    if criteria.actors is not None:
        condition &= Q(actor_id__in=list(criteria.actors))
    if criteria.by_system:
        condition &= Q(actor_id__isnull=True)
    if criteria.since:
        condition &= Q(at__gte=criteria.since)
    if criteria.until:
        condition &= Q(at__lt=criteria.until)
    if criteria.address:
        condition &= Q(address=criteria.address)
    if criteria.request_id:
        condition &= Q(request_id=criteria.request_id)
    return condition


def changes(criteria: Criteria) -> QuerySet[Change]:
    """The changes asked for, unordered."""
    rows = Change.objects.filter(_common(criteria))
    if criteria.operations:
        rows = rows.filter(operation__in=criteria.operations)
    if criteria.objects is not None:
        rows = rows.filter(pk__in=_changes_of(criteria.objects))
    return rows.order_by()


def _changes_of(objects: Collection[tuple[str, int]]) -> list[int]:
    """The history of rows, and of what belongs to a dispatch also where it is gone from its own table."""
    found: list[int] = []
    with connection.cursor() as cursor:
        for table, row_id in objects:
            cursor.execute(
                'SELECT id FROM audit_change WHERE "table" = %s AND row_id = %s ORDER BY id DESC LIMIT %s',
                [table, row_id, OBJECT_ROWS],
            )
            found += [pk for (pk,) in cursor.fetchall()]
            if table == "dispatch_dispatch":
                cursor.execute(
                    "SELECT id FROM audit_change WHERE (coalesce(new, old) ->> 'dispatch_id')::bigint = %s"
                    " AND coalesce(new, old) ? 'dispatch_id' LIMIT %s",
                    [row_id, OBJECT_ROWS],
                )
                found += [pk for (pk,) in cursor.fetchall()]
    return found


def accesses(criteria: Criteria) -> QuerySet[Access]:
    """The looks, downloads and exports asked for, unordered."""
    rows = Access.objects.filter(_common(criteria))
    if criteria.objects is not None:
        condition = Q(pk__in=[])
        for table, row_id in criteria.objects:
            condition |= Q(table=table, row_ids__contains=[row_id])
        rows = rows.filter(condition)
    return rows.order_by()


def page(rows: QuerySet[Row], before: Key | None, size: int = PER_PAGE) -> tuple[list[Row], Key | None]:
    """The newest rows older than `before`, and the key to go on from; the key is None at the end."""
    if before:
        at, pk = before
        # the first condition is the index's, the second one breaks ties
        rows = rows.filter(at__lte=at).filter(Q(at__lt=at) | Q(pk__lt=pk))
    found = list(rows.order_by("-at", "-pk")[: size + 1])
    if len(found) <= size:
        return found, None
    return found[:size], (found[size - 1].at, found[size - 1].pk)


def find_object(model: type[Model], code: str) -> list[tuple[str, int]]:
    """The rows of a table with this code; rows of business are never deleted, so the table knows them all."""
    column = code_field(model)
    if column is None:
        return []
    rows: Any = model._default_manager.filter(**{column.name: code}).values_list("pk", flat=True)
    return [(model._meta.db_table, pk) for pk in rows]
