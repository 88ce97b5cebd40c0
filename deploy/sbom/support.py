"""Until when each piece is looked after by those who make it: docs/operations/support-ends.csv."""

import csv
import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from .parts import PROJECT, Piece

TABLE = "docs/operations/support-ends.csv"
SOON = dt.timedelta(days=180)
"""An end nearer than this is a warning: time to plan the change."""
CONFIRMED_FOR = dt.timedelta(days=365)
"""Where nobody publishes an end, somebody has to look once a year whether the line is still looked after."""


@dataclass(frozen=True)
class End:
    """One row: the release line (2, 18, 1.30), its end (None: not published), when somebody looked, and where."""

    component: str
    line: str
    end: dt.date | None
    confirmed: dt.date
    source: str
    note: str

    def covers(self, piece: Piece) -> bool:
        """Whether a piece is of this release line."""
        same = self.component == piece.name
        return same and (piece.version == self.line or piece.version.startswith(f"{self.line}."))


def ends(project: Path = PROJECT) -> list[End]:
    """The table."""
    with (project / TABLE).open(encoding="utf-8", newline="") as file:
        return [
            End(
                row["component"],
                row["line"],
                dt.date.fromisoformat(row["support_end"]) if row["support_end"] else None,
                dt.date.fromisoformat(row["confirmed"]),
                row["source"],
                row["note"],
            )
            for row in csv.DictReader(file)
        ]


def end_of(piece: Piece, table: list[End]) -> End | None:
    """The row of a piece, or None."""
    return next((row for row in table if row.covers(piece)), None)


def problems(found: list[Piece], table: list[End], day: dt.date) -> list[str]:
    """What is wrong on a day: no row for this line, support that has ended, a line nobody looked at for a year."""
    wrong = []
    for piece in found:
        row = end_of(piece, table)
        if row is None:
            wrong.append(
                f"{piece.name} {piece.version} のサポート終了日が {TABLE} にありません。調べて加えてください。"
            )
        elif row.end is not None and row.end < day:
            wrong.append(
                f"{piece.name} {row.line} のサポートは {row.end} に終わりました。新しい版に替えてください。"
            )
        elif row.end is None and row.confirmed + CONFIRMED_FOR < day:
            wrong.append(
                f"{piece.name} {row.line} を最後に確かめたのは {row.confirmed} です。続いているか確かめ、日付を直してください。"
            )
    return wrong


def warnings(found: list[Piece], table: list[End], day: dt.date) -> list[str]:
    """What ends within 180 days."""
    soon = []
    for piece in found:
        row = end_of(piece, table)
        if row is not None and row.end is not None and day <= row.end <= day + SOON:
            soon.append(
                f"{piece.name} {row.line} のサポートは {row.end} に終わります（あと {(row.end - day).days} 日）。{row.note}"
            )
    return soon
