"""One load in a process of its own: the product's (`ours`), plain COPY (`copy`) or django-import-export (`bulk`).

`python -m benchmarks.speed.load_step ours|copy|bulk DIR` works on the database of DATABASE_URL and answers one line
of JSON: seconds, seconds of the processor, peak memory in MB, and what the process held before it began.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.scratch import prepare


def ours(folder: Path) -> None:
    """The product's loading, as the command and the screen call it."""
    from core.audit.acting import SYSTEM
    from core.exchange.services import load_folder

    assert load_folder(folder, actor=SYSTEM).ok


def copy(folder: Path) -> None:
    """COPY of the same files into new tables of text: no types, checks, keys, references or history."""
    from django.db import connections
    from psycopg import sql

    owner = connections["owner"]
    owner.ensure_connection()
    raw: Any = owner.connection
    with raw.transaction(), raw.cursor() as cursor:
        for path in sorted(folder.glob("*.csv")):
            names = path.read_text(encoding="utf-8-sig").partition("\n")[0].strip().split(",")
            columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in names)
            table = sql.Identifier(f"copied_{path.stem}")
            cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(table, columns))
            statement = sql.SQL("COPY {} FROM STDIN (FORMAT csv, HEADER)").format(table)
            with cursor.copy(statement) as stream, path.open("rb") as file:
                while block := file.read(1 << 18):
                    stream.write(block)


def bulk(folder: Path) -> None:
    """django-import-export's bulk mode, in one transaction named to the history like ours."""
    from benchmarks.speed.bulk_import import import_folder
    from core.audit.acting import SYSTEM, acting

    with acting(SYSTEM, "load_exchange"):
        import_folder(folder)


def main(how: str, folder: Path) -> None:
    """Loads once and says how long it took."""
    prepare()
    from django.db import connections

    loads: dict[str, Callable[[Path], None]] = {"ours": ours, "copy": copy, "bulk": bulk}
    connections["default"].ensure_connection()
    before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    loads[how](folder)
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF)
    answer = {
        "seconds": seconds,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "memory": after.ru_maxrss / 1024,
        "memory_before": before.ru_maxrss / 1024,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
