"""The stage of the dispatch tests, for requests to change an expert's data."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "dispatch"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import stage as stages


@pytest.fixture
def stage(db: None, settings: Any) -> Iterator[stages.Stage]:
    """Institution, experts and people on 2021-07-01, 09:00; the clock moves when told."""
    settings.MFA_REQUIRED = False
    with time_machine.travel(stages.at("07-01 09:00"), tick=False) as traveller:
        yield stages.build(traveller)


__all__ = ["stage"]
