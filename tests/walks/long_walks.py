"""Walks for as long as `make walks` says, with a new seed every few walks. Not among the tests of every day."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import walking
from planted_faults import FAULTS, Fault
from walk_tally import Tally

WALKS, STEPS = 10, 40
# So many walks a planted fault is looked for.
FAULT_WALKS = 50


def _keep(name: str, result: dict[str, Any]) -> None:
    target = Path(os.environ["WALKS_RESULT"]) / f"{name}.json"
    target.write_text(json.dumps(result, ensure_ascii=False))


@pytest.mark.parametrize("machine", ["dispatches", "registrations"])
def test_long_walks(machine: str, databases: Any, tmp_path: Path) -> None:
    first, seconds = int(os.environ["WALKS_SEED"]), float(os.environ["WALKS_SECONDS"])
    tally = Tally()
    ground = walking.Ground(databases, tally, tmp_path)
    seeds: list[int] = []
    failure = ""
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        seeds.append(first + len(seeds))
        print(f"{machine}: 種 {seeds[-1]}", flush=True)  # noqa: T201
        try:
            ground.walk(getattr(ground, machine), seed=seeds[-1], walks=WALKS, steps=STEPS)
        except BaseException as found:
            failure = f"{type(found).__name__}: {found}"
            raise
        finally:
            lasted = time.perf_counter() - began
            _keep(machine, {"seeds": seeds, "seconds": lasted, "failure": failure, **tally.as_dict()})


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_a_planted_fault_is_found(fault: Fault, databases: Any, tmp_path: Path) -> None:
    tally = Tally()
    ground = walking.Ground(databases, tally, tmp_path)
    found = ground.with_fault(fault, seed=int(os.environ["WALKS_SEED"]), walks=FAULT_WALKS, steps=STEPS)
    # the walk that finds something is taken a second time to make sure
    walks = max(tally.walks.total() - 1, 1)
    _keep(f"fault-{fault.name}", {"title": fault.title, "found": found, "walks": walks, "acts": tally.acts})
    print(f"{fault.title}: {found}", flush=True)  # noqa: T201
    assert found
