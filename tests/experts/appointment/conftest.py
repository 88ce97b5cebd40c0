"""The stage of the dispatch tests at the beginning of a fiscal year, and appointments on it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "dispatch"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import stage as stages
from appointing import Spring


@pytest.fixture
def spring(db: None) -> Iterator[Spring]:
    """1 April 2022, 09:00; three experts, all registered; the clock moves when told."""
    with time_machine.travel(stages.at("07-01 09:00"), tick=False) as traveller:
        stage = stages.build(traveller)
        traveller.move_to(Spring.at("2022-04-01 09:00"))
        yield Spring(stage)
