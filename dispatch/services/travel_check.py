"""検収 of a whole claim: what the office accepts of several lines, in one transaction (D3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.audit.acting import Actor, acting
from core.errors import DomainError, FieldErrors

from ..models import Dispatch, TravelLine
from .corrections import check_travel_line
from .steps import FieldChange, StaleEdit, locked


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDecision:
    """What the office accepts of a line (yen, or km for 私有車; both None take it back), and which version it saw."""

    line_no: int
    accepted_yen: int | None = None
    accepted_km: Decimal | None = None
    reason: str = ""
    seen: int | None = None


class TravelCheckRefused(DomainError):
    """Lines that can't be taken: `by_line` says of each line and column why, `changes` what others did meanwhile."""

    def __init__(
        self, by_line: dict[int, dict[str, str]], changes: dict[int, list[FieldChange]] | None = None
    ) -> None:
        self.by_line = by_line
        self.changes = changes or {}
        super().__init__(
            " ".join(
                f"{line_no}行目 {column}: {why}"
                for line_no, columns in by_line.items()
                for column, why in columns.items()
            ),
            code="lines",
        )


def check_travel_lines(
    *, dispatch: Dispatch, decisions: Sequence[LineDecision], actor: Actor
) -> list[TravelLine]:
    """Records the decisions on several lines, all or none; answers the lines as they are now.

    TravelCheckRefused names every line that stands in the way: more than claimed, a cut without a reason, the wrong
    kind of decision, or changed by somebody else since it was `seen`.
    """
    with acting(actor, "check_travel_line"):
        row = locked(dispatch, actor, "check_travel")
        lines = {line.line_no: line for line in row.travel_lines.all()}
        checked: list[TravelLine] = []
        by_line: dict[int, dict[str, str]] = {}
        changes: dict[int, list[FieldChange]] = {}
        for decision in decisions:
            line = lines.get(decision.line_no)
            if line is None:
                by_line[decision.line_no] = {"行": "この行は請求からなくなりました。画面を更新してください。"}
                continue
            try:
                checked.append(
                    check_travel_line(
                        line=line,
                        actor=actor,
                        reason=decision.reason,
                        accepted_yen=decision.accepted_yen,
                        accepted_km=decision.accepted_km,
                        seen=decision.seen,
                    )
                )
            except FieldErrors as refused:
                by_line[decision.line_no] = refused.by_field
            except StaleEdit as stale:
                by_line[decision.line_no] = {"行": stale.message}
                changes[decision.line_no] = stale.changes
        if by_line:
            raise TravelCheckRefused(by_line, changes)
        return checked
