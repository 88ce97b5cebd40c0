"""Short random walks with a stored seed; `make walks` takes the long ones."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import walking
from planted_faults import FAULTS
from walk_tally import Tally


@pytest.fixture
def ground(databases: Any, tmp_path: Path) -> Iterator[walking.Ground]:
    """Where walks start."""
    return walking.Ground(databases, Tally(), tmp_path)


def test_whatever_people_do_with_dispatches_and_runs_nothing_breaks(ground: walking.Ground) -> None:
    ground.walk(ground.dispatches, seed=20211126, walks=4, steps=25)
    done = ground.tally.done
    assert done["approve run"] and done["report"] and ground.tally.refusals["NotAllowed"]


def test_whatever_people_do_with_registrations_nothing_breaks(ground: walking.Ground) -> None:
    ground.walk(ground.registrations, seed=20211126, walks=3, steps=25)
    done = ground.tally.done
    assert done["submit"] and ground.tally.refusals["NotAllowed"]


@pytest.mark.parametrize("name", ["everybodys-dispatches", "wrong-sum"])
def test_walks_find_a_fault_that_was_planted(ground: walking.Ground, name: str) -> None:
    fault = next(each for each in FAULTS if each.name == name)
    assert ground.with_fault(fault, seed=20211126, walks=8, steps=20)
