"""The report's page as one thing: what was typed, its forms, its errors, and what the service takes of it."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.forms import BoundField

from accounts.models import User
from core import clock
from core.exchange.registry import table_of
from core.programme.selectors import RuleBook, code_items
from dispatch.models import Dispatch, Status, StatusChange, TravelLine
from dispatch.services import ClaimLine, FieldErrors, LineErrors, ReportData
from rules import codes
from rules.ruleset import RuleSet

from .forms.report import FIELD_OF, ReportForm
from .forms.travel import LineForm
from .report_entry import Entry
from .selectors import own_dispatches

FORM = "report"
# what stands beside the pictures: the proof comes another way
BY_POST = ("receipt", "stub")
OPEN = (Status.CONFIRMED, Status.VISITED)
# how near another visit has to be for one trip with this one
_TRIP_DAYS = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of the summary of errors: the field's id and label, and what is wrong."""

    field: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Returned:
    """Why the institution or the office gave the report back, and which parts of the page it is about."""

    change: StatusChange
    reasons: tuple[str, ...]

    def about(self, section: str) -> list[str]:
        """The reasons that name this part."""
        return [reason for reason in self.reasons if any(word in reason for word in _WORDS[section])]


_WORDS = {
    "times": ("時刻", "時間", "日時", "開始", "終了", "休憩"),
    "report": ("報告", "支援内容", "内容", "記載", "課題"),
    "travel": ("旅費", "領収", "半券", "経路", "運賃", "距離", "交通", "宿泊", "請求"),
}


def is_open(dispatch: Dispatch) -> bool:
    """Whether the report can be written: from the planned beginning of the visit until it is handed in."""
    return dispatch.status in OPEN and dispatch.planned_from <= clock.now()


def rules_of(dispatch: Dispatch) -> RuleSet | None:
    """The rule set that says what the visit's travel is worth."""
    book = RuleBook()
    day = clock.jst(dispatch.visited_from or dispatch.planned_from).date()
    return book(day) or book.newest()


def returned(dispatch: Dispatch) -> Returned | None:
    """The last return, if the report stands returned."""
    if dispatch.status != Status.VISITED:
        return None
    last = dispatch.status_changes.order_by("-id").first()
    if last is None or last.action != "return":
        return None
    return Returned(last, _reasons(last))


def _reasons(change: StatusChange) -> tuple[str, ...]:
    """The ready-made reasons of a return, then what was written freely, as `return_dispatch` joined them."""
    known = code_items("return_reason", clock.jst(change.at).date())
    found, rest = [], change.reason
    while ready := next((one for one in known if rest == one or rest.startswith(f"{one}、")), None):
        found.append(ready)
        rest = rest[len(ready) :].removeprefix("、")
    return (*found, rest) if rest else tuple(found)


def near_visits(dispatch: Dispatch, user: User) -> list[Dispatch]:
    """Other visits of this expert around this one, with which it can make one trip."""
    middle = dispatch.visited_from or dispatch.planned_from
    around = dt.timedelta(days=_TRIP_DAYS)
    bounds = (middle - around, middle + around)
    return list(
        own_dispatches(user)
        .filter(Q(visited_from__range=bounds) | Q(visited_from=None, planned_from__range=bounds))
        .exclude(pk=dispatch.pk)
        .exclude(status__in=(Status.CANCELLED, Status.DECLINED, Status.DRAFT, Status.APPLIED))
        .select_related("company")
        .order_by("planned_from", "number")[:10]
    )


class Page:
    """The forms of an entry. Unless `checked` they say nothing about what is wrong."""

    def __init__(
        self,
        dispatch: Dispatch,
        entry: Entry,
        *,
        checked: bool,
        attached: dict[int, set[str]] | None = None,
    ) -> None:
        self.dispatch, self.entry, self.attached = dispatch, entry, attached or {}
        rules = rules_of(dispatch)

        def given(values: dict[str, str]) -> dict[str, Any]:
            return {"data": values} if checked else {"initial": values}

        self.head = ReportForm(dispatch=dispatch, rules=rules, **given(entry.head))
        self.lines = [
            LineForm(
                number=line.number,
                kind=line.kind,
                rules=rules,
                attached=self.attached.get(line.number, ()),
                **given(line.named() if checked else line.shown()),
            )
            for line in entry.lines
        ]
        self.general: list[str] = []

    def is_valid(self) -> bool:
        """Whether everything can be handed in."""
        valid = [form.is_valid() for form in (self.head, *self.lines)]
        return all(valid)

    def report(self) -> ReportData:
        """The report as the service takes it."""
        given = self.head.cleaned_data
        return ReportData(given["report"], given["start"], given["end"], given["breaks"], given["itinerary"])

    def claim(self) -> list[ClaimLine]:
        """The claim as the service takes it."""
        return [form.claim_line() for form in self.lines]

    def refuse(self, refusal: FieldErrors | LineErrors) -> None:
        """Says beside the fields what the service refused."""
        if isinstance(refusal, FieldErrors):
            for column, why in refusal.by_field.items():
                self._add(self.head, FIELD_OF.get(column, ""), why)
            return
        names = {column.name: column.field for column in table_of(TravelLine).columns}
        for place, columns in refusal.by_line.items():
            for column, why in columns.items():
                self._add(self.lines[place], str(names.get(column) or ""), why)

    def _add(self, form: ReportForm | LineForm, name: str, why: str) -> None:
        if name in form.fields:
            form.add_error(name, why)
        else:
            self.general.append(why)

    def problems(self) -> list[Problem]:
        """Every error, for the summary at the top."""
        found = [Problem("", "", why) for why in self.general]
        for form in (self.head, *self.lines):
            if not form.is_bound:
                continue
            before = f"{form.number}行目 {form.kind} " if isinstance(form, LineForm) else ""
            for bound in form:
                found += [Problem(bound.id_for_label, before + bound.label, str(why)) for why in bound.errors]
        return found

    def rows(self) -> list[dict[str, Any]]:
        """The lines for the template."""
        return [
            {
                "form": form,
                # an identifier, no amount: without separators
                "number": str(form.number),
                "kind": form.kind,
                "fields": [bound for bound in form if not _is_check(bound)],
                "checks": [bound for bound in form if _is_check(bound) and bound.name not in BY_POST],
                "by_post": [bound for bound in form if bound.name in BY_POST],
                "hidden": [
                    (f"l{form.number}-{name}", value)
                    for name, value in (line.unshown() if line else {}).items()
                ],
            }
            for form, line in ((form, self.entry.line(form.number)) for form in self.lines)
        ]


def _is_check(bound: BoundField) -> bool:
    return bound.field.widget.input_type == "checkbox" if hasattr(bound.field.widget, "input_type") else False


def missing_ends(dispatch: Dispatch) -> list[str]:
    """Which of 開始 and 終了 no phone recorded."""
    there = {event.kind for event in dispatch.check_events.all()}
    return [kind for kind in codes.EVENT_KINDS if kind not in there]
