"""What the lists of all surfaces share: pages, sorting, searching."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import F, Model, Q, QuerySet
from django.http import HttpRequest

PER_PAGE = 50

Row = TypeVar("Row", bound=Model)


def page_of(
    request: HttpRequest, rows: QuerySet[Any, Any] | list[Any], per_page: int = PER_PAGE
) -> Page[Any]:
    """The page the address asks for; a wrong number gives the nearest page, never an error."""
    return Paginator(rows, per_page).get_page(request.GET.get("page"))


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
