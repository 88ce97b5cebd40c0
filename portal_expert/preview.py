"""The check before a report is handed in: what would be found and paid, as the services and rules would have it."""

from collections.abc import Sequence

from django.db import transaction

from accounts.models import User
from dispatch.models import Dispatch
from dispatch.services import ClaimLine, ReportData, submit_report
from payments.calculation.expectation import Expectation, expected_payment


class _LookedAt(Exception):
    """Undoes what was only done to be looked at."""


def preview(
    *, dispatch: Dispatch, report: ReportData, lines: Sequence[ClaimLine], actor: User
) -> Expectation | None:
    """What becomes of the dispatch when this is handed in: handed in, looked at, and undone; nothing stays.

    Raises what `submit_report` would refuse.
    """
    found: list[Expectation | None] = []

    def look(row: Dispatch) -> None:
        found.append(expected_payment(row))
        raise _LookedAt

    try:
        with transaction.atomic():
            submit_report(dispatch=dispatch, report=report, lines=lines, actor=actor, preflight=look)
    except _LookedAt:
        pass
    return found[0]
