"""The expert's report and travel claim in one flow (C9), and forms not sent yet."""

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction

from core.audit.acting import Actor, acting
from core.errors import DomainError, FieldErrors
from core.exchange.cells import BadCell, Text
from core.exchange.registry import table_of

from ..models import Dispatch, Draft, Status, TravelLine
from . import telling
from .attesting import ask_institution_to_approve
from .cases import read_cells
from .steps import change, locked, refuse_stale, require_status, step, this_minute
from .visits import set_times

if TYPE_CHECKING:
    from accounts.models import User

MOST_LINES = 200
_LARGEST_DRAFT = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimLine:
    """One line of a travel claim as the expert enters it; amounts in yen, distances in km. Columns of rules.md §3.

    `number` is its 行番号, by which receipts are attached; without one a line gets its place in the list.
    """

    day: dt.date
    kind: str
    claimed: int
    origin: str = ""
    destination: str = ""
    km: Decimal | None = None
    fare: int | None = None
    express: int | None = None
    reserved: int | None = None
    roundtrip_fare: int | None = None
    ordinary_fare: int | None = None
    receipt: bool = False
    stub: bool = False
    seat: str = ""
    no_public_transport: bool = False
    fast_boat: bool = False
    parallel_route: bool = False
    lodging_kind: str = ""
    reason: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True)
class ReportData:
    """The report: what was done, when (None: as proposed from the check events), and the breaks in minutes."""

    text: str
    visited_from: dt.datetime | None = None
    visited_to: dt.datetime | None = None
    break_minutes: int = 0
    itinerary: str = ""


class StaleDraft(DomainError):
    """The draft was saved from another page meanwhile; `standing` is what was kept there."""

    def __init__(self, standing: Draft) -> None:
        self.standing = standing
        super().__init__(
            "この入力は、別の画面で保存した内容と食い違っています。どちらを残すかを選んでください。",
            code="stale_draft",
        )


class LineErrors(DomainError):
    """Lines of a claim that can't be taken: `by_line` says for each line (from 0) and column why."""

    def __init__(self, by_line: dict[int, dict[str, str]]) -> None:
        self.by_line = by_line
        super().__init__(
            " ".join(
                f"{place + 1}行目 {column}: {why}"
                for place, columns in by_line.items()
                for column, why in columns.items()
            ),
            code="lines",
        )


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "有" if value else "無"
    return "" if value is None else str(value)


def _checked(lines: Sequence[ClaimLine]) -> list[dict[str, Any]]:
    """The lines as columns of the table, read as a file's cells would be."""
    if len(lines) > MOST_LINES:
        raise DomainError(f"旅費の行は{MOST_LINES}行までです。")
    numbers = _numbers(lines)
    if len(set(numbers)) != len(numbers):
        raise DomainError("旅費の行番号が重なっています。画面を開き直して、もう一度お試しください。")
    table = table_of(TravelLine)
    column_of = {column.field: column.name for column in table.columns if column.field}
    read, bad = [], {}
    for place, line in enumerate(lines):
        values = asdict(line)
        del values["number"]
        try:
            texts = read_cells(table, {column_of[name]: _cell(value) for name, value in values.items()})
        except FieldErrors as errors:
            bad[place] = errors.by_field
            continue
        # codes and texts as the file would give them; numbers, days and yes/no are typed already
        read.append(
            {
                name: texts[column_of[name]] if isinstance(value, str) else value
                for name, value in values.items()
            }
        )
    if bad:
        raise LineErrors(bad)
    return read


def _numbers(lines: Sequence[ClaimLine]) -> list[int]:
    """The 行番号 of each line."""
    return [place if line.number is None else line.number for place, line in enumerate(lines, start=1)]


def _replace_lines(row: Dispatch, lines: Sequence[ClaimLine]) -> None:
    """The claim's lines. What the office accepted stays with a line that stays as it was."""
    checked = _checked(lines)
    names = [field.name for field in fields(ClaimLine) if field.name != "number"]
    accepted = {
        tuple(getattr(line, name) for name in names): (line.accepted_km, line.accepted_yen)
        for line in row.travel_lines.all()
    }
    row.travel_lines.all().delete()
    rows = []
    for number, values in zip(_numbers(lines), checked, strict=True):
        km, yen = accepted.get(tuple(values[name] for name in names), (None, None))
        rows.append(TravelLine(dispatch=row, line_no=number, accepted_km=km, accepted_yen=yen, **values))
    TravelLine.objects.bulk_create(rows)


def save_claim(
    *, dispatch: Dispatch, lines: Sequence[ClaimLine], actor: Actor, edit_token: str = ""
) -> Dispatch:
    """Saves the travel claim before the report is handed in; its lines replace those saved before."""
    with acting(actor, "save_claim"):
        row = locked(dispatch, actor, "write_report", edit_token)
        require_status(row, (Status.VISITED,), "旅費請求の保存")
        _replace_lines(row, lines)
        return change(row)


def submit_report(
    *,
    dispatch: Dispatch,
    report: ReportData,
    lines: Sequence[ClaimLine],
    actor: Actor,
    edit_token: str = "",
    preflight: Callable[[Dispatch], None] | None = None,
) -> Dispatch:
    """Hands in report and claim. `preflight` looks at the dispatch as it will stand and may refuse (DomainError).

    Times that differ from what the client confirmed ask the client anew.
    """
    if not report.text.strip():
        raise FieldErrors({"支援内容": "支援内容を入れてください。"})
    try:
        Text().reader(required=True)(report.text)
    except BadCell as why:
        raise FieldErrors({"支援内容": str(why)}) from None
    with acting(actor, "submit_report"):
        row = locked(dispatch, actor, "write_report")
        refuse_stale(row, edit_token)
        require_status(row, (Status.CONFIRMED, Status.VISITED), "報告")
        start, end = report.visited_from or row.visited_from, report.visited_to or row.visited_to
        if start is None or end is None:
            raise FieldErrors({"実施開始": "支援の開始と終了の時刻を入れてください。"})
        set_times(row, start, end, report.break_minutes, actor)
        _replace_lines(row, lines)
        step(
            row,
            "report",
            "報告",
            report=report.text.strip(),
            reported_at=this_minute(),
            itinerary=report.itinerary.strip()[:64],
        )
        if preflight is not None:
            preflight(row)
        if actor.pk is not None:
            Draft.objects.filter(person_id=actor.pk, form="report", object=row.number).delete()
        telling.settle(row, actor, telling.REPORT)
        if row.attested_at is not None:
            ask_institution_to_approve(row, actor)
        return row


def draft_token(draft: Draft | None) -> str:
    """Which version of a draft a form was filled from; "" for none."""
    return draft.saved_at.astimezone(dt.UTC).isoformat() if draft is not None else ""


def save_draft(
    *,
    person: "User",
    form: str,
    object: str,
    values: dict[str, Any],
    seen: str | None = None,
    page: str = "",
) -> Draft:
    """Keeps what a person has typed so far; the latest words count.

    With `seen` (from `draft_token`) another version than the one the form was filled from is not written over:
    StaleDraft. `page` names the opened page, which may always write over what it saved itself.
    """
    values = {**values, "page": page} if page else values
    if len(json.dumps(values, ensure_ascii=False)) > _LARGEST_DRAFT:
        raise DomainError("入力途中の内容が大きすぎるため、保存できません。文章を短くしてください。")
    with transaction.atomic():
        draft, created = Draft.objects.select_for_update().get_or_create(
            person=person, form=form, object=object, defaults={"values": values}
        )
        if created:
            return draft
        same_page = bool(page) and draft.values.get("page") == page
        if seen is not None and not same_page and seen != draft_token(draft):
            raise StaleDraft(draft)
        draft.values = values
        draft.save(update_fields=["values", "saved_at"])
        return draft


def draft_of(*, person: "User", form: str, object: str) -> Draft | None:
    """What the person had typed into this form, if it was not sent."""
    return Draft.objects.filter(person=person, form=form, object=object).first()


def discard_draft(*, person: "User", form: str, object: str) -> None:
    """Forgets what was typed."""
    Draft.objects.filter(person=person, form=form, object=object).delete()
