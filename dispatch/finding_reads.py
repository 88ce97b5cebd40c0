"""What portals show of a dispatch's findings; the office has screens of its own."""

from typing import TYPE_CHECKING

from .finding_words import Told, told
from .models import Assessment, Dispatch, EndedFinding, Finding

if TYPE_CHECKING:
    from accounts.models import User

# The gravest first.
_ORDER = ("対象外", "保留", "未了", "要確認")


def findings_for(dispatch: Dispatch, user: "User") -> list[Told]:
    """The findings of a dispatch as they stand now, in plain words for this person, the gravest first. Two queries.

    What a person may not read (the office's own notes, for institutions bank accounts) is told without its text.
    """
    institution = user.role.startswith("institution")
    found = {
        row.code: told(row.code, row.kind, row.expected, row.actual, to_institution=institution)
        for row in Finding.objects.visible_to(user).filter(dispatch=dispatch)
    }
    assessment = Assessment.objects.visible_to(user).filter(dispatch=dispatch).first()
    for code in assessment.codes if assessment else ():
        if code not in found:
            found[code] = told(code, "", to_institution=institution)
    order = {kind: place for place, kind in enumerate(_ORDER)}
    return sorted(found.values(), key=lambda each: (order.get(each.kind, len(order)), each.code))


def ended_findings(dispatch: Dispatch, user: "User") -> list[EndedFinding]:
    """What was found before and is no more, with how it ended, the latest first. One query."""
    return list(
        EndedFinding.objects.visible_to(user)
        .filter(dispatch=dispatch)
        .select_related("ended_by")
        .order_by("-ended_at", "-pk")
    )
