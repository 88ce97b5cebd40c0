"""The story of the rights, built once per module inside a transaction that is taken back."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from rights_story import Story, build


@pytest.fixture(scope="module")
def story(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    """Two of everything, and one person per role."""
    from django.test import override_settings

    folder: Path = tmp_path_factory.mktemp("rights")
    changed = {
        "EXPORT_DIR": folder / "exports",
        "UPLOAD_DIR": folder / "uploads",
        "EVIDENCE_DIR": folder / "evidence",
        "MFA_REQUIRED": False,
    }
    with django_db_blocker.unblock(), override_settings(**changed), transaction.atomic():
        told = build()
        told.values["export_dir"] = os.fspath(folder / "exports")
        yield told
        transaction.set_rollback(True)
