"""Walks for as long as `make walks` says, with a new seed every few walks. Not among the tests of every day."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import walking
from walk_tally import Tally


@pytest.mark.parametrize("machine", ["dispatches", "registrations"])
def test_long_walks(machine: str, databases: Any, tmp_path: Path) -> None:
    first, seconds = int(os.environ["WALKS_SEED"]), float(os.environ["WALKS_SECONDS"])
    target = Path(os.environ["WALKS_RESULT"]) / f"{machine}.json"
    tally = Tally()
    ground = walking.Ground(databases, tally, tmp_path)
    seeds: list[int] = []
    failure = ""
    began = time.perf_counter()
    while time.perf_counter() - began < seconds and not failure:
        seeds.append(first + len(seeds))
        print("種", seeds[-1], flush=True)  # noqa: T201
        try:
            ground.walk(getattr(ground, machine), seed=seeds[-1], walks=10, steps=40)
        except BaseException as found:
            failure = f"{type(found).__name__}: {found}"
            raise
        finally:
            target.write_text(
                json.dumps(
                    {
                        "seeds": seeds,
                        "seconds": time.perf_counter() - began,
                        "failure": failure,
                        **tally.as_dict(),
                    },
                    ensure_ascii=False,
                )
            )
