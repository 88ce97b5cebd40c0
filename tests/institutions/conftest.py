"""The stage of the dispatch tests, for what rosters mean to applications."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "dispatch"))

import stage as stages


@pytest.fixture
def stage(db: None) -> Iterator[stages.Stage]:
    """Institution, experts, clients and people on 2021-07-01, 09:00; the clock moves when told."""
    with time_machine.travel(stages.at("07-01 09:00"), tick=False) as traveller:
        yield stages.build(traveller)
