"""What can be read of the running service. Apps fill it: each declares its readings in its readings.py.

Everything is read when somebody asks, from the database, Redis or the disk; no process counts anything in its own
memory. So every web process answers the same, however many there are.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

PREFIX = "office_"


@dataclass(frozen=True)
class Reading:
    """One value: `name` as in the limits and (with a prefix) in Prometheus; labels say which of several."""

    name: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)


Source = Callable[[], Iterable[Reading]]


@dataclass(frozen=True)
class Part:
    """A source of readings that fails as a whole: its name, and a failure of which kind is no defect of ours."""

    name: str
    read: Source
    expected: tuple[type[Exception], ...]


_PARTS: list[Part] = []
HELP: dict[str, str] = {
    "part_answers": "1 while the readings of a part can be taken, 0 while the part is away.",
}


def readings(name: str, *, expected: tuple[type[Exception], ...], **helps: str) -> Callable[[Source], Source]:
    """Registers a source. `expected`: what is raised while its part is away; `helps`: one line for each reading."""

    def register(source: Source) -> Source:
        if any(part.name == name for part in _PARTS) or set(helps) & set(HELP):
            raise ValueError(f"readings are declared twice: {name}")
        _PARTS.append(Part(name, source, expected))
        HELP.update(helps)
        return source

    return register


def take() -> list[Reading]:
    """All readings of this moment. A part that is away gives none but that it is away; the others stand."""
    taken: list[Reading] = []
    for part in _PARTS:
        answers = 1.0
        try:
            taken += part.read()
        except part.expected as trouble:
            log.warning("no readings of %s (%s)", part.name, type(trouble).__name__)
            answers = 0.0
        taken.append(Reading("part_answers", answers, {"part": part.name}))
    return taken
