"""What the pages of cases read; a fixed number of queries each."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet

from accounts.models import User
from core.ui.lists import containing
from dispatch.models import Case, ConsultationNote, Dispatch
from dispatch.services.cases import ENDED
from institutions.models import Institution
from portal_institution.selectors.clients import plain_words
from portal_institution.waiting import Waiting, waiting_of, with_waiting

# What a case waits for, as the filter of the list calls it.
WAITING = (
    ("consent", "支援先の同意"),
    ("apply", "派遣の申請"),
    ("under_way", "進んでいる派遣の完了"),
)
_UNDER_WAY = Dispatch.objects.exclude(status__in=ENDED).filter(application__case=OuterRef("pk"))


def own_cases(user: User, institution: Institution) -> QuerySet[Case]:
    """The cases of the person's institution with their clients."""
    return (
        Case.objects.visible_to(user)
        .filter(institution=institution)
        .select_related("company", "created_by")
        .annotate(is_under_way=Exists(_UNDER_WAY))
    )


def cases(
    user: User,
    institution: Institution,
    *,
    words: str = "",
    state: str = "",
    topic: str = "",
    who: str = "",
    waiting: str = "",
) -> QuerySet[Case]:
    """The institution's cases by words, state, topic, who opened them and what they wait for."""
    rows = own_cases(user, institution)
    if plain_words(words):
        rows = rows.filter(
            containing(plain_words(words), "code", "company__name", "company__code", "problem")
        )
    if state in Case.State.values:
        rows = rows.filter(state=state)
    if topic:
        rows = rows.filter(topic=topic[:100])
    if who.isdecimal() and len(who) < 18:
        rows = rows.filter(created_by=int(who))
    conditions = {
        "consent": Q(consent_at=None),
        "apply": Q(consent_at__isnull=False, is_under_way=False),
        "under_way": Q(is_under_way=True),
    }
    if condition := conditions.get(waiting):
        rows = rows.filter(condition, state=Case.State.OPEN)
    return rows


def tell_of(rows: Iterable[Any]) -> None:
    """Adds to each case of a page: number of dispatches, day of the last note, what it waits for. Two queries."""
    rows = list(rows)
    ids = [row.pk for row in rows]
    dispatches = dict(
        Case.objects.filter(pk__in=ids).order_by().values_list("pk").annotate(count=Count("applications"))
    )
    notes = dict(
        ConsultationNote.objects.filter(case__in=ids)
        .order_by()
        .values_list("case")
        .annotate(last=Max("held_on"))
    )
    for row in rows:
        row.dispatch_count, row.last_note = dispatches.get(row.pk, 0), notes.get(row.pk)
        row.waits_for = _waits_for(row)


def _waits_for(row: Any) -> str:
    if row.state == Case.State.CLOSED:
        return ""
    if row.consent_at is None:
        return "支援先の同意"
    return "進んでいる派遣の完了" if row.is_under_way else "派遣の申請"


def topics_of(user: User, institution: Institution) -> list[tuple[str, str]]:
    """The topics that the institution's cases have, also those no longer on the list. One query."""
    names = (
        Case.objects.visible_to(user)
        .filter(institution=institution)
        .order_by("topic")
        .values_list("topic", flat=True)
        .distinct()
    )
    return [(name, name) for name in names]


def openers_of(user: User, institution: Institution) -> list[tuple[int, str]]:
    """Who has opened cases of the institution, for the filter. One query."""
    people = User.objects.filter(
        pk__in=Case.objects.visible_to(user).filter(institution=institution).values("created_by")
    )
    return [(one.pk, one.get_full_name()) for one in people.order_by("last_name", "first_name", "pk")]


def dispatches_of(case: Case, user: User) -> list[tuple[Dispatch, list[Waiting]]]:
    """The dispatches of a case, the latest plan first, each with whom it waits for. One query."""
    rows = (
        Dispatch.objects.visible_to(user)
        .filter(application__case=case)
        .select_related("expert", "company", "institution")
        .order_by("-planned_from", "number")
    )
    return [(row, waiting_of(row)) for row in with_waiting(rows)]


def notes_of(case: Case, user: User) -> QuerySet[ConsultationNote]:
    """The log of a case, newest first."""
    return (
        ConsultationNote.objects.visible_to(user)
        .filter(case=case)
        .select_related("written_by")
        .order_by("-held_on", "-pk")
    )
