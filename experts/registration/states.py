"""The one table of what may happen to a registration; the migration copies it into the database's guard."""

from dataclasses import dataclass
from typing import Final

from django.db import models


class State(models.TextChoices):
    """Where a registration stands."""

    INVITED = "invited", "招待中"
    FILLING = "filling", "入力中"
    INSTITUTION = "institution", "機関確認中"
    RETURNED = "returned", "差戻し（本人の修正待ち）"
    OFFICE = "office", "事務局確認中"
    APPROVED = "approved", "登録済"
    WITHDRAWN = "withdrawn", "取下げ"


# While the person may type.
ENTERING: Final = (State.INVITED, State.FILLING, State.RETURNED)
CHECKING: Final = (State.INSTITUTION, State.OFFICE)
OPEN: Final = (*ENTERING, *CHECKING)
CLOSED: Final = (State.APPROVED, State.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: from where, by which act, to where."""

    source: State
    act: str
    target: State


STEPS: Final = (
    Step(State.INVITED, "save_registration_entry", State.FILLING),
    Step(State.FILLING, "submit_registration", State.INSTITUTION),
    # What was sent back goes to whoever sent it back; what the criteria judge is the institution's again.
    Step(State.RETURNED, "submit_registration", State.INSTITUTION),
    Step(State.RETURNED, "submit_registration", State.OFFICE),
    *(Step(source, "return_registration", State.RETURNED) for source in CHECKING),
    Step(State.INSTITUTION, "pass_registration", State.OFFICE),
    Step(State.OFFICE, "approve_registration", State.APPROVED),
    *(Step(source, "withdraw_registration", State.WITHDRAWN) for source in OPEN),
)


def leads(source: str, act: str, target: str) -> bool:
    """Whether the table has this step."""
    return any((step.source, step.act, step.target) == (source, act, target) for step in STEPS)
