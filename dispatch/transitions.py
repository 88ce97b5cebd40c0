"""The one table of what may happen to a dispatch (design.md §4).

The migration copies it into the database, whose trigger refuses every other step and writes the history row.
"""

from dataclasses import dataclass

from .models import Status

OFFICE = ("office_operator", "office_approver")
SYSTEM = ("system",)
# The state before a row exists.
NEW = ""

# What the columns of an exchange row can say about a dispatch.
LOADABLE = (
    Status.CONFIRMED,
    Status.VISITED,
    Status.REPORTED,
    Status.APPROVED,
    Status.INELIGIBLE,
    Status.CANCELLED,
    Status.DECLINED,
)
# What loading may still change: everything that no approved run holds.
OPEN = (
    Status.DRAFT,
    Status.APPLIED,
    Status.ACCEPTED,
    Status.CONFIRMED,
    Status.VISITED,
    Status.REPORTED,
    Status.APPROVED,
    Status.VERIFIED,
    Status.DECLINED,
    Status.CANCELLED,
    Status.INELIGIBLE,
)


@dataclass(frozen=True)
class Transition:
    """One step: from where, by which action, to where, and which roles may take it."""

    source: str
    action: str
    target: str
    roles: tuple[str, ...]


def _import_steps() -> list[Transition]:
    steps = [Transition(NEW, "import", target, SYSTEM) for target in LOADABLE]
    steps += [
        Transition(source, "import", target, SYSTEM)
        for source in OPEN
        for target in LOADABLE
        if source != target
    ]
    return steps


TRANSITIONS: tuple[Transition, ...] = (
    *_import_steps(),
    # A payable dispatch counts as verified by the maker of the run (rules.md §4).
    Transition(Status.APPROVED, "schedule", Status.SCHEDULED, OFFICE),
    Transition(Status.VERIFIED, "schedule", Status.SCHEDULED, OFFICE),
    Transition(Status.SCHEDULED, "pay", Status.PAID, OFFICE),
)
