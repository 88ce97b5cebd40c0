"""The kinds of background work. Apps fill it: each declares its kinds in its tasks.py."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .progress import Progress

Run = Callable[[dict[str, Any], Progress], dict[str, Any] | None]


@dataclass(frozen=True)
class Kind:
    """One kind of job: its code, its Japanese name, the function that does it, and what may be done with it."""

    code: str
    name: str
    run: Run
    repeatable: bool
    cancellable: bool = False
    per_person: int | None = None
    keeps_done: bool = False


KINDS: dict[str, Kind] = {}


def job_kind(
    code: str,
    name: str,
    *,
    repeatable: bool = True,
    cancellable: bool = False,
    per_person: int | None = None,
    keeps_done: bool = False,
) -> Callable[[Run], Run]:
    """Registers a function as a kind of job. It gets the job's arguments and a progress to report to,
    and answers a JSON-able result.

    `repeatable`: running it twice does no harm, so the sweep may requeue it.
    `cancellable`: it may be stopped wherever it reports progress, because its work is one transaction
    (or, with `keeps_done`, several: what was done before stays and the next job goes on with the rest).
    `per_person`: how many of this kind one person may have waiting or running, for heavy kinds.
    """

    def register(function: Run) -> Run:
        if code in KINDS:
            raise ValueError(f"ジョブの種類 {code} が二重に登録されています。")
        KINDS[code] = Kind(code, name, function, repeatable, cancellable, per_person, keeps_done)
        return function

    return register
