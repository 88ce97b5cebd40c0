"""A database of a benchmark's own, made beside the one the settings name and dropped again."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
# How often a database that is still in use is tried to be dropped; each try waits five seconds itself.
_PATIENCE = 6


def prepare() -> None:
    """Settings, servers and Django for a benchmark that is run as a script or a module."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.embedded")
    os.environ.setdefault("VAR_DIR", str(ROOT / "build" / "bench"))
    if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
        from config.servers import attach

        attach(os.environ["VAR_DIR"])
    import django

    django.setup()


@contextmanager
def scratch_database(name: str) -> Iterator[dict[str, str]]:
    """Points the connections to a new database that `setup` has prepared; yields the environment for processes."""
    from django.db import connections

    database = f"bench_{name}_{os.getpid()}"
    environment = _environment(database)
    home = connections["owner"].settings_dict["NAME"]
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8'")
    try:
        _point_to(database)
        setup = [sys.executable, str(ROOT / "manage.py"), "setup", "--verbosity", "0"]
        subprocess.run(setup, env=environment, check=True)
        yield environment
    finally:
        _point_to(home)
        _drop(database)


@contextmanager
def kept_database(name: str, shape: str, make: Callable[[], object]) -> Iterator[dict[str, str]]:
    """As `scratch_database`, but what `make` put into it stays for the next time, as long as the shape is the same.

    `shape` says in words what is inside; it stands as the database's comment once `make` has ended. Migrations that
    came since are applied. A database of another shape, or one that was left half made, is made anew.
    """
    from django.db import connections

    database = f"bench_kept_{name}"
    home = connections["owner"].settings_dict["NAME"]
    environment = _environment(database)
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [database]
        )
        found = cursor.fetchone()
        if found is None or found[0] != shape:
            cursor.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8'")
            found = None
    try:
        _point_to(database)
        setup = [sys.executable, str(ROOT / "manage.py"), "setup", "--verbosity", "0"]
        subprocess.run(setup, env=environment, check=True)
        if found is None:
            make()
            with connections["owner"].cursor() as cursor:
                cursor.execute(f"COMMENT ON DATABASE {database} IS '{shape}'")
        yield environment
    finally:
        _point_to(home)


def _environment(database: str) -> dict[str, str]:
    """The environment of a process that works on this database of the server the settings name."""
    from django.conf import settings
    from django.db import connections

    def address(alias: str) -> str:
        given = connections[alias].settings_dict
        login = f"{quote(given['USER'], safe='')}:{quote(given['PASSWORD'], safe='')}"
        port = f"&port={given['PORT']}" if given["PORT"] else ""
        return f"postgresql://{login}@/{database}?host={quote(given['HOST'], safe='')}{port}"

    environment = {**os.environ, "DATABASE_URL": address("default"), "REDIS_URL": settings.REDIS_URL}
    if not connections["default"].settings_dict.get("ASSUME_ROLE"):
        environment["DATABASE_OWNER_URL"] = address("owner")
    return environment


@contextmanager
def copied_database(environment: dict[str, str], name: str) -> Iterator[dict[str, str]]:
    """A copy of the database that an environment of `scratch_database` (or of a copy) names, for a process that changes it.

    Nobody may be connected to the original meanwhile; the connections here are closed for it.
    """
    from django.db import connections

    original = environment["DATABASE_URL"].partition("?")[0].rpartition("/")[2]
    copy = f"{original}_{name}"
    for alias in ("default", "owner", "sealer"):
        connections[alias].close()
    _administer(f"CREATE DATABASE {copy} TEMPLATE {original} STRATEGY FILE_COPY")
    try:
        yield {
            key: value.replace(f"/{original}?", f"/{copy}?") if key.startswith("DATABASE_") else value
            for key, value in environment.items()
        }
    finally:
        _drop(copy)


def _drop(database: str) -> None:
    """Drops a database that nobody needs any more; what still looks at it (the server's own cleaning) is waited for."""
    import psycopg

    for _ in range(_PATIENCE):
        try:
            # without FORCE: the owner may not end the server's own processes, the plain form asks them to go
            _administer(f"DROP DATABASE IF EXISTS {database}")
            return
        except psycopg.errors.ObjectInUse:
            time.sleep(1)
    _administer(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


def _administer(statement: str) -> None:
    """One statement as the owner, over a connection to a database that isn't measured."""
    import psycopg
    from django.db import connections

    with psycopg.connect(
        **{**connections["owner"].get_connection_params(), "dbname": "postgres", "cursor_factory": None},
        autocommit=True,
    ) as connection:
        connection.execute(statement)


def switch_history_off() -> None:
    """In the scratch database alone: nothing writes history any more, to see what history costs."""
    from django.db import connections

    from core.audit.protection import recorded_tables

    with connections["owner"].cursor() as cursor:
        for table in recorded_tables():
            for name in ("audit_insert", "audit_update", "audit_delete"):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")


def _point_to(database: str) -> None:
    from django.db import connections

    for alias in ("default", "owner", "sealer"):
        connections[alias].close()
        connections[alias].settings_dict["NAME"] = database
