"""Whom a dispatch waits for, since when and until when, as its institution reads it."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, CharField, DateTimeField, F, OuterRef, Q, QuerySet, Subquery, Value, When

from core import clock
from core.notify.models import Mail
from dispatch.models import ApprovalRequest, Attestation, AttestationLink, Dispatch, Inquiry, Status
from dispatch.services.attesting import ATTESTABLE
from dispatch.transitions import PLANNED

US, EXPERT, CLIENT, OFFICE = "当機関", "専門家", "支援先", "事務局"
# A mail in one of these has not reached its client, and nobody but a person can change that.
LOST = (Mail.State.FAILED, Mail.State.UNSURE, Mail.State.CANCELLED)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who is to do what, since when (None: unknown, for loaded dispatches), and by which day (None: none set)."""

    who: str
    what: str
    since: dt.datetime | None = None
    due_on: dt.date | None = None

    @property
    def ours(self) -> bool:
        """Whether it is the institution's turn."""
        return self.who == US

    @property
    def late(self) -> bool:
        """Whether the day is past."""
        return self.due_on is not None and self.due_on < clock.today()


def with_waiting(rows: QuerySet[Dispatch]) -> QuerySet[Dispatch]:
    """Dispatches with what `waiting_of` needs to know beside their columns, in the same query."""
    asked = Inquiry.objects.filter(dispatch=OuterRef("pk"), answered_at=None)
    of_us = asked.filter(asked_of=Inquiry.AskedOf.INSTITUTION).order_by("due_on", "pk")
    of_expert = asked.filter(asked_of=Inquiry.AskedOf.EXPERT).order_by("due_on", "pk")
    requests = ApprovalRequest.objects.filter(dispatch=OuterRef("pk"))
    answers = Attestation.objects.filter(dispatch=OuterRef("pk")).order_by("-pk")
    mails = AttestationLink.objects.filter(dispatch=OuterRef("pk")).order_by("-issued_at", "-pk")
    state = Mail.objects.filter(key=OuterRef("mail_key")).values("state")[:1]
    return rows.annotate(
        asked_us_at=Subquery(of_us.values("asked_at")[:1]),
        asked_us_due=Subquery(of_us.values("due_on")[:1]),
        asked_expert_at=Subquery(of_expert.values("asked_at")[:1]),
        asked_expert_due=Subquery(of_expert.values("due_on")[:1]),
        request_at=Subquery(requests.filter(decided_at=None).order_by("asked_at").values("asked_at")[:1]),
        last_request=Subquery(requests.order_by("-asked_at", "-pk").values("approved")[:1]),
        last_request_at=Subquery(requests.order_by("-asked_at", "-pk").values("decided_at")[:1]),
        objected_at=_objected_at(answers),
        # the latest link counts: the client holds no other hope than the last one sent
        asked_client_at=Subquery(mails.values("issued_at")[:1], output_field=DateTimeField()),
        asked_client_until=Subquery(mails.values("expires_at")[:1], output_field=DateTimeField()),
        client_mail=Subquery(mails.values_list(Subquery(state))[:1], output_field=CharField()),
    )


def _objected_at(answers: QuerySet[Attestation]) -> Case:
    """When the client objected, where its latest answer is an objection."""
    latest = answers.annotate(
        at=Case(
            When(confirmed=False, then=F("answered_at")), default=Value(None), output_field=DateTimeField()
        )
    )
    return Case(
        When(attested_at=None, then=Subquery(latest.values("at")[:1])),
        default=Value(None),
        output_field=DateTimeField(),
    )


def waits_for_us() -> Q:
    """The dispatches of `with_waiting` whose next step is the institution's; agrees with `waiting_of`."""
    unproved = Q(status__in=ATTESTABLE) & Q(attested_at=None)
    unheard = Q(asked_client_at=None) | Q(client_mail__in=LOST) | Q(asked_client_until__lte=clock.now())
    # what is cheap to know stands first: the rest is looked up for few
    return (
        (Q(status=Status.REPORTED) & Q(attested_at__isnull=False))
        | Q(pk__in=_open_inquiries().values("dispatch"))
        | (unproved & (Q(objected_at__isnull=False) | unheard))
        | (Q(status__in=PLANNED) & Q(last_request=False) & Q(request_at=None))
    )


def _open_inquiries() -> QuerySet[Inquiry]:
    return Inquiry.objects.filter(answered_at=None, asked_of=Inquiry.AskedOf.INSTITUTION)


def waiting_of(row: Any) -> list[Waiting]:
    """What a dispatch of `with_waiting` waits for, our own part first."""
    found = [*_inquiries(row), *_steps(row)]
    return sorted(found, key=lambda each: not each.ours)


def _inquiries(row: Any) -> list[Waiting]:
    found = []
    if row.asked_us_at:
        found.append(Waiting(US, "事務局の照会への回答", row.asked_us_at, row.asked_us_due))
    if row.asked_expert_at:
        found.append(Waiting(EXPERT, "事務局の照会への回答", row.asked_expert_at, row.asked_expert_due))
    return found


def _steps(row: Any) -> list[Waiting]:
    since = row.status_since
    match row.status:
        case Status.APPLIED | Status.ACCEPTED | Status.CONFIRMED:
            return _planned(row)
        case Status.VISITED | Status.REPORTED:
            return _visited(row)
        case Status.APPROVED:
            return [Waiting(OFFICE, "内容の確認", since or row.approved_at)]
        case Status.VERIFIED:
            return [Waiting(OFFICE, "支払の手続き", since)]
        case Status.SCHEDULED:
            return [Waiting(OFFICE, "振込", since)]
    return []


def _planned(row: Any) -> list[Waiting]:
    found = []
    if row.request_at:
        found.append(Waiting(OFFICE, "例外承認の判断", row.request_at))
    elif row.last_request is False:
        found.append(Waiting(US, "例外承認が認められなかった派遣の変更または取消", row.last_request_at))
    if row.status == Status.APPLIED:
        found.append(Waiting(EXPERT, "承諾または辞退の回答", row.status_since or row.created_at))
    elif row.status == Status.ACCEPTED:
        found.append(Waiting(OFFICE, "受付", row.status_since))
    elif row.planned_to > clock.now():
        found.append(Waiting(EXPERT, "訪問", row.status_since))
    else:
        found.append(Waiting(EXPERT, "訪問の記録（チェックイン・アウト）", row.planned_to))
    return found


def _visited(row: Any) -> list[Waiting]:
    found = []
    if row.attested_at is None:
        found.append(_attestation(row))
    if row.status == Status.VISITED:
        found.append(Waiting(EXPERT, "支援実績報告", row.status_since or row.visited_to))
    elif row.attested_at is not None:
        moments = [moment for moment in (row.reported_at, row.attested_at) if moment]
        found.append(Waiting(US, "承認", max(moments)))
    return found


def _attestation(row: Any) -> Waiting:
    if row.objected_at:
        return Waiting(US, "「相違あり」の回答への対応", row.objected_at)
    if row.asked_client_at is None:
        return Waiting(US, "従事証明の依頼", row.visited_to)
    if row.client_mail in LOST:
        return Waiting(US, "届かなかった従事証明メールの送り直し", row.asked_client_at)
    if row.asked_client_until <= clock.now():
        return Waiting(US, "期限が切れた従事証明の依頼のやり直し", row.asked_client_until)
    return Waiting(CLIENT, "従事証明の回答", row.asked_client_at)
