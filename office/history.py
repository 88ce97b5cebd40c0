"""What the history's screens ask and show: the question from the address, rows in words."""

import csv
import datetime as dt
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TextIO

from django import forms
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from accounts.rights import hidden_fields, masked_fields, readable_tables
from core import clock
from core.audit.incident import Touched, reach
from core.audit.models import Access, Change, Seal
from core.audit.naming import (
    Codes,
    Shown,
    code_field,
    columns_of,
    foreign_rows,
    models_by_table,
    table_name,
)  # fmt: skip
from core.audit.protection import recorded_tables
from core.audit.searching import Criteria, Key, find_object
from core.errors import DomainError
from core.exchange.cells import escape_text
from core.jobs.models import Job

from .history_words import ACTIONS

SYSTEM_NAMES = frozenset({"システム", "system"})
# Of an insert or delete so many columns stand in the table itself, the rest behind a click.
SHORT = 4
REACH_COLUMNS = ("表", "対象", "変更", "閲覧", "出力", "最初", "最後")


class HistoryForm(forms.Form):
    """The question. Everything is optional; what can't be understood is said beside its field."""

    person = forms.CharField(label="利用者", required=False, max_length=150)
    table = forms.ChoiceField(label="表", required=False)
    code = forms.CharField(label="コード・番号", required=False, max_length=100)
    since = forms.DateTimeField(
        label="いつから", required=False, input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"]
    )
    until = forms.DateTimeField(
        label="いつまで", required=False, input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"]
    )
    address = forms.CharField(label="接続元", required=False, max_length=45)
    request_id = forms.CharField(label="リクエストID", required=False, max_length=32)

    def __init__(self, *args: Any, tables: frozenset[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tables = tables
        self.fields["table"].choices = [("", "すべて"), *table_choices(self.tables)]  # type: ignore[attr-defined]

    def clean_address(self) -> str:
        """An IP address in its shortest form."""
        text = self.cleaned_data["address"].strip()
        try:
            return str(ipaddress.ip_address(text)) if text else ""
        except ValueError:
            raise forms.ValidationError(
                "接続元は 192.0.2.1 のような IP アドレスで入力してください。"
            ) from None

    def clean_until(self) -> dt.datetime | None:
        """The end, exclusive; a day alone is meant with all its hours."""
        until: dt.datetime | None = self.cleaned_data["until"]
        day_only = len(str(self.data.get("until", "")).strip()) <= 10
        try:
            return until + dt.timedelta(days=1) if until and day_only else until
        except OverflowError:
            return until

    def criteria(self) -> Criteria:
        """The question as asked. Raises DomainError when person or code are not known."""
        data = self.cleaned_data
        tables = [data["table"]] if data["table"] else self.tables
        person, by_system = data["person"].strip(), False
        actors: list[int] | None = None
        if person in SYSTEM_NAMES:
            by_system = True
        elif person:
            actors = people_called(person)
        objects = None
        if code := data["code"].strip():
            objects = objects_called(code, tables)
            tables = self.tables
        return Criteria(
            tables=tables,
            actors=actors,
            by_system=by_system,
            objects=objects,
            since=data["since"],
            until=data["until"],
            address=data["address"],
            request_id=data["request_id"].strip(),
        )


def changed_tables(user: User) -> frozenset[str]:
    """The tables whose changes the person may read: recorded ones of which they may read every record."""
    return readable_tables(user) & frozenset(recorded_tables())


def table_choices(tables: Iterable[str]) -> list[tuple[str, str]]:
    """Tables with their Japanese names, by name."""
    return sorted(((table, table_name(table)) for table in tables), key=lambda choice: choice[1])


def people_called(words: str) -> list[int]:
    """The users with this sign-in name, else those whose name holds the words. DomainError when there are none."""
    exact = list(User.objects.filter(username=words).values_list("pk", flat=True))
    if exact:
        return exact
    whole = Q(last_name__icontains=words) | Q(first_name__icontains=words)
    if " " in words or "　" in words:
        parts = words.replace("　", " ").split()
        whole |= Q(last_name__icontains=parts[0], first_name__icontains=parts[-1]) | Q(
            last_name=" ".join(parts)
        )
    found = list(User.objects.filter(whole).order_by("pk").values_list("pk", flat=True)[:200])
    if not found:
        raise DomainError(f"利用者「{words}」が見つかりません。利用者名か氏名で指定してください。")
    return found


def objects_called(code: str, tables: Iterable[str]) -> list[tuple[str, int]]:
    """The rows of these tables with this code. DomainError when there are none."""
    models = models_by_table()
    found = [row for table in tables if table in models for row in find_object(models[table], code)]
    if not found:
        raise DomainError(f"コード・番号「{code}」の記録が見つかりません。表とコードをお確かめください。")
    return found


@dataclass(frozen=True)
class Line:
    """One column of a change in words."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Entry:
    """One change in words."""

    change: Change
    table: str
    code: str
    lines: list[Line]
    more: list[Line]

    @property
    def who(self) -> str:
        """The person, or the system."""
        return self.change.actor_name or "システム"

    @property
    def act(self) -> str:
        """What was done, in words."""
        return ACTIONS.get(self.change.action, self.change.action)


def entries(changes: list[Change], user: User) -> list[Entry]:
    """Changes in words, with the columns the reader may see. A fixed number of queries per table."""
    codes = Codes(foreign_rows(changes))
    models = models_by_table()
    views: dict[str, Shown] = {}
    shown = []
    for change in changes:
        model = models.get(change.table)
        if change.table not in views:
            hidden = hidden_fields(user, model) if model else frozenset()
            masked = masked_fields(user, model) if model else frozenset()
            views[change.table] = Shown(change.table, codes, hidden, masked)
        view = views[change.table]
        lines = [
            Line(view.name(column), view.value(column, change.old), view.value(column, change.new))
            for column in columns_of(change)
        ]
        if change.operation == Change.Operation.UPDATE:
            short, more = lines, []
        else:
            short, more = lines[:SHORT], lines[SHORT:]
        shown.append(Entry(change, table_name(change.table), _code(change, codes), short, more))
    return shown


def _code(change: Change, codes: Codes) -> str:
    """The row's code as the history itself has it, else as the table has it now, else its dispatch's."""
    model = models_by_table().get(change.table)
    row = change.new or change.old or {}
    column = code_field(model) if model else None
    if column is not None and row.get(column.column):
        return str(row[column.column])
    if known := codes.get(change.table, change.row_id):
        return known
    if isinstance(dispatch := row.get("dispatch_id"), int):
        return codes.get("dispatch_dispatch", dispatch)
    return f"ID {change.row_id}"


def looks(rows: list[Access]) -> list[dict[str, Any]]:
    """Accesses in words: what was looked at by code, at most three named."""
    codes = Codes((row.table, pk) for row in rows for pk in row.row_ids[:3])
    shown = []
    for row in rows:
        model = models_by_table().get(row.table)
        names = {field.column: str(field.verbose_name) for field in model._meta.fields} if model else {}
        named = row.label or "、".join(codes.get(row.table, pk) or f"ID {pk}" for pk in row.row_ids[:3])
        if not row.label and len(row.row_ids) > 3:
            named += " ほか"
        shown.append(
            {
                "row": row,
                "who": row.actor_name or "システム",
                "table": table_name(row.table) if row.table else "",
                "named": named,
                "fields": "、".join(names.get(field, field) for field in row.fields),
            }
        )
    return shown


def key_of(text: str) -> Key | None:
    """The key a page goes on from, as it stands in the address: 1700000000000000-123. None for anything else."""
    micro, _, pk = text.partition("-")
    if not (micro.isascii() and micro.isdigit() and pk.isascii() and pk.isdigit() and len(text) < 40):
        return None
    try:
        at = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=int(micro))
    except OverflowError:
        return None
    return at, min(int(pk), 2**63 - 1)


def key_text(key: Key | None) -> str:
    """A key as it stands in the address."""
    if key is None:
        return ""
    at, pk = key
    return f"{(at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)}-{pk}"


def seal_status() -> dict[str, Any]:
    """How the chain stands: the last seal, and the last nightly check."""
    last = Seal.objects.order_by("-number").defer("entries").first()
    return {
        "seal": last,
        "late": last is None or last.sealed_at < timezone.now() - dt.timedelta(days=1),
        "check": Job.objects.filter(kind="verify_audit").order_by("-pk").first(),
    }


def write_reach(file: TextIO, criteria: Criteria) -> int:
    """The records an incident touched as CSV; answers how many."""
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(REACH_COLUMNS)
    count = 0
    for touched in reach(criteria):
        writer.writerow(reach_row(touched))
        count += 1
    return count


def reach_row(touched: Touched) -> list[str | int]:
    """One record as a row of the CSV, safe for spreadsheets."""
    return [
        escape_text(touched.table_name),
        escape_text(touched.code or f"ID {touched.row_id}"),
        touched.changed,
        touched.seen,
        touched.taken,
        f"{clock.jst(touched.first):%Y-%m-%d %H:%M:%S}",
        f"{clock.jst(touched.last):%Y-%m-%d %H:%M:%S}",
    ]
