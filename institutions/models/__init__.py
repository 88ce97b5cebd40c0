"""Support institutions, their people, and the agency's rosters of them."""

from .bodies import Institution, InstitutionQuerySet, Member, MemberQuerySet
from .rosters import Roster, RosterLine

__all__ = ["Institution", "InstitutionQuerySet", "Member", "MemberQuerySet", "Roster", "RosterLine"]
