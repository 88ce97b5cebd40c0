"""The stage of the dispatch tests on the way to a year end, and a renewal on it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "dispatch"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import stage as stages
from campaign import Year


@pytest.fixture
def year(db: None) -> Iterator[Year]:
    """1 February 2022, 09:00; three experts, all registered; the clock moves when told."""
    with time_machine.travel(stages.at("07-01 09:00"), tick=False) as traveller:
        stage = stages.build(traveller)
        traveller.move_to(Year.at("2022-02-01 09:00"))
        yield Year(stage)
