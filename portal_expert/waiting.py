"""Whom a dispatch waits for, and until when, as its expert reads it."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import F, OuterRef, Q, Subquery

from core import clock
from core.programme.models import DispatchTerms
from dispatch.models import Attestation, Dispatch, DispatchQuerySet, Inquiry, Status, StatusChange

YOU, INSTITUTION, CLIENT, OFFICE = "あなた", "機関", "支援先", "事務局"
ANSWER, RECORD, REPORT, RETURNED, INQUIRY, VISIT = (
    "answer",
    "record",
    "report",
    "returned",
    "inquiry",
    "visit",
)


# What report, attestation and approval settle or ask anyway; until then it is told as what is waited for.
_STILL_TO_COME = frozenset({"P01", "P02", "P03", "P04", "P05"})


def in_the_way(codes: Iterable[str], dispatch: Dispatch) -> list[str]:
    """The findings that are more than a step still to come."""
    if dispatch.approved_at is not None:
        return list(codes)
    return [code for code in codes if code not in _STILL_TO_COME]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who is to do what, by which day (None: none set); `step` names the expert's own steps."""

    who: str
    what: str
    due_on: dt.date | None = None
    step: str = ""
    note: str = ""

    @property
    def yours(self) -> bool:
        """Whether it is the expert's turn now; a visit to come is not yet."""
        return self.who == YOU and self.step != VISIT

    @property
    def late(self) -> bool:
        """Whether the day is past."""
        return self.due_on is not None and self.due_on < clock.today()


def with_waiting(rows: DispatchQuerySet) -> DispatchQuerySet:
    """Dispatches with what `waiting_of` needs to know beside their columns, in the same query."""
    of_expert = Inquiry.objects.filter(
        dispatch=OuterRef("pk"), answered_at=None, asked_of=Inquiry.AskedOf.EXPERT
    ).order_by("due_on", "pk")
    steps = StatusChange.objects.filter(dispatch=OuterRef("pk")).order_by("-pk")
    answers = Attestation.objects.filter(dispatch=OuterRef("pk")).order_by("-answered_at", "-pk")
    return rows.annotate(
        inquiry_id=Subquery(of_expert.values("pk")[:1]),
        inquiry_due=Subquery(of_expert.values("due_on")[:1]),
        last_action=Subquery(steps.values("action")[:1]),
        last_reason=Subquery(steps.values("reason")[:1]),
        confirmed_by_client=Subquery(answers.values("confirmed")[:1]),
        verdict=F("assessment__kind"),
        verdict_codes=F("assessment__codes"),
    )


def waits_for_expert() -> Q:
    """The dispatches whose next step is the expert's; agrees with `waiting_of`."""
    asked = Inquiry.objects.filter(answered_at=None, asked_of=Inquiry.AskedOf.EXPERT)
    return (
        Q(status__in=(Status.APPLIED, Status.VISITED))
        | Q(status=Status.CONFIRMED, planned_to__lte=clock.now())
        | Q(pk__in=asked.values("dispatch"))
    )


def waiting_of(row: Any, terms: DispatchTerms) -> list[Waiting]:
    """What a dispatch of `with_waiting` waits for, the expert's own part first."""
    found = []
    if row.inquiry_id is not None:
        found.append(Waiting(YOU, "事務局の照会への回答", row.inquiry_due, INQUIRY))
    match row.status:
        case Status.APPLIED:
            due = _after(row.status_since or row.created_at, terms.answer_days)
            found.append(Waiting(YOU, "承諾または辞退の回答", due, ANSWER))
        case Status.ACCEPTED:
            found.append(Waiting(OFFICE, "受付"))
        case Status.CONFIRMED if row.planned_to > clock.now():
            found.append(Waiting(YOU, "訪問", step=VISIT))
        case Status.CONFIRMED:
            found.append(Waiting(YOU, "訪問の記録と報告", step=RECORD))
        case Status.VISITED | Status.REPORTED:
            found += _visited(row, terms)
        case Status.APPROVED:
            found.append(Waiting(OFFICE, "内容の確認"))
        case Status.VERIFIED:
            found.append(Waiting(OFFICE, "支払の手続き"))
        case Status.SCHEDULED:
            found.append(Waiting(OFFICE, "振込"))
    return found


def _visited(row: Any, terms: DispatchTerms) -> list[Waiting]:
    found = []
    if row.status == Status.VISITED:
        since = max((at for at in (row.status_since, row.visited_to) if at), default=row.planned_to)
        due = _after(since, terms.report_days)
        if row.last_action == "return":
            found.append(Waiting(YOU, "差し戻された報告の直し", due, RETURNED, row.last_reason))
        else:
            found.append(Waiting(YOU, "支援実績報告と旅費請求", due, REPORT))
    if row.attested_at is None:
        if row.confirmed_by_client is False:
            found.append(Waiting(INSTITUTION, "「相違あり」の回答への対応"))
        else:
            found.append(Waiting(CLIENT, "従事証明の回答"))
    elif row.status == Status.REPORTED:
        found.append(Waiting(INSTITUTION, "承認"))
    return found


def _after(moment: dt.datetime, days: int) -> dt.date:
    return clock.jst(moment).date() + dt.timedelta(days=days)
