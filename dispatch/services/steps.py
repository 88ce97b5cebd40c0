"""What every act on a dispatch shares: who may, the locked row, the step, and whether somebody was faster."""

import datetime as dt
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db import connection, models

from accounts.rights import require
from core import clock
from core.audit.acting import Actor, System
from core.audit.models import Change
from core.database.rows import Rows
from core.errors import DomainError
from experts.models import Expert
from institutions.models import Institution

from ..after_change import changed
from ..models import Company, Dispatch, Status
from ..transitions import TRANSITIONS, sources_of

if TYPE_CHECKING:
    from accounts.models import User

Row = TypeVar("Row", bound=models.Model)
# What an edit's message never names: bookkeeping of the row itself.
_BOOKKEEPING = frozenset({"updated_at", "created_at"})


@dataclass(frozen=True, slots=True)
class FieldChange:
    """What somebody else changed meanwhile: the field as people call it, before and after."""

    field: str
    before: str
    after: str
    by: str
    at: dt.datetime


class StaleEdit(DomainError):
    """Somebody changed the record after it was opened here."""

    def __init__(self, changes: list[FieldChange]) -> None:
        self.changes = changes
        named = "、".join(f"{change.field}（{change.by or 'システム'}）" for change in changes[:5])
        super().__init__(
            f"この記録は、開いた後にほかの人が変更しました: {named or '内容'}。"
            "入力した内容は残っています。最新の内容を確認して、もう一度送信してください。",
            code="stale",
        )


def edit_token(row: models.Model) -> str:
    """Which version of a row a form was filled from."""
    moment: dt.datetime = row.updated_at  # type: ignore[attr-defined]
    return moment.astimezone(dt.UTC).isoformat()


def refuse_stale(row: models.Model, token: str) -> None:
    """Raises StaleEdit when the (locked) row is no longer the one the token was made of; "" asks for nothing."""
    if not token or token == edit_token(row):
        return
    try:
        seen = dt.datetime.fromisoformat(token)
    except ValueError:
        raise DomainError("画面の情報が古くなっています。開き直してください。", code="stale") from None
    raise StaleEdit(changes_since(row, seen))


def changes_since(row: models.Model, seen: dt.datetime) -> list[FieldChange]:
    """Who changed which field of a row since that version, from the history."""
    meta = row._meta
    found = []
    history = Change.objects.filter(table=meta.db_table, row_id=row.pk, operation=Change.Operation.UPDATE)
    for change in history.order_by("id"):
        old, new = change.old or {}, change.new or {}
        after = dt.datetime.fromisoformat(new["updated_at"]) if new.get("updated_at") else None
        if after is None or after <= seen:
            continue
        for name in old:
            if name not in _BOOKKEEPING and old[name] != new.get(name):
                found.append(
                    FieldChange(
                        _label(meta.model, name),
                        _text(old[name]),
                        _text(new.get(name)),
                        change.actor_name,
                        change.at,
                    )
                )
    return found


def _label(model: type[models.Model], column: str) -> str:
    try:
        return str(model._meta.get_field(column.removesuffix("_id")).verbose_name)  # type: ignore[union-attr]
    except FieldDoesNotExist:
        return column


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "有" if value else "無"
    return "" if value is None else str(value)


def allow(actor: Actor, act: str) -> None:
    """Raises NotAllowed when a person lacks the right; the system itself has every one."""
    if not isinstance(actor, System):
        require(actor, act)  # type: ignore[arg-type]


def somebody(actor: Actor) -> "User":
    """The actor for a column that must name a person; refuses the system."""
    user = person(actor)
    if user is None:
        raise DomainError("この操作は、人が行う必要があります。")
    return user


def person(actor: Actor) -> "User | None":
    """The actor for a column that names a person; None for the system."""
    return None if isinstance(actor, System) else actor  # type: ignore[return-value]


def locked(dispatch: Dispatch, actor: Actor, act: str, edit_token: str = "") -> Dispatch:
    """The dispatch as it is now, locked until the end of the transaction; only for those who may act on it.

    Raises NotAllowed without the right, Dispatch.DoesNotExist for a record of others, StaleEdit after another's edit.
    """
    allow(actor, act)
    wait_for_approval()
    row = locked_with_people(dispatch.pk)
    if row is None:
        raise Dispatch.DoesNotExist
    if not isinstance(actor, System) and not Dispatch.objects.visible_to(actor).filter(pk=row.pk).exists():  # type: ignore[arg-type]
        raise Dispatch.DoesNotExist
    refuse_stale(row, edit_token)
    changed(row)
    return row


def locked_with_people(pk: int) -> Dispatch | None:
    """A dispatch with its institution, expert, expert's login and client, its row locked until the transaction ends.

    One statement whose text is always the same: every act and every check-out reads this.
    """
    statement, parts = _locking()
    with connection.cursor() as cursor:
        cursor.execute(statement, [pk])
        values = cursor.fetchone()
    if values is None:
        return None
    found: list[Any] = []
    start = 0
    for rows in parts:
        part, start = values[start : start + len(rows)], start + len(rows)
        found.append(rows.record(part) if part[0] is not None else None)
    row, institution, company, expert, user = found
    row.institution, row.company, row.expert, row.expert.user = institution, company, expert, user
    return cast(Dispatch, row)


@cache
def _locking() -> tuple[str, tuple[Rows[Any], ...]]:
    """The statement, and the models whose columns it answers: d, i, c, e, u."""
    user = get_user_model()
    parts = tuple(Rows(model) for model in (Dispatch, Institution, Company, Expert, user))
    columns = ", ".join(rows.columns(alias) for rows, alias in zip(parts, "diceu", strict=True))
    statement = (
        f"SELECT {columns} FROM {Dispatch._meta.db_table} d"  # noqa: S608 names of our own columns
        f" JOIN {Institution._meta.db_table} i ON i.id = d.institution_id"
        f" JOIN {Company._meta.db_table} c ON c.id = d.company_id"
        f" JOIN {Expert._meta.db_table} e ON e.id = d.expert_id"
        f" LEFT JOIN {user._meta.db_table} u ON u.id = e.user_id"
        " WHERE d.id = %s FOR UPDATE OF d"
    )
    return statement, parts


def wait_for_approval() -> None:
    """Waits, before any row is locked, for an approval of a run that is under way.

    A statement on the table takes the triggers' own lock (payments/migrations/0004); taken after a row's it could
    make a deadlock with the approval, which wants both the other way round.
    """
    with connection.cursor() as cursor:
        cursor.execute("UPDATE dispatch_dispatch SET updated_at = updated_at WHERE false")


def require_status(row: Dispatch, allowed: tuple[str, ...], doing: str) -> None:
    """Refuses an act that isn't for a dispatch standing there."""
    if row.status not in allowed:
        wanted = "・".join(Status(status).label for status in allowed)
        raise DomainError(
            f"派遣 {row.number} は「{row.get_status_display()}」のため、{doing}できません。"
            f"{doing}できるのは「{wanted}」のときです。",
            code="status",
        )


def require_reason(reason: str, what: str) -> str:
    """The reason without blanks around it; refuses an empty one."""
    if not reason.strip():
        raise DomainError(f"{what}を入れてください。", code="reason")
    return reason.strip()


def step(row: Dispatch, action: str, doing: str, *, target: str = "", **values: Any) -> Dispatch:
    """Takes a locked dispatch one step of the transition table further and sets what comes with it.

    Inside `acting`, whose reason the database writes into the history of the status.
    """
    require_status(row, sources_of(action), doing)
    steps = [
        known
        for known in TRANSITIONS
        if known.source == row.status and known.action == action and target in ("", known.target)
    ]
    if len(steps) != 1:
        raise ValueError(f"{action} from {row.status} leads to {len(steps)} states")
    row.status, row.status_since = steps[0].target, clock.now()
    for name, value in values.items():
        setattr(row, name, value)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.transition', %s, true)", [action])
        row.save(update_fields=["status", "status_since", "updated_at", *values])
        cursor.execute("SELECT set_config('app.transition', '', true)")
    return row


def change(row: Row, **values: Any) -> Row:
    """Sets and saves some fields of a locked row."""
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=[*values, "updated_at"])
    return row


def this_minute() -> dt.datetime:
    """Now, to the minute: what reports, attestations and approvals are recorded with (rules.md)."""
    return clock.now().replace(second=0, microsecond=0)
