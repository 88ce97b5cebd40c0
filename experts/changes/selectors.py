"""Requests as pages show them; each a fixed number of queries."""

from dataclasses import dataclass, field

from accounts.models import User
from experts.duplicates import Duplicate, Person, likely_duplicates
from experts.models import Expert
from institutions.models import Institution

from .entry import FIELDS, in_words, title_of, values_of
from .models import ChangeRequest, ChangeRequestQuerySet
from .services import changed_fields, conflicts


@dataclass(frozen=True, slots=True)
class Line:
    """One field: as it was, as it is registered now, as it shall be."""

    name: str
    title: str
    before: str = field(repr=False)
    now: str = field(repr=False)
    wanted: str = field(repr=False)
    changed: bool
    crossed: bool


def lines_of(row: ChangeRequest, expert: Expert, *, whole: bool = False) -> list[Line]:
    """Old against new, every field of the kind. `whole`: with the whole account number. Six queries at most.

    Once it is made, what is registered now is no news.
    """
    changed, crossed = changed_fields(row), conflicts(row, expert) if row.is_open else ()
    before, now, wanted = (
        in_words(values, whole=whole)
        for values in (row.old_values, values_of(expert, row.kind), row.new_values)
    )
    return [
        Line(name, title_of(name), before[name], now[name], wanted[name], name in changed, name in crossed)
        for name in FIELDS[row.kind]
    ]


def others_with_the_same(row: ChangeRequest, expert: Expert, user: User) -> list[Duplicate]:
    """Other experts who may be the same person by the wanted values. Three queries at most."""
    values = row.new_values
    known = {name: str(values[name]) for name in Person.__dataclass_fields__ if name in values}
    if "phone" in known or "name" in known:
        known = {
            "name": expert.name,
            "phone": expert.phone,
            "prefecture_code": expert.prefecture_code,
        } | known
    if not known:
        return []
    return likely_duplicates(Expert.objects.visible_to(user).exclude(pk=expert.pk), Person(**known))


def affiliations_of(expert: Expert) -> list[str]:
    """The names of the institutions the expert belongs to; a code that is none as it is. One query."""
    names = dict(Institution.objects.filter(code__in=expert.affiliated_codes).values_list("code", "name"))
    return [names.get(code, code) for code in expert.affiliated_codes]


def to_check(user: User) -> ChangeRequestQuerySet:
    """Requests that somebody of the office has to check."""
    return ChangeRequest.objects.visible_to(user).filter(state=ChangeRequest.State.ASKED)


def to_make(user: User) -> ChangeRequestQuerySet:
    """Checked requests that this person may make: those they did not check themselves."""
    checked = ChangeRequest.objects.visible_to(user).filter(state=ChangeRequest.State.CHECKED)
    return checked.exclude(checked_by=user)
