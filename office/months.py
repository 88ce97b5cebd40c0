"""Months as the office looks at them."""

import datetime as dt

from django.db import connection

from core import clock


def month_bounds(month: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """The first moment of a month in Japan and that of the next."""
    after = (month.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
    return (
        clock.from_jst(dt.datetime.combine(month, dt.time())),
        clock.from_jst(dt.datetime.combine(after, dt.time())),
    )


def months_with_visits() -> list[dt.date]:
    """The months between the first and the last visit, newest first; two index look-ups, however many dispatches."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(visited_from), max(visited_from) FROM dispatch_dispatch")
        first, last = cursor.fetchone()
    if first is None:
        return []
    month = clock.jst(last).date().replace(day=1)
    months = []
    while month >= clock.jst(first).date().replace(day=1):
        months.append(month)
        month = (month - dt.timedelta(days=1)).replace(day=1)
    return months
