"""The command and what it leaves, for the tests of it."""

from io import StringIO
from pathlib import Path

from django.core.management import call_command
from django.db import connection

from core.exchange.services import export_folder


def demo_data() -> str:
    """Tells the story, or finishes it; what the command prints."""
    output = StringIO()
    call_command("demo_data", stdout=output)
    return output.getvalue()


def all_rows(folder: Path) -> dict[str, bytes]:
    """Every exchange file of what is loaded now."""
    export_folder(folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def history_length() -> int:
    """How many changes are recorded."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_change")
        return int(cursor.fetchone()[0])
