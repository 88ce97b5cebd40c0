"""Tests run on a real PostgreSQL, connected as the application's role.

One template database is built by the owner (migrations, rights, what `setup` loads); every worker and every
`fresh_database` gets a clone of it. The template is kept between runs for as long as what makes it is unchanged.
"""

import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fasteners
import psycopg
import pytest
from django.conf import settings
from django.core.cache import caches
from django.core.management import call_command
from django.db import connections
from psycopg import sql

BASE = Path(__file__).resolve().parent.parent
TEST_DATA = BASE / "tests" / "data"
SHARED = Path(os.environ.get("SHARED", BASE.parent / "shared"))

# what the content of the template depends on
TEMPLATE_SOURCES = (
    "*/migrations/*.py",
    "core/*/migrations/*.py",
    "experts/*/migrations/*.py",
    "core/audit/triggers.py",
    "core/database/*.py",
    "core/*/management/commands/setup.py",
    "core/programme/*.py",
    "core/agreements/*.py",
    "core/agreements/first/*",
    "core/banks/*.py",
    "dispatch/transitions.py",
    "rules/data/*",
    "requirements/base.txt",
)


def _template_name() -> str:
    digest = hashlib.sha256(str(BASE).encode())
    for pattern in TEMPLATE_SOURCES:
        for path in sorted(BASE.glob(pattern)):
            digest.update(path.read_bytes())
    place = hashlib.sha256(str(BASE).encode()).hexdigest()[:6]
    return f"tpl_{place}_{digest.hexdigest()[:10]}"


@contextmanager
def _maintenance() -> Iterator[psycopg.Connection[Any]]:
    """A connection of the owner to the database it was given, for creating and dropping others."""
    given = settings.DATABASES["owner"]
    with psycopg.connect(
        dbname=os.environ["TEST_MAINTENANCE_DATABASE"],
        user=given["USER"],
        password=given["PASSWORD"],
        host=given["HOST"],
        port=given["PORT"] or None,
        autocommit=True,
    ) as connection:
        yield connection


def _point_to(name: str) -> None:
    for alias in ("default", "owner", "sealer"):
        connections[alias].close()
        connections[alias].settings_dict["NAME"] = name


def _databases(prefix: str) -> list[str]:
    with _maintenance() as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix])
        return [name for (name,) in rows]


def _end_forgotten(name: str) -> None:
    """Ends what a thread of a test has left open there; each role may end its own connections, the owner not theirs."""
    for alias in ("default", "sealer"):
        with connections[alias].cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND usename = current_user",
                [name],
            )
        connections[alias].close()


def _drop(name: str) -> None:
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    deadline = time.monotonic() + 30
    with _maintenance() as connection:
        while True:
            try:
                connection.execute(drop)
                return
            except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
                # a connection of the application's role that was just closed; the owner may not end it
                if time.monotonic() >= deadline:
                    raise
            time.sleep(0.1)


def _clone(template: str, name: str) -> None:
    from core.database import roles

    with _maintenance() as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        # rights on the database itself are not copied with a template
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}, {}").format(
                sql.Identifier(name),
                sql.Identifier(roles.application_role()),
                sql.Identifier(roles.SEALER_ROLE),
            )
        )


def _build_template(name: str) -> None:
    for old in _databases(name.rsplit("_", 1)[0] + "_"):
        _drop(old)
    building = f"{name}_new"
    with _maintenance() as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(building))
        )
    _point_to(building)
    call_command("setup", verbosity=0)
    _point_to(os.environ["TEST_MAINTENANCE_DATABASE"])
    with _maintenance() as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(building), sql.Identifier(name))
        )


@pytest.fixture(scope="session")
def database_template(django_db_blocker: Any) -> str:
    """The name of the template database; builds it when what makes it has changed."""
    if settings.EMBEDDED_SERVERS:
        from config import servers

        servers.attach(settings.VAR_DIR)
    os.environ.setdefault("TEST_MAINTENANCE_DATABASE", settings.DATABASES["owner"]["NAME"])
    name = _template_name()
    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    with django_db_blocker.unblock(), fasteners.InterProcessLock(str(settings.VAR_DIR / "template.lock")):
        if name not in _databases("tpl_"):
            _build_template(name)
    return name


@pytest.fixture(scope="session")
def django_db_setup(database_template: str, django_db_blocker: Any) -> Iterator[None]:
    """Each worker has a clone of its own; `db` tests roll back on it."""
    name = f"test_{secrets.token_hex(4)}"
    with django_db_blocker.unblock():
        _clone(database_template, name)
        _point_to(name)
    yield
    with django_db_blocker.unblock():
        _point_to(os.environ["TEST_MAINTENANCE_DATABASE"])
        _end_forgotten(name)
        _drop(name)


@dataclass(frozen=True)
class FreshDatabase:
    """A database of one test's own, with the addresses for subprocesses."""

    name: str
    environment: dict[str, str]


def _url(alias: str, name: str) -> str:
    given = connections[alias].settings_dict
    from urllib.parse import quote

    port = f"&port={given['PORT']}" if given["PORT"] else ""
    return (
        f"postgresql://{quote(given['USER'], safe='')}:{quote(given['PASSWORD'], safe='')}@/{name}"
        f"?host={quote(given['HOST'], safe='')}{port}"
    )


@pytest.fixture
def fresh_database(
    request: pytest.FixtureRequest, django_db_setup: None, database_template: str, django_db_blocker: Any
) -> Iterator[FreshDatabase]:
    """A clone of this test's own, where commits are real; for tests of several processes or connections."""
    if request.node.get_closest_marker("django_db"):
        pytest.fail("fresh_database and django_db exclude each other: one commits, the other rolls back")
    worker = connections["default"].settings_dict["NAME"]
    name = f"test_{secrets.token_hex(4)}"
    with django_db_blocker.unblock():
        _clone(database_template, name)
        _point_to(name)
        environment = {
            **os.environ,
            "DATABASE_URL": _url("default", name),
            "DATABASE_OWNER_URL": _url("owner", name),
            "DATABASE_SEALER_URL": _url("sealer", name),
            "REDIS_URL": settings.REDIS_URL,
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "CACHE_KEY_PREFIX": name,
        }
        if settings.DATABASES["default"].get("ASSUME_ROLE"):
            del environment["DATABASE_OWNER_URL"], environment["DATABASE_SEALER_URL"]
        try:
            yield FreshDatabase(name, environment)
        finally:
            _point_to(worker)
            _drop(name)


class Databases:
    """Databases that one test makes of each other, as many as it needs; the connections follow."""

    def __init__(self, template: str) -> None:
        self.template = template
        self.made: list[str] = []

    def clone(self, source: str = "") -> str:
        """A copy of `source` (none given: of the template), which the connections lead to from now on.

        Nobody may be connected to the source meanwhile; the connections here are closed for it.
        """
        name = f"test_{secrets.token_hex(4)}"
        _point_to(name)
        _clone(source or self.template, name)
        self.made.append(name)
        return name

    def drop(self, name: str) -> None:
        """Drops one of them; the connections lead nowhere until the next."""
        _point_to(name)
        _drop(name)
        self.made.remove(name)


@pytest.fixture
def databases(django_db_setup: None, database_template: str, django_db_blocker: Any) -> Iterator[Databases]:
    """For tests that need a fresh database again and again; what is left of them goes afterwards."""
    worker = connections["default"].settings_dict["NAME"]
    with django_db_blocker.unblock():
        own = Databases(database_template)
        try:
            yield own
        finally:
            for name in list(own.made):
                own.drop(name)
            _point_to(worker)


@pytest.fixture(autouse=True)
def _own_exports(settings: Any, tmp_path: Path) -> None:
    """What a test exports stays in its own folder."""
    settings.EXPORT_DIR = tmp_path / "exports"
    settings.AUDIT_DIR = tmp_path / "audit"


@pytest.fixture(autouse=True)
def _own_counters() -> None:
    """What the cache counts (guessed links, hurried requests) is counted for each test by itself."""
    caches["default"].key_prefix = secrets.token_hex(6)
