"""Tools of the history's tests: a second login, and the owner's hand past the guards."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connections

from core.audit.acting import SYSTEM, acting
from core.programme.models import CodeItem

GUARDED = ("audit_change", "audit_seal", "audit_access", "audit_archive")


@pytest.fixture
def login() -> Callable[[str], psycopg.Connection[Any]]:
    """Opens another connection to the database of this test, as the role of an alias."""

    def opened(alias: str) -> psycopg.Connection[Any]:
        given = connections[alias].settings_dict
        return psycopg.connect(
            dbname=given["NAME"],
            user=given["USER"],
            password=given["PASSWORD"],
            host=given["HOST"],
            port=given["PORT"] or None,
        )

    return opened


@pytest.fixture
def tampering(fresh_database: object) -> Iterator[Callable[..., None]]:
    """Executes statements with the guards of the history switched off, as only the owner can."""

    def execute(statement: str, *parameters: object) -> None:
        with connections["owner"].cursor() as cursor:
            for table in GUARDED:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(statement, parameters or None)
            for table in GUARDED:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")

    yield execute
    connections["owner"].close()


@pytest.fixture
def rename() -> Callable[[str, int], None]:
    """Makes one row of history: the position of a code item changes."""

    def changed(name: str, position: int) -> None:
        with acting(SYSTEM, "rename"):
            CodeItem.objects.filter(name=name).update(position=position)

    return changed
