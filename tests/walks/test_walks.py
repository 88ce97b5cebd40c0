"""Short random walks with a stored seed; `make walks` takes the long ones."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import walking
from walk_tally import Tally


@pytest.fixture
def ground(databases: Any, tmp_path: Path) -> Iterator[walking.Ground]:
    """Where walks start."""
    return walking.Ground(databases, Tally(), tmp_path)


def test_whatever_people_do_with_dispatches_and_runs_nothing_breaks(ground: walking.Ground) -> None:
    ground.walk(ground.dispatches, seed=20211126, walks=5, steps=30)
    done = ground.tally.done
    assert done["approve run"] and done["report"] and ground.tally.refusals["NotAllowed"]
