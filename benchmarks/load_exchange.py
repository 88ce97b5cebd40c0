"""Loads a generated month: rows per second at first and unchanged, peak memory, beside a plain COPY of the bytes.

`python benchmarks/load_exchange.py [dispatches] [--without-history]` works on a database of its own beside the one the settings name,
and drops it again.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.embedded")
os.environ.setdefault("VAR_DIR", str(ROOT / "build" / "bench"))

from benchmarks.generate import Month  # noqa: E402
from benchmarks.scratch import switch_history_off  # noqa: E402
from config.servers import attach  # noqa: E402

DATABASE = f"bench_load_{os.getpid()}"


def _loaded(folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds and MB of one load, as people call it: a process of its own."""
    before = time.perf_counter()
    command = [sys.executable, str(ROOT / "manage.py"), "load_exchange", str(folder)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - before
    if status:
        sys.exit("load_exchange failed")
    return seconds, usage.ru_maxrss / 1024


def _plain_copy(folder: Path, connection: object) -> float:
    """Seconds for COPY of the same files into tables of text, no checks, no keys, no history."""
    from psycopg import sql

    before = time.perf_counter()
    with connection.cursor() as cursor:  # type: ignore[attr-defined]
        for path in sorted(folder.glob("*.csv")):
            names = path.read_text(encoding="utf-8-sig").partition("\n")[0].strip().split(",")
            columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in names)
            cursor.execute(
                sql.SQL("CREATE TEMP TABLE {} ({})").format(sql.Identifier(path.stem), columns).as_string()
            )
            copy = sql.SQL("COPY {} FROM STDIN (FORMAT csv, HEADER)").format(sql.Identifier(path.stem))
            with cursor.copy(copy.as_string()) as stream, path.open("rb") as file:
                while block := file.read(1 << 18):
                    stream.write(block)
    return time.perf_counter() - before


def main(dispatches: int, *, history: bool = True) -> None:
    """Prints one line per measurement."""
    if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
        attach(os.environ["VAR_DIR"])
    import django

    django.setup()
    from django.conf import settings
    from django.db import connections

    def address(alias: str) -> str:
        given = settings.DATABASES[alias]
        login = f"{quote(given['USER'], safe='')}:{quote(given['PASSWORD'], safe='')}"
        port = f"&port={given['PORT']}" if given["PORT"] else ""
        return f"postgresql://{login}@/{DATABASE}?host={quote(given['HOST'], safe='')}{port}"

    environment = {**os.environ, "DATABASE_URL": address("default"), "REDIS_URL": settings.REDIS_URL}
    if not settings.DATABASES["default"].get("ASSUME_ROLE"):
        environment["DATABASE_OWNER_URL"] = address("owner")
    owner = connections["owner"]
    home = owner.settings_dict["NAME"]
    with owner.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
    try:
        setup = [sys.executable, str(ROOT / "manage.py"), "setup", "--verbosity", "0"]
        subprocess.run(setup, env=environment, check=True)
        if not history:
            owner.close()
            owner.settings_dict["NAME"] = DATABASE
            switch_history_off()
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            rows = sum(Month(dispatches).write(folder).values())
            size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
            print(f"load_exchange: {dispatches:,} dispatches, {rows:,} rows, {size:.0f} MB")
            for title in ("first load", "unchanged"):
                seconds, memory = _loaded(folder, environment)
                print(
                    f"  {title:12} {seconds:6.1f} s  {rows / seconds:9,.0f} rows/s  {memory:5.0f} MB resident"
                )
            owner.close()
            owner.settings_dict["NAME"] = DATABASE
            seconds = _plain_copy(folder, owner)
            print(f"  {'plain COPY':12} {seconds:6.1f} s  {rows / seconds:9,.0f} rows/s")
    finally:
        owner.close()
        owner.settings_dict["NAME"] = home
        with owner.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


if __name__ == "__main__":
    given = [argument for argument in sys.argv[1:] if argument != "--without-history"]
    main(int(given[0]) if given else 11_500, history="--without-history" not in sys.argv)
