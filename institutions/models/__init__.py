"""Support institutions, their people, the agency's rosters of them, and changes of a よろず's operator."""

from .bodies import Institution, InstitutionQuerySet, Member, MemberQuerySet
from .operator_changes import (
    YOROZU,
    HandedOver,
    OperatorAnswer,
    OperatorChange,
    OperatorEntry,
    OperatorReturn,
)
from .rosters import Roster, RosterLine

__all__ = [
    "YOROZU",
    "HandedOver",
    "Institution",
    "InstitutionQuerySet",
    "Member",
    "MemberQuerySet",
    "OperatorAnswer",
    "OperatorChange",
    "OperatorEntry",
    "OperatorReturn",
    "Roster",
    "RosterLine",
]
