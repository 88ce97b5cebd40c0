"""The demonstration's story, told once per module inside a transaction that is taken back."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import time_machine
from demo_command import demo_data
from django.db import transaction
from django.test import override_settings

DAY = dt.datetime(2026, 11, 21, 1, 0, tzinfo=dt.UTC)


class Told(NamedTuple):
    """What the command printed, and where the files of the paid months are."""

    printed: str
    exports: Path


@pytest.fixture(scope="module")
def told(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The story is in the database; what the command printed."""
    folder = tmp_path_factory.mktemp("told")
    folders = {"EVIDENCE_DIR": folder / "evidence", "EXPORT_DIR": folder / "exports"}
    with django_db_blocker.unblock(), override_settings(**folders), transaction.atomic():
        with time_machine.travel(DAY, tick=True):
            printed = demo_data()
        yield Told(printed, folder / "exports")
        transaction.set_rollback(True)


@pytest.fixture
def today() -> Iterator[dt.date]:
    """The day of the story, some minutes after it was told."""
    with time_machine.travel(DAY + dt.timedelta(minutes=30), tick=True):
        yield DAY.date()
