"""An application for a dispatch as it is being typed, and what can stand in its way."""

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from core.errors import DomainError
from experts.models import Expert

from .models import Case


class ObstacleKind(StrEnum):
    """What an obstacle means: it can't be sent; the office must allow it first; it can be sent, but look."""

    BLOCK = "block"
    APPROVAL = "approval"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One rule that an application doesn't meet."""

    rule: str
    expected: str
    actual: str
    next_step: str
    kind: ObstacleKind = ObstacleKind.BLOCK
    # the input it belongs to
    field: str = ""
    # the kind of request that would lift it (ApprovalRequest.Kind)
    request: str = ""


class ObstaclesFound(DomainError):
    """The application can't be sent; `obstacles` says why and what to do."""

    def __init__(self, obstacles: list[Obstacle]) -> None:
        self.obstacles = obstacles
        super().__init__(
            " ".join(
                f"{each.rule}: {each.expected}のところ、{each.actual}です。{each.next_step}"
                for each in obstacles
            ),
            code="obstacles",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A dispatch as it is being applied for; what isn't filled in yet is None or empty. Times are aware."""

    case: Case
    expert: Expert | None = None
    method: str = ""
    topic: str = ""
    planned_from: dt.datetime | None = None
    planned_to: dt.datetime | None = None
    place: str = ""
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    accompanied: bool = False
    no_accompaniment_reason: str = ""
    itinerary: str = ""
    # C4: what makes a dispatch unpayable
    subsidised_labour: bool = False
    paid_by_institution: bool = False
    member_of_institution: bool = False
    requested_by_expert: bool = False
    # why the office should allow what a rule doesn't
    web_reason: str = ""
    limit_reason: str = ""
    lead_reason: str = ""

    def with_topic(self) -> "Application":
        """The case's topic where none was chosen."""
        return self if self.topic else replace(self, topic=self.case.topic)
