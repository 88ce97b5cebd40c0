"""Offering appointments: the mails with the conditions, to all at once or to one expert, and reminders (A6).

A sending is one transaction: killed or cancelled in the middle nobody is mailed, run again everybody is, nobody twice.
"""

import datetime as dt
import secrets
from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts.models import User
from core import clock
from core.agreements.models import TextCode
from core.agreements.services import current_text
from core.audit.acting import Actor, acting
from core.errors import DomainError, FieldErrors, NotAllowed
from core.japan.calendar import fiscal_year_end, fiscal_year_start, long_date
from core.jobs.progress import Progress
from core.jobs.services import queue_job
from core.notify.bulk import Letter as MailLetter
from core.notify.bulk import open_tasks, queue_mails
from experts.models import Expert
from experts.standing import active_on, registered
from rules.dates import fiscal_year

from .models import Appointment, Round, Sending

ACT: Final = "handle_appointments"
KIND: Final = "send_appointments"
TASK: Final = "appointment"
PAGE: Final = "/expert/appointment/"
State = Appointment.State
LONGEST_MESSAGE: Final = 1000
_BATCH: Final = 500


def require_may_handle(actor: Actor) -> None:
    """Raises NotAllowed unless the person may offer appointments; the system may."""
    may = getattr(actor, "may", None)
    if may is not None and not (answer := may(ACT)).allowed:
        raise NotAllowed(answer.reason)


def task_object(year: int) -> str:
    """How tasks name the appointments of a fiscal year."""
    return f"appointment:{year}"


def years_to_open(today: dt.date | None = None) -> list[int]:
    """The fiscal years whose round may be opened for all: the current and the next one. One query."""
    year = fiscal_year(today or clock.today())
    years = [year, year + 1]
    opened = Round.objects.filter(fiscal_year__in=years).exclude(opened_at=None)
    taken = set(opened.values_list("fiscal_year", flat=True))
    return [each for each in years if each not in taken]


def active_experts(day: dt.date) -> QuerySet[Expert]:
    """Whom a round that begins on a day is for: everybody registered today and on that day."""
    return active_on(active_on(Expert.objects.all(), clock.today()), day)


def open_round(
    *, fiscal_year: int, first_day: dt.date, answer_by: dt.date, message: str, key: str, actor: User
) -> Sending:
    """Opens the round of a year and queues the conditions to every active expert. FieldErrors.

    The same `key` answers the first sending again; a round opened by somebody else meanwhile is refused.
    """
    require_may_handle(actor)
    current_text(TextCode.APPOINTMENT_TERMS)
    again = Sending.objects.filter(key=key).first()
    if again is not None:
        return again
    problems: dict[str, str] = {}
    start, end, today = fiscal_year_start(fiscal_year), fiscal_year_end(fiscal_year), clock.today()
    if fiscal_year not in years_to_open(today):
        problems["fiscal_year"] = (
            f"{fiscal_year}年度の委嘱は、既に始まっているか、時期が違います。委嘱の一覧をご確認ください。"
        )
    elif not start <= first_day <= end:
        problems["first_day"] = (
            f"委嘱期間の初日は、{long_date(start)}から{long_date(end)}までの日にしてください。"
        )
    if "fiscal_year" not in problems and not today < answer_by <= end:
        problems["answer_by"] = f"回答期限は、明日から{long_date(end)}までの日にしてください。"
    message = message.strip()
    if len(message) > LONGEST_MESSAGE:
        problems["message"] = (
            f"案内の文は{LONGEST_MESSAGE:,}文字以内にしてください（いまは{len(message):,}文字）。"
        )
    if problems:
        raise FieldErrors(problems)
    with acting(actor, "open_appointments"):
        row = _locked_round(fiscal_year, first_day)
        if row.opened_at is not None:
            # both presses of a double click wait for the same lock
            again = row.sendings.filter(key=key).first()
            if again is not None:
                return again
            raise DomainError(
                f"{row}は、別の画面で始められました。委嘱の一覧を開き直してご確認ください。", code="opened"
            )
        row.first_day, row.answer_by, row.message = first_day, answer_by, message
        row.opened_at, row.opened_by = clock.now(), actor
        row.version += 1
        row.save(update_fields=["first_day", "answer_by", "message", "opened_at", "opened_by", "version"])
        return _new_sending(row, 0, key, actor)


def offer_appointment(*, expert: Expert, actor: Actor) -> Appointment | None:
    """Offers one expert the appointment of the current fiscal year (from today), and of a later year already open.

    For approvals of registrations in mid-year. Offered already, nothing changes. Answers the current year's;
    None for an expert whose registration has ended.
    """
    require_may_handle(actor)
    today = clock.today()
    year = fiscal_year(today)
    with acting(actor, "offer_appointment"):
        rounds = [_locked_round(year, today)]
        rounds += Round.objects.filter(fiscal_year__gt=year).exclude(opened_at=None)
        offered = None
        for row in rounds:
            first_day = max(today, row.first_day)
            if not active_experts(first_day).filter(pk=expert.pk).exists():
                continue
            appointment, is_new = Appointment.objects.get_or_create(
                round=row, expert=expert, defaults={"first_day": first_day, "offered_at": clock.now()}
            )
            if is_new:
                appointment.expert = expert
                _tell(row, [appointment], 0, actor)
            if row.fiscal_year == year:
                offered = appointment
        return offered


def remind_waiting(*, round: Round, key: str, actor: User) -> Sending:
    """Queues a reminder to everybody whose answer or acceptance is waited for. The same `key` is one reminder."""
    require_may_handle(actor)
    with acting(actor, "remind_appointments"):
        row = Round.objects.select_for_update(of=("self",)).get(pk=round.pk)
        again = row.sendings.filter(key=key).first()
        if again is not None:
            return again
        if row.sendings.filter(done_at=None).exists():
            raise DomainError(
                "前の送信がまだ終わっていません。終わるまで待つか、止まっているときは「送信を再開する」を押してください。",
                code="sending",
            )
        if not waiting(row).exists():
            raise DomainError("回答・承諾を待っている人はいません。督促は要りません。", code="nobody")
        last = row.sendings.order_by("-number").values_list("number", flat=True).first() or 0
        return _new_sending(row, last + 1, key, actor)


def send_again(*, sending: Sending, actor: User) -> Sending:
    """Begins a sending anew whose job failed or was cancelled; one that runs or is done is left alone."""
    require_may_handle(actor)
    with acting(actor, KIND):
        row = (
            Sending.objects.select_for_update(of=("self",)).select_related("round", "job").get(pk=sending.pk)
        )
        if row.done_at is not None or (row.job is not None and row.job.is_open):
            return row
        return _queue(row, actor)


def waiting(round: Round) -> QuerySet[Appointment]:
    """Whose answer to the conditions or acceptance of the letter is waited for, of registered experts."""
    today = clock.today()
    return Appointment.objects.filter(round=round, state__in=(State.OFFERED, State.ISSUED)).filter(
        expert__in=Expert.objects.filter(registered(today)).values("pk")
    )


def send(*, sending: Sending, actor: User, progress: Progress) -> Sending:
    """Queues the mails of a sending, all or none. One that is done stays as it is.

    The first one also offers an appointment to everybody who has none yet.
    """
    with acting(actor, "remind_appointments" if sending.number else KIND):
        row = Sending.objects.select_for_update(of=("self",)).select_related("round").get(pk=sending.pk)
        if row.done_at is not None:
            return row
        if row.number == 0:
            _offer_to_all(row.round)
        whom = waiting(row.round) if row.number else waiting(row.round).filter(state=State.OFFERED)
        total = whom.count()
        progress.report(0, total, "メールを用意しています")
        done = 0
        for batch in _in_batches(whom):
            row.mail_count += _tell(row.round, batch, row.number, actor)
            done += len(batch)
            progress.report(done, total, "メールを用意しています")
        row.no_address_count = done - row.mail_count
        row.done_at = clock.now()
        row.save(update_fields=["mail_count", "no_address_count", "done_at"])
        return row


def _locked_round(year: int, first_day: dt.date) -> Round:
    Round.objects.bulk_create([Round(fiscal_year=year, first_day=first_day)], ignore_conflicts=True)
    return Round.objects.select_for_update(of=("self",)).get(fiscal_year=year)


def _new_sending(row: Round, number: int, key: str, actor: User) -> Sending:
    try:
        with transaction.atomic():
            sending = Sending.objects.create(
                round=row,
                number=number,
                key=key[:64] or secrets.token_urlsafe(12),
                asked_by=actor,
                asked_at=clock.now(),
            )
    except IntegrityError:
        raise DomainError(
            "この委嘱のメールは、別の画面で送られています。画面を開き直してご確認ください。", code="sending"
        ) from None
    return _queue(sending, actor)


def _queue(sending: Sending, actor: User) -> Sending:
    sending.job = queue_job(
        kind=KIND,
        title=f"{sending.round}: {sending.title}",
        arguments={"sending": sending.pk, "actor": actor.pk},
        actor=actor,
    )
    sending.save(update_fields=["job"])
    return sending


def _offer_to_all(row: Round) -> None:
    now = clock.now()
    experts = active_experts(max(clock.today(), row.first_day)).exclude(appointments__round=row)
    Appointment.objects.bulk_create(
        (
            Appointment(round=row, expert_id=pk, first_day=row.first_day, offered_at=now)
            for pk in experts.order_by("code").values_list("pk", flat=True)
        ),
        batch_size=1000,
        # somebody was approved in this very moment
        ignore_conflicts=True,
    )


def _in_batches(rows: QuerySet[Appointment]) -> Iterator[list[Appointment]]:
    found = rows.select_related("expert").defer("expert__search_text").order_by("pk")
    batch: list[Appointment] = []
    for appointment in found.iterator(chunk_size=_BATCH):
        batch.append(appointment)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _tell(row: Round, appointments: Iterable[Appointment], number: int, actor: Actor) -> int:
    """Queues the mails of some appointments and lets the matter wait on the experts' pages; answers how many mails."""
    appointments = list(appointments)
    # the conditions have one key per expert and year: whoever was mailed at the approval isn't mailed again
    mails = queue_mails(
        template="appointment_reminder" if number else "appointment_offer",
        letters=(
            MailLetter(
                each.expert.email,
                _words(row, each),
                f"appointment:{row.fiscal_year}:{number}:{each.expert.code}",
            )
            for each in appointments
        ),
        actor=actor,
    )
    for state, title in _TITLES.items():
        open_tasks(
            code=TASK,
            object=task_object(row.fiscal_year),
            title=title,
            note=str(row),
            path=PAGE,
            people=[
                each.expert.user_id
                for each in appointments
                if each.state == state and each.expert.user_id is not None
            ],
            actor=actor,
        )
    return len(mails)


_TITLES: Final = {
    State.OFFERED: "委嘱条件を確認し、同意するかをお答えください",
    State.ISSUED: "委嘱状が届いています。就任承諾書をお送りください",
}


def _words(row: Round, appointment: Appointment) -> dict[str, Any]:
    return {
        "name": appointment.expert.name,
        "year": row.fiscal_year,
        "first_day": long_date(appointment.first_day),
        "last_day": long_date(row.last_day),
        "answer_by": long_date(row.answer_by) if row.answer_by else "",
        "message": row.message,
        "issued": appointment.state == State.ISSUED,
        "page": PAGE,
    }
