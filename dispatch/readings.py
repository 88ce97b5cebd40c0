"""What the running service can be read of about dispatches."""

from collections.abc import Iterator

from django.db import InterfaceError, OperationalError, connection

from core.metrics.registry import Reading, readings

_OPEN = """
SELECT kind, count(*), coalesce(extract(epoch FROM now() - min(first_seen_at)), 0) / 86400
  FROM dispatch_finding GROUP BY kind ORDER BY kind
"""


@readings(
    "findings",
    expected=(OperationalError, InterfaceError),
    findings_open="Findings that stand in the way of paying, by kind.",
    findings_oldest_days="Days since the oldest open finding was first seen, by kind.",
)
def _findings() -> Iterator[Reading]:
    with connection.cursor() as cursor:
        cursor.execute(_OPEN)
        for kind, count, days in cursor.fetchall():
            yield Reading("findings_open", count, {"kind": kind})
            yield Reading("findings_oldest_days", float(days), {"kind": kind})
