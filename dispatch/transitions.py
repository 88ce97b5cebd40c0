"""The one table of what may happen to a dispatch (design.md §4).

The migration copies it into the database, whose trigger refuses every other step and writes the history row.
"""

from dataclasses import dataclass

from .models import Status

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


# Before the visit: what can still be planned anew or called off.
PLANNED = (Status.APPLIED, Status.ACCEPTED, Status.CONFIRMED)
# From the confirmation until the run takes it: what the office can exclude.
EXCLUDABLE = (Status.CONFIRMED, Status.VISITED, Status.REPORTED, Status.APPROVED, Status.VERIFIED)
# From the confirmation on there is something to doubt; of what was paid the agency is told, too.
ESCALATABLE = (*EXCLUDABLE, Status.SCHEDULED, Status.PAID, Status.INELIGIBLE)


@dataclass(frozen=True)
class Transition:
    """One step: from where, by which action, to where, and the right it asks for (accounts/permissions.csv)."""

    source: str
    action: str
    target: str
    act: str


def _import_steps() -> list[Transition]:
    steps = [Transition(NEW, "import", target, "load_data") for target in LOADABLE]
    steps += [
        Transition(source, "import", target, "load_data")
        for source in OPEN
        for target in LOADABLE
        if source != target
    ]
    return steps


TRANSITIONS: tuple[Transition, ...] = (
    *_import_steps(),
    Transition(Status.DRAFT, "apply", Status.APPLIED, "apply_for_dispatch"),
    Transition(Status.APPLIED, "accept", Status.ACCEPTED, "answer_dispatch"),
    Transition(Status.APPLIED, "decline", Status.DECLINED, "answer_dispatch"),
    Transition(Status.ACCEPTED, "decline", Status.DECLINED, "answer_dispatch"),
    # A new date asks the expert again; before the answer it is a change of the application only.
    Transition(Status.ACCEPTED, "reschedule", Status.APPLIED, "change_plan"),
    Transition(Status.CONFIRMED, "reschedule", Status.APPLIED, "change_plan"),
    *(Transition(source, "cancel", Status.CANCELLED, "change_plan") for source in PLANNED),
    Transition(Status.ACCEPTED, "confirm", Status.CONFIRMED, "confirm_dispatch"),
    Transition(Status.CONFIRMED, "finish", Status.VISITED, "record_visit"),
    Transition(Status.VISITED, "report", Status.REPORTED, "write_report"),
    Transition(Status.REPORTED, "approve", Status.APPROVED, "approve_dispatch"),
    # One step back, with reasons.
    Transition(Status.REPORTED, "return", Status.VISITED, "return_dispatch"),
    Transition(Status.APPROVED, "return", Status.REPORTED, "return_dispatch"),
    Transition(Status.VERIFIED, "return", Status.APPROVED, "return_dispatch"),
    Transition(Status.APPROVED, "verify", Status.VERIFIED, "verify_dispatch"),
    *(Transition(source, "exclude", Status.INELIGIBLE, "decide_dispatch") for source in EXCLUDABLE),
    # Released, a dispatch stands where its report and approval say.
    *(
        Transition(Status.INELIGIBLE, "release", target, "decide_dispatch")
        for target in EXCLUDABLE
        if target != Status.VERIFIED
    ),
    # A payable dispatch counts as verified by the maker of the run (rules.md §4).
    Transition(Status.APPROVED, "schedule", Status.SCHEDULED, "approve_run"),
    Transition(Status.VERIFIED, "schedule", Status.SCHEDULED, "approve_run"),
    Transition(Status.SCHEDULED, "pay", Status.PAID, "make_run"),
)


def sources_of(action: str) -> tuple[str, ...]:
    """From where the action may be taken."""
    return tuple(step.source for step in TRANSITIONS if step.action == action)
