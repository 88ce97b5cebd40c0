"""Which rule set is in force when."""

import datetime as dt
from collections.abc import Callable, Iterable

from django.db import connection

from core.database.rows import Rows
from rules.ruleset import RuleSet as Rules

from . import models

RulesForDay = Callable[[dt.date], Rules | None]

_TERM_ROWS = Rows(models.DispatchTerms)
_TERMS = (
    f"SELECT {_TERM_ROWS.columns('t')} FROM {models.DispatchTerms._meta.db_table} t WHERE t.valid @> %s::date"  # noqa: S608 our own names
)


def rules_of(rule_set: models.RuleSet) -> Rules:
    """The values of a stored rule set as the rules take them."""
    return Rules.from_values(rule_set.code, rule_set.values)


def dispatch_terms(day: dt.date) -> models.DispatchTerms:
    """Lead time and deadlines in force on the day; the model's own defaults where nobody wrote any."""
    with connection.cursor() as cursor:
        # several times a page and at every check-out: never two for one day
        cursor.execute(_TERMS, [day])
        values = cursor.fetchone()
    return _TERM_ROWS.record(values) if values else models.DispatchTerms(name="標準")


def code_items(list_name: str, day: dt.date) -> list[str]:
    """The values of a code list on a day, in their order."""
    return list(
        models.CodeItem.objects.filter(list=list_name, valid__contains=day)
        .order_by("position", "pk")
        .values_list("name", flat=True)
    )


def code_lists(list_names: Iterable[str], day: dt.date) -> dict[str, list[str]]:
    """The values of several code lists on a day, each in its order; a list without any isn't there. One query."""
    found: dict[str, list[str]] = {}
    rows = models.CodeItem.objects.filter(list__in=list(list_names), valid__contains=day)
    for list_name, name in rows.order_by("position", "pk").values_list("list", "name"):
        found.setdefault(list_name, []).append(name)
    return found


class RuleBook:
    """All rule sets at one moment, read once: what a calculation asks for each day."""

    def __init__(self) -> None:
        self._entries: list[tuple[dt.date | None, dt.date | None, models.RuleSet, Rules]] = [
            (stored.valid.lower, stored.valid.upper, stored, rules_of(stored))
            for stored in models.RuleSet.objects.order_by("valid")
        ]
        self._days: dict[dt.date, tuple[models.RuleSet, Rules] | None] = {}
        self.used: dict[int, models.RuleSet] = {}

    def _find(self, day: dt.date) -> tuple[models.RuleSet, Rules] | None:
        if day not in self._days:
            self._days[day] = next(
                (
                    (stored, rules)
                    for lower, upper, stored, rules in self._entries
                    if (lower is None or lower <= day) and (upper is None or day < upper)
                ),
                None,
            )
        return self._days[day]

    def newest(self) -> Rules | None:
        """The rule set of the latest days; None when there is none at all."""
        return self._entries[-1][3] if self._entries else None

    def __call__(self, day: dt.date) -> Rules | None:
        """The rule set in force on the day, or None; remembers that it was asked for (`used`)."""
        found = self._find(day)
        if found is None:
            return None
        self.used[found[0].pk] = found[0]
        return found[1]
