"""The reach of an incident: given a person, a span of time or an address, which records were touched (R-036)."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from core.errors import DomainError

from .models import Access
from .naming import Codes, table_name
from .searching import Criteria, accesses

_CHUNK = 2_000


@dataclass(frozen=True)
class Touched:
    """One record, how often it was changed, seen and taken out, and when first and last."""

    table: str
    row_id: int
    code: str
    changed: int
    seen: int
    taken: int
    first: dt.datetime
    last: dt.datetime

    @property
    def table_name(self) -> str:
        """The table in Japanese."""
        return table_name(self.table)


def require_narrow(criteria: Criteria) -> None:
    """Refuses a question that would answer everything."""
    if criteria.is_empty or criteria.objects is not None:
        raise DomainError("利用者、期間、接続元、リクエストIDのどれかを指定してください。")


def _conditions(criteria: Criteria) -> tuple[str, dict[str, Any]]:
    parts = ['"table" = ANY(%(tables)s)']
    values: dict[str, Any] = {"tables": sorted(criteria.tables)}
    for column, value in (
        ("actor_id = ANY(%(actors)s)", criteria.actors),
        ("at >= %(since)s", criteria.since),
        ("at < %(until)s", criteria.until),
        ("address = %(address)s", criteria.address),
        ("request_id = %(request_id)s", criteria.request_id),
    ):
        if value or value == []:
            parts.append(column)
    if criteria.by_system:
        parts.append("actor_id IS NULL")
    values.update(
        actors=list(criteria.actors or ()), since=criteria.since, until=criteria.until,
        address=criteria.address, request_id=criteria.request_id,
    )  # fmt: skip
    return " AND ".join(parts), values


def reach(criteria: Criteria) -> Iterator[Touched]:
    """Every record that was changed, seen or taken out, by table and id; streams, so size doesn't matter.

    Raises DomainError when nothing narrows the question.
    """
    require_narrow(criteria)
    where, values = _conditions(criteria)
    taken = (Access.What.EXPORT.value, Access.What.DOWNLOAD.value)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, row_id, sum(changed), sum(seen), sum(taken), min(first), max(last) FROM ("
            ' SELECT "table" AS name, row_id, count(*) AS changed, 0 AS seen, 0 AS taken, min(at) AS first,'
            f"  max(at) AS last FROM audit_change WHERE {where} GROUP BY 1, 2"
            ' UNION ALL SELECT "table", touched, 0, count(*) FILTER (WHERE what <> ALL(%(taken)s)),'
            "  count(*) FILTER (WHERE what = ANY(%(taken)s)), min(at), max(at)"
            f"  FROM audit_access, unnest(row_ids) AS touched WHERE {where} GROUP BY 1, 2"
            ") r GROUP BY 1, 2 ORDER BY 1, 2",
            {**values, "taken": list(taken)},
        )
        while rows := cursor.fetchmany(_CHUNK):
            codes = Codes((name, row_id) for name, row_id, *_ in rows)
            for name, row_id, changed, seen, out, first, last in rows:
                code = codes.get(name, row_id)
                yield Touched(name, row_id, code, int(changed), int(seen), int(out), first, last)


def unlisted(criteria: Criteria) -> QuerySet[Access]:
    """Exports and downloads that name no single rows: their extent stands in label and row count."""
    require_narrow(criteria)
    return accesses(criteria).filter(row_ids=[]).order_by("at", "pk")
