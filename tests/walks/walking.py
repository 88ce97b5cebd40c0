"""Taking walks: the database they start from, the seed, how many and how long."""

from pathlib import Path
from typing import Any

import hypothesis
import time_machine
import walk_world
from dispatch_walk import DispatchWalk
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from planted_faults import Fault
from registration_walk import RegistrationWalk
from walk_tally import Tally

Machine = type[RuleBasedStateMachine]


class Ground:
    """What walks start from, made once; each walk gets a copy."""

    def __init__(self, databases: Any, tally: Tally, folder: Path) -> None:
        self.databases, self.tally, self.folder = databases, tally, folder
        self.staged = databases.clone()
        with time_machine.travel(walk_world.START, tick=False):
            self.world = walk_world.build()
        self.dispatches = self._machine(DispatchWalk)
        self.registrations = self._machine(RegistrationWalk)

    def _machine(self, base: Machine) -> Machine:
        values = {
            "databases": self.databases,
            "staged": self.staged,
            "world": self.world,
            "tally": self.tally,
            "folder": self.folder,
        }
        return type(base.__name__, (base,), values)

    def with_fault(self, fault: Fault, *, seed: int, walks: int, steps: int) -> str:
        """What the walks say when the product has this fault: the first line of it; "" when they find nothing."""
        machine: Any = getattr(self, fault.machine)
        whole, machine.staged = machine.staged, self.databases.clone(self.staged)
        try:
            with fault.planted():
                self.walk(machine, seed=seed, walks=walks, steps=steps)
        except AssertionError as found:
            return next(iter(str(found).splitlines()), type(found).__name__)
        finally:
            machine.staged = whole
        return ""

    def walk(self, machine: Machine, *, seed: int, walks: int, steps: int, shrink: bool = False) -> None:
        """Takes so many walks of so many rules each; the same seed takes the same ones. Raises what a walk found."""
        phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
        settings = hypothesis.settings(
            max_examples=walks,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=phases,
            report_multiple_bugs=False,
            verbosity=Verbosity.normal,
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(hypothesis.seed(seed)(machine), settings=settings)
