"""What the lists of all surfaces share: pages, sorting, searching."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import F, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

PER_PAGE = 50

Row = TypeVar("Row", bound=Model)


class CountedPaginator(Paginator):  # type: ignore[type-arg]  # no type arguments at run time
    """Pages of rows that were counted beforehand. `many`: there are more than were counted."""

    def __init__(self, rows: QuerySet[Any, Any] | list[Any], per_page: int, count: int, many: bool) -> None:
        super().__init__(rows, per_page)
        self._counted, self.many = count, many

    @cached_property
    def count(self) -> int:
        """How many rows the pages go through."""
        return self._counted


def page_of(
    request: HttpRequest,
    rows: QuerySet[Any, Any] | list[Any],
    per_page: int = PER_PAGE,
    *,
    counted: QuerySet[Any, Any] | None = None,
    most: int = 0,
) -> Page[Any]:
    """The page the address asks for; a wrong number gives the nearest page, never an error.

    `counted` are the same rows without what is computed for each, where counting would compute it. Beyond `most` rows
    nothing is counted and nobody pages: whoever looks for one of so many says more about it.
    """
    asked = request.GET.get("page")
    if counted is not None:
        return CountedPaginator(rows, per_page, counted.count(), False).get_page(asked)
    if most and isinstance(rows, QuerySet):
        count = rows.order_by()[: most + 1].count()
        return CountedPaginator(rows, per_page, min(count, most), count > most).get_page(asked)
    return Paginator(rows, per_page).get_page(asked)


def sorted_by(
    request: HttpRequest, rows: QuerySet[Row], columns: Mapping[str, str], default: tuple[str, ...]
) -> QuerySet[Row]:
    """Sorts by ?sort=name or ?sort=-name where the name is one of `columns`; ties by the default order."""
    asked = request.GET.get("sort", "")
    column = columns.get(asked.removeprefix("-"))
    if column is None:
        return rows.order_by(*default)
    first = F(column).desc(nulls_last=True) if asked.startswith("-") else F(column).asc(nulls_last=True)
    return rows.order_by(first, *default)


def containing(words: str, *columns: str) -> Q:
    """Rows in which every word stands somewhere in one of the columns."""
    condition = Q()
    for word in words.split():
        anywhere = Q()
        for column in columns:
            anywhere |= Q(**{f"{column}__icontains": word})
        condition &= anywhere
    return condition
