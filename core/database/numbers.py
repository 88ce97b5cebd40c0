"""Numbers that people call records by, counted by the database."""

from django.db import connection


def next_number(sequence: str, prefix: str, year: int) -> str:
    """The next number of a kind: D2026-000123. Unique; a number lost with a rolled-back act stays unused."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(%s::regclass)", [sequence])
        return f"{prefix}{year}-{cursor.fetchone()[0]:06}"
