"""What a role may do, asked by services, screens, admin and tests alike (design.md §8).

One matrix as data: permissions.csv says for each table, group of fields and act what each role may; field_groups.csv
says which fields a group has. Whoever isn't named may not. Which records "own" means, `visible_to` of each table says.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from django.apps import apps
from django.db.models import Model

from core.errors import NotAllowed

if TYPE_CHECKING:
    from .models import User

FOLDER = Path(__file__).resolve().parent
MATRIX = FOLDER / "permissions.csv"
FIELD_GROUPS = FOLDER / "field_groups.csv"
# The acts that every table knows; all others are named acts, each with its own words.
GENERAL = {"read": "閲覧", "create": "登録", "change": "変更", "delete": "削除"}
# The group that every table has: what no other group holds.
BASIC = "basic"

Table = str | type[Model] | Model


class Reach(StrEnum):
    """How far a right goes. The value stands in the matrix."""

    NONE = ""
    OWN = "own"
    ALL = "all"
    # readable with all but the last digits covered
    MASKED = "masked"


class Answer(NamedTuple):
    """Whether it is allowed and, when it is not, why not."""

    allowed: bool
    reason: str = ""


YES = Answer(True)


@dataclass(frozen=True, slots=True)
class Right:
    """One row of the matrix."""

    table: str
    fields: str
    act: str
    roles: dict[str, Reach]
    title: str
    refusal: str

    def of(self, role: str) -> Reach:
        """How far the right of a role goes."""
        return self.roles.get(role, Reach.NONE)


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Fields of a table that are seen or not seen together."""

    table: str
    name: str
    title: str
    fields: tuple[str, ...]


@cache
def rights() -> dict[tuple[str, str, str], Right]:
    """The matrix: (table, fields, act) → right."""
    with MATRIX.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    known = ("table", "fields", "act", "title", "refusal")
    found: dict[tuple[str, str, str], Right] = {}
    for row in rows:
        reaches = {name: Reach(cell) for name, cell in row.items() if name not in known}
        right = Right(row["table"], row["fields"], row["act"], reaches, row["title"], row["refusal"])
        key = (right.table, right.fields, right.act)
        if key in found:
            raise ValueError(f"{MATRIX.name}: {key} stands there twice")
        found[key] = right
    return found


@cache
def named_acts() -> dict[str, Right]:
    """The acts with a name of their own, by name."""
    return {right.act: right for right in rights().values() if right.act not in GENERAL}


@cache
def field_groups() -> dict[str, tuple[FieldGroup, ...]]:
    """The groups of each table that has more than the basic one."""
    found: dict[str, tuple[FieldGroup, ...]] = {}
    with FIELD_GROUPS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            group = FieldGroup(row["table"], row["group"], row["title"], tuple(row["fields"].split()))
            found[group.table] = (*found.get(group.table, ()), group)
    return found


def label_of(table: Table) -> str:
    """A table's name in the matrix: app.model in small letters."""
    return table.lower() if isinstance(table, str) else table._meta.label_lower


def reach(user: "User", act: str, table: Table = "", fields: str = BASIC) -> Reach:
    """How far a person's right goes: nowhere, to own records, to all, or to all but masked.

    `act` is a named act, or read, create, change, delete with a table. KeyError for an act nobody defined.
    """
    if act in GENERAL:
        right = rights().get((label_of(table), fields, act))
        if right is None:
            return Reach.NONE
    else:
        right = named_acts()[act]
    return right.of(user.role) if user.is_active else Reach.NONE


def may(user: "User", act: str, table: Table = "", fields: str = BASIC) -> Answer:
    """Whether the person may do this act (on that table, to those fields), with the reason when not."""
    if reach(user, act, table, fields) is not Reach.NONE:
        return YES
    return Answer(False, _refusal(user, act, table, fields))


def require(user: "User", act: str, table: Table = "", fields: str = BASIC) -> None:
    """Raises NotAllowed with the reason when the person may not do this act."""
    allowed, reason = may(user, act, table, fields)
    if not allowed:
        raise NotAllowed(reason)


def hidden_fields(user: "User", table: Table) -> frozenset[str]:
    """The fields of a table that the person must not see at all."""
    return frozenset(_fields_where(user, table, Reach.NONE))


def masked_fields(user: "User", table: Table) -> frozenset[str]:
    """The fields of a table of which the person sees the last digits only; in full by `view_bank_account`."""
    return frozenset(_fields_where(user, table, Reach.MASKED))


def _fields_where(user: "User", table: Table, wanted: Reach) -> Iterator[str]:
    label = label_of(table)
    for group in field_groups().get(label, ()):
        if reach(user, "read", label, group.name) is wanted:
            yield from group.fields


def readable_tables(user: "User") -> frozenset[str]:
    """The database tables of which the person may read every record; the history shows these and no others."""
    return frozenset(
        apps.get_model(right.table)._meta.db_table
        for right in rights().values()
        if right.act == "read" and right.fields == BASIC and reach(user, "read", right.table) is Reach.ALL
    )


def who_may(right: Right) -> list[str]:
    """The roles that have a right, as people call them."""
    from .models import Role

    return [role.label for role in Role if right.of(role) is not Reach.NONE]


def title_of(right: Right) -> str:
    """What a right is called: 専門家（振込口座）の閲覧, or a named act's own words."""
    if right.title:
        return right.title
    name = str(apps.get_model(right.table)._meta.verbose_name)
    for group in field_groups().get(right.table, ()):
        if group.name == right.fields:
            name = f"{name}（{group.title}）"
    return f"{name}の{GENERAL[right.act]}"


def _refusal(user: "User", act: str, table: Table, fields: str) -> str:
    if not user.is_active:
        return "この利用者は停止されています。事務局の管理者へお問い合わせください。"
    right = rights().get((label_of(table), fields, act)) if act in GENERAL else named_acts()[act]
    if right is not None and right.refusal:
        return right.refusal
    if right is None or not who_may(right):
        return "この操作は、どの役割でもできません。必要な場合は事務局の管理者へお問い合わせください。"
    return f"{title_of(right)}ができるのは、{'、'.join(who_may(right))}です。"
