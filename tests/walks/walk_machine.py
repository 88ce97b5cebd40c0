"""What every walk shares: a database of its own, a clock, and acts that are tried and looked at."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import time_machine
from celery import Task
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from walk_ledger import Ledger
from walk_tally import Tally
from walk_world import START, Person, World

from core.errors import DomainError
from payments.services import live

Call = Callable[[], Any]
NUMBERS = st.integers(0, 999)
# Of a hundred people who try, so many are those whose turn it is.
RIGHT_PERSON = 72
# Between two acts: nobody acts on the stroke of a minute again and again.
PAUSE = dt.timedelta(seconds=7)


class Broken(AssertionError):
    """Somebody did what only others may do."""


class Walk(RuleBasedStateMachine):
    """One walk, in a database of its own."""

    databases: ClassVar[Any]
    staged: ClassVar[str]
    world: ClassVar[World]
    tally: ClassVar[Tally]
    folder: ClassVar[Path]
    title: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.database = self.databases.clone(self.staged)
        place = self.folder / self.database
        # messages to the worker: findings are judged when a rule delivers them, once, twice or late
        self.waiting: set[int] = set()
        self._patches = (
            mock.patch.object(settings, "EXPORT_DIR", place / "exports"),
            mock.patch.object(settings, "EVIDENCE_DIR", place / "evidence"),
            mock.patch.object(live, "gather_experts", self.waiting.update),
            mock.patch.object(Task, "apply_async"),
        )
        for patch in self._patches:
            patch.start()
        self._travel = time_machine.travel(START, tick=False)
        self.clock = self._travel.start()
        self.ledger = Ledger(self.world, self.tally)
        self.steps = 0

    def teardown(self) -> None:
        try:
            self.tally.walks[self.title] += 1
            self.tally.steps[self.title] += self.steps
            self.at_the_end()
            self.ledger.whole()
        finally:
            self._travel.stop()
            for patch in reversed(self._patches):
                patch.stop()
            self.databases.drop(self.database)

    def at_the_end(self) -> None:
        """What a kind of walk looks at besides."""

    def after(self, act: str, who: Person | None) -> None:
        """What a kind of walk looks at besides after each act that was not refused."""

    def attempt(
        self, act: str, who: Person | None, call: Call, *, right: bool, also: tuple[int, ...] = ()
    ) -> Any:
        """Does it, and looks at what became of it. `right`: whether this person may do it at all."""
        self.steps += 1
        self.clock.shift(PAUSE)
        try:
            answer = call()
        except (DomainError, ObjectDoesNotExist) as refusal:
            self.tally.refused[act] += 1
            self.tally.refusals[_kind(refusal)] += 1
            self.ledger.after_refusal(act)
            return None
        if not right:
            raise Broken(f"{who and who.name} was not refused: {act}")
        self.tally.done[act] += 1
        self.ledger.after_act(act, who, also=also)
        self.after(act, who)
        return answer

    def somebody(self, right: list[Person], draw: int) -> Person:
        """Mostly one of those whose turn it is."""
        everybody = list(self.world.people.values())
        chosen = right if right and draw % 100 < RIGHT_PERSON else everybody
        return chosen[draw // 100 % len(chosen)]


def reason(how: int) -> str:
    """A reason; now and then somebody gives none."""
    return "" if how % 23 == 22 else f"理由その{how % 5}"


def _kind(refusal: Exception) -> str:
    code = getattr(refusal, "code", "") or ""
    return type(refusal).__name__ + (f"（{code}）" if code and code != "refused" else "")
