"""The version people see is the one that is released."""

import re
import tomllib
from pathlib import Path

import pytest

from core.version import VERSION, commit

PROJECT = Path(__file__).resolve().parents[2]


def test_the_version_is_the_projects() -> None:
    assert tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"] == VERSION


def test_the_commit_is_the_images_or_the_checkouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_COMMIT", "0123456789abcdef0123")
    commit.cache_clear()
    assert commit() == "0123456789ab"
    monkeypatch.delenv("APP_COMMIT")
    commit.cache_clear()
    assert re.fullmatch("[0-9a-f]{12}|", commit())
    commit.cache_clear()
