"""Whose turn it is with a finding, and until when: one table of rules, read by Python here and turned into SQL
by office/open_findings.py, so that a page and a list can't disagree.
"""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from core import clock
from core.programme.models import DispatchTerms


class Turn(StrEnum):
    """Who has to do something before a finding ends."""

    OFFICE = "office"
    INSTITUTION = "institution"
    EXPERT = "expert"
    CLIENT = "client"
    NOBODY = "nobody"

    @property
    def label(self) -> str:
        """As screens call them."""
        return LABELS[self]


LABELS = {
    Turn.OFFICE: "事務局",
    Turn.INSTITUTION: "機関",
    Turn.EXPERT: "専門家",
    Turn.CLIENT: "支援先",
    Turn.NOBODY: "判断済",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What decides whose turn it is: the dispatch's missing steps, an objection, and open inquiries about the finding.

    `asked_expert` and `asked_institution`: an inquiry about this finding, or about the whole dispatch, has no answer.
    `asked_due_on` is the earliest day of those.
    """

    visited_to: dt.datetime | None = None
    reported_at: dt.datetime | None = None
    attested_at: dt.datetime | None = None
    approved_at: dt.datetime | None = None
    objected: bool = False
    asked_expert: bool = False
    asked_institution: bool = False
    asked_due_on: dt.date | None = None

    @property
    def unreported(self) -> bool:
        """The expert's report is missing."""
        return self.reported_at is None

    @property
    def unattested(self) -> bool:
        """The client's attestation is missing."""
        return self.attested_at is None

    @property
    def unapproved(self) -> bool:
        """The institution's approval is missing."""
        return self.approved_at is None

    @property
    def papers_at(self) -> dt.datetime | None:
        """When report and attestation were both there: the later of the two."""
        if self.reported_at is None or self.attested_at is None:
            return None
        return max(self.reported_at, self.attested_at)


@dataclass(frozen=True, slots=True)
class Rule:
    """For codes that begin so (none: every code) and when all these facts hold, it is this one's turn."""

    codes: tuple[str, ...]
    facts: tuple[str, ...]
    turn: Turn


# The first that fits counts.
RULES: tuple[Rule, ...] = (
    Rule((), ("asked_expert",), Turn.EXPERT),
    Rule((), ("asked_institution",), Turn.INSTITUTION),
    # the office's own decision: nothing more to do
    Rule(("X06",), (), Turn.NOBODY),
    Rule(("P01",), (), Turn.EXPERT),
    Rule(("P03",), ("unreported",), Turn.EXPERT),
    # who objected was heard; the institution looks into it and sends it back or asks again
    Rule(("P02", "P03"), ("unattested", "objected"), Turn.INSTITUTION),
    Rule(("P02", "P03"), ("unattested",), Turn.CLIENT),
    Rule(("P03",), (), Turn.INSTITUTION),
    Rule(("P04", "P05"), ("unapproved",), Turn.INSTITUTION),
    # until the institution approves, the expert sees the finding and can declare what went wrong
    Rule(("E",), ("unapproved",), Turn.EXPERT),
    # a claim is the expert's to mend until it is handed in
    Rule(("T",), ("unreported",), Turn.EXPERT),
    Rule((), (), Turn.OFFICE),
)


@dataclass(frozen=True, slots=True)
class Deadline:
    """For these turns, when all these facts hold, so many days (a field of DispatchTerms) after that moment."""

    turns: tuple[Turn, ...]
    facts: tuple[str, ...]
    since: str
    days: str


DEADLINES: tuple[Deadline, ...] = (
    Deadline((Turn.EXPERT,), ("unreported",), "visited_to", "report_days"),
    Deadline((Turn.CLIENT, Turn.INSTITUTION), ("unattested",), "visited_to", "attestation_days"),
    Deadline((Turn.INSTITUTION,), ("unapproved",), "papers_at", "approval_days"),
)


def whose_turn(code: str, standing: Standing) -> Turn:
    """Who has to act on a finding of this code."""
    for rule in RULES:
        about = not rule.codes or code.startswith(rule.codes)
        if about and all(getattr(standing, fact) for fact in rule.facts):
            return rule.turn
    raise AssertionError("the last rule fits everything")


def due_on(code: str, standing: Standing, terms: DispatchTerms) -> dt.date | None:
    """The last day for whoever's turn it is, by the dated terms; None where there is none (the office's own turn)."""
    if standing.asked_due_on is not None and (standing.asked_expert or standing.asked_institution):
        return standing.asked_due_on
    turn = whose_turn(code, standing)
    for deadline in DEADLINES:
        if turn in deadline.turns and all(getattr(standing, fact) for fact in deadline.facts):
            since: dt.datetime | None = getattr(standing, deadline.since)
            if since is None:
                return None
            return clock.jst(since).date() + dt.timedelta(days=getattr(terms, deadline.days))
    return None
