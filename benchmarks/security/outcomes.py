"""What a tool said, and which of it is accepted for a reason that is written down."""

import csv
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ACCEPTED = HERE / "accepted.csv"
LEVELS = ("info", "low", "medium", "high")


@dataclass(frozen=True)
class Finding:
    """One thing a tool complains about. `place` is a file or an address; a level above "info" must not stay open."""

    tool: str
    level: str
    rule: str
    place: str
    text: str = ""
    line: int = 0


@dataclass
class Outcome:
    """What one tool did: its version, what it looked at, what it found, and whether it found what was planted for it.

    `trouble` says why it could not do its work; `stands_aside` that this machine can't run it, which is told, not failed.
    """

    tool: str
    version: str = ""
    covered: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    planted: str = ""
    planted_found: bool = False
    trouble: str = ""
    stands_aside: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Acceptance:
    """A finding that stays: of which tool and rule, in which place (a pattern of names), why."""

    tool: str
    rule: str
    place: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Whether the finding is meant."""
        return (
            finding.tool == self.tool
            and fnmatchcase(finding.rule, self.rule)
            and fnmatchcase(finding.place, self.place)
        )


def acceptances(path: Path = ACCEPTED) -> list[Acceptance]:
    """The table of accepted.csv. ValueError for a row without a reason or with a pattern that covers everything."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            Acceptance(row["tool"], row["rule"], row["place"], row["reason"]) for row in csv.DictReader(file)
        ]
    for row in rows:
        if not row.reason.strip() or row.rule == "*" or row.place in ("*", ""):
            raise ValueError(f"accepted.csv: {row}")
    return rows


def sorted_out(
    findings: list[Finding], accepted: list[Acceptance]
) -> tuple[list[Finding], list[tuple[Finding, Acceptance]]]:
    """Those that are open (above "info"), and those accepted with why."""
    still, settled = [], []
    for finding in findings:
        found = next((row for row in accepted if row.covers(finding)), None)
        if found:
            settled.append((finding, found))
        elif finding.level != "info":
            still.append(finding)
    return still, settled


def plain(text: str) -> str:
    """Terminal colours taken off."""
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
