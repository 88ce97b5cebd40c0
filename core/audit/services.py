"""Recording what was looked at: who saw, downloaded or exported which rows, when, from where and why."""

from collections.abc import Iterable

from django.db.models import Model

from core.errors import DomainError

from .acting import Actor, client_address, request_id
from .models import Access
from .naming import code_of

# Looking in full at these needs a reason in words (security.md R-035).
_NEEDS_REASON = frozenset({Access.What.BANK, Access.What.EXPORT})


def record_view(
    *,
    actor: Actor,
    what: str,
    object: Model | type[Model] | Iterable[Model],
    reason: str = "",
    fields: Iterable[str] = (),
    row_count: int | None = None,
    ids: Iterable[int] = (),
    label: str = "",
) -> Access | None:
    """Records one look (Access.What): before what is looked at goes out, in the same transaction where there is one.

    `object` is a row, the rows of a page (all of one table), or the table when `ids` names the rows of an export.
    `row_count` is the number of rows that go out, where it isn't the number of named rows. Answers None for no rows.
    Refuses a bank account or an export without a reason. What can't be recorded must not be shown: errors go through.
    """
    if what in _NEEDS_REASON and not reason.strip():
        raise DomainError("閲覧・出力の理由を入力してください。")
    if isinstance(object, Model):
        model, named, rows = type(object), label or code_of(object), [object.pk]
    elif isinstance(object, type):
        model, named, rows = object, label, list(ids)
    else:
        seen = list(object)
        if not seen:
            return None
        model, named, rows = type(seen[0]), label, [row.pk for row in seen]
    return Access.objects.create(
        actor_id=actor.pk,
        actor_name=actor.get_full_name(),
        what=what,
        table=model._meta.db_table,
        row_ids=rows,
        label=named,
        reason=reason.strip(),
        fields=list(fields),
        row_count=len(rows) if row_count is None else row_count,
        request_id=request_id.get(),
        address=client_address.get(),
    )


def record_page(*, actor: Actor, rows: Model | Iterable[Model], fields: Iterable[str] = ()) -> Access | None:
    """Records that a page showed these rows of personal data to a person: one line a page, however many rows."""
    return record_view(actor=actor, what=Access.What.VIEW, object=rows, fields=fields)
