"""What those who check are shown of a registration."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from accounts.rights import Reach, reach
from core.japan.folding import fold
from core.japan.industries import INDUSTRIES
from core.japan.prefectures import BY_CODE

from .checking import Checked, check
from .criteria import Criterion, criteria_for
from .fields import FIELDS, Field
from .models import Certificate, FieldReturn, Registration, Submission
from .states import OPEN

if TYPE_CHECKING:
    from accounts.models import User

_VISIBLE_DIGITS = 3
_FLAGS = {True: "はい", False: "いいえ"}


@dataclass(frozen=True, slots=True)
class Shown:
    """One field as a person who checks may see it. `text` is ready for the page; `before`: the round before, "" if same."""

    field: Field
    text: str
    before: str = ""
    changed: bool = False
    hints: tuple[str, ...] = ()
    returns: tuple[FieldReturn, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """A submission as it is checked: fields by group, certificates, criteria, all that was ever sent back."""

    submission: Submission
    groups: dict[str, list[Shown]]
    certificates: list[Certificate]
    criteria: list[Criterion]
    returns: list[FieldReturn]
    checked: Checked


def submission_under_review(registration: Registration) -> Submission | None:
    """The last submission; None before there is any. One query."""
    return registration.submissions.order_by("-round").first()


def review_of(registration: Registration, user: "User") -> Review | None:
    """Everything for checking a registration, as far as the person may see it; None before a submission. Nine queries
    at most.

    An institution doesn't see the bank account and tax; the office sees the account's last digits (in full:
    `account_in_full`).
    """
    submissions = list(registration.submissions.order_by("-round")[:2])
    if not submissions:
        return None
    now, before = submissions[0], submissions[1] if len(submissions) > 1 else None
    all_kinds = set(
        Certificate.objects.filter(registration=registration, removed_at=None)
        .exclude(state=Certificate.State.REFUSED)
        .values_list("kind", flat=True)
    )
    checked = check(now.fields, all_kinds)
    office = reach(user, "read", Registration) is Reach.ALL
    returns = list(
        FieldReturn.objects.visible_to(user)
        .filter(registration=registration)
        .select_related("by")
        .order_by("-round", "pk")
    )
    certificates = list(
        Certificate.objects.visible_to(user).filter(registration=registration, removed_at=None)
    )
    groups: dict[str, list[Shown]] = {}
    for field in FIELDS:
        if field.office_only and not office:
            continue
        after_text = text_of(field, now.fields)
        before_text = text_of(field, before.fields) if before else after_text
        changed = before is not None and now.fields.get(field.name) != before.fields.get(field.name)
        groups.setdefault(field.group, []).append(
            Shown(
                field=field,
                text=after_text,
                before=before_text if changed else "",
                changed=changed,
                hints=tuple(checked.hints.get(field.name, ())),
                returns=tuple(found for found in returns if found.field == field.name),
            )
        )
    return Review(now, groups, certificates, criteria_for(now.fields, all_kinds), returns, checked)


def others_under_way(registration: Registration) -> list[Registration]:
    """Other registrations under way that may be of the same person: same mail address, or same name. One query.

    For the office alone: an institution doesn't learn whom others recommended.
    """
    name, address = fold(registration.display_name), registration.candidate_email.lower()
    rows = Registration.objects.filter(state__in=OPEN).exclude(pk=registration.pk)
    return [
        row
        for row in rows.select_related("institution").order_by("pk")
        if row.candidate_email.lower() == address or fold(row.display_name) == name
    ]


def text_of(field: Field, entry: dict[str, Any]) -> str:
    """A field's value in words; account numbers with all but the last digits covered."""
    value = entry.get(field.name)
    if field.flag:
        return _FLAGS[bool(value)]
    if field.name == "prefecture_code":
        prefecture = BY_CODE.get(str(value or ""))
        return prefecture.name if prefecture else ""
    if field.name == "industries":
        return "、".join(INDUSTRIES.get(code, code) for code in value or [])
    if field.several:
        return "、".join(value or [])
    text = str(value or "")
    if field.name in ("account_number", "yucho_bango"):
        return "●" * max(0, len(text) - _VISIBLE_DIGITS) + text[-_VISIBLE_DIGITS:]
    return text
