"""Issuing letters: for all who agreed in one job, or for one expert at once. One letter and one number per appointment.

The job commits a hundred at a time: killed or stopped, what was issued stays, and the next job goes on with the rest.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Final

from django.db.models import QuerySet

from accounts.models import User
from accounts.rights import require
from core import clock
from core.audit.acting import acting
from core.documents.fonts import missing_characters
from core.errors import DomainError, FieldErrors
from core.japan.calendar import long_date
from core.jobs.progress import Progress
from core.jobs.services import queue_job
from core.notify.bulk import Letter as MailLetter
from core.notify.bulk import open_tasks, queue_mails
from experts.models import Expert
from experts.standing import registered

from .models import Appointment, Letter, Round
from .offering import PAGE, TASK, State, task_object
from .papers import LETTER_LAYOUT, checksum, letter_pdf

ACT: Final = "issue_letters"
KIND: Final = "issue_letters"
TITLE: Final = "委嘱状が届いています。就任承諾書をお送りください"
_BATCH: Final = 100
_LONGEST: Final = 100


def issuable(round: Round) -> QuerySet[Appointment]:
    """Who agreed and has no letter yet, of registered experts."""
    return Appointment.objects.filter(round=round, state=State.AGREED).filter(
        expert__in=Expert.objects.filter(registered(clock.today())).values("pk")
    )


def queue_issue(
    *, round: Round, issued_on: dt.date, issuer_name: str, issuer_title: str, version: int, actor: User
) -> Round:
    """Queues the letters for all who agreed. FieldErrors. While a job issues them, it is that job (a second press)."""
    require(actor, ACT)
    with acting(actor, ACT):
        row = Round.objects.select_for_update(of=("self",)).get(pk=round.pk)
        if row.job is not None and row.job.is_open:
            return row
        _set_issuer(row, issued_on, issuer_name, issuer_title, version)
        if not issuable(row).exists():
            raise DomainError(
                "委嘱状を発行できる人はいません。条件に同意した人が出てから発行してください。", code="nobody"
            )
        row.job = queue_job(
            kind=KIND,
            title=f"{row}: 委嘱状の発行",
            arguments={"round": row.pk, "issued_on": issued_on.isoformat(), "actor": actor.pk},
            actor=actor,
        )
        row.version += 1
        row.save(update_fields=["issuer_name", "issuer_title", "job", "version"])
        return row


def issue_one(
    *, appointment: Appointment, issued_on: dt.date, issuer_name: str, issuer_title: str, actor: User
) -> Letter:
    """Issues one letter at once, as in mid-year. FieldErrors. Issued already, it is that letter."""
    require(actor, ACT)
    with acting(actor, ACT):
        row = Round.objects.select_for_update(of=("self",)).get(pk=appointment.round_id)
        there = Letter.objects.filter(appointment=appointment).first()
        if there is not None:
            return there
        _set_issuer(row, issued_on, issuer_name, issuer_title, row.version)
        row.save(update_fields=["issuer_name", "issuer_title"])
        letters = _issue(row, issuable(row).filter(pk=appointment.pk), issued_on, actor)
    if not letters:
        appointment.refresh_from_db()
        raise DomainError(
            appointment.problem
            or "この専門家には、いまは委嘱状を発行できません。条件への同意と、登録が続いているかをご確認ください。",
            code="not_issuable",
        )
    return letters[0]


def issue_all(*, round: Round, issued_on: dt.date, actor: User, progress: Progress) -> tuple[int, int]:
    """Issues the letters of all who agreed, a batch at a time; answers how many, and how many couldn't be written.

    Raises JobCancelled between two batches; what is issued stays.
    """
    require(actor, ACT)
    total = issuable(round).count()
    issued = failed = 0
    last = ""
    while True:
        progress.report(issued + failed, total, "委嘱状を発行しています")
        with acting(actor, ACT):
            # numbers follow from the round's row alone, whoever issues at the same time
            row = Round.objects.select_for_update(of=("self",)).get(pk=round.pk)
            batch = list(
                issuable(row)
                .filter(expert__code__gt=last)
                .order_by("expert__code")[:_BATCH]
                .values_list("pk", "expert__code")
            )
            if not batch:
                break
            last = batch[-1][1]
            written = _issue(row, issuable(row).filter(pk__in=[pk for pk, _ in batch]), issued_on, actor)
        issued += len(written)
        failed += len(batch) - len(written)
    progress.report(total, total, "委嘱状を発行しました")
    return issued, failed


def _set_issuer(row: Round, issued_on: dt.date, name: str, title: str, version: int) -> None:
    problems: dict[str, str] = {}
    name, title = " ".join(name.split()), " ".join(title.split())
    for field, label, value in (
        ("issuer_name", "委嘱する機関の名称", name),
        ("issuer_title", "代表者の職・氏名", title),
    ):
        if not value:
            problems[field] = f"{label}を入力してください。"
        elif len(value) > _LONGEST:
            problems[field] = f"{label}は{_LONGEST}文字以内にしてください（いまは{len(value)}文字）。"
        elif missing := missing_characters(value):
            problems[field] = f"「{missing}」は印字できません。ほかの文字にしてください。"
    if not clock.today() - dt.timedelta(days=90) <= issued_on <= row.last_day:
        problems["issued_on"] = f"発行日は、90日前から{long_date(row.last_day)}までの日にしてください。"
    if problems:
        raise FieldErrors(problems)
    if row.version != version:
        raise DomainError(
            "この委嘱は、別の画面で変わりました。いまの内容を確かめて、もう一度発行してください。",
            code="stale",
        )
    row.issuer_name, row.issuer_title = name, title


def _issue(row: Round, appointments: QuerySet[Appointment], issued_on: dt.date, actor: User) -> list[Letter]:
    """Writes the letters of appointments, under the lock of their round; answers those written."""
    found = (
        appointments.select_for_update(of=("self",))
        .select_related("expert", "agreement__text")
        .order_by("expert__code")
    )
    letters: list[Letter] = []
    refused: list[Appointment] = []
    for each in found:
        if missing := missing_characters(each.expert.name):
            each.problem = f"氏名の「{missing}」を印字できません。登録の氏名をご確認ください。"
            refused.append(each)
            continue
        row.last_number += 1
        letters.append(_letter(row, each, issued_on, actor))
    Letter.objects.bulk_create(letters)
    Appointment.objects.bulk_update(refused, ["problem"])
    for letter in letters:
        letter.appointment.state, letter.appointment.problem = State.ISSUED, ""
        letter.appointment.version += 1
    Appointment.objects.bulk_update(
        [letter.appointment for letter in letters], ["state", "problem", "version"]
    )
    row.save(update_fields=["last_number"])
    _tell(row, letters, actor)
    return letters


def _letter(row: Round, appointment: Appointment, issued_on: dt.date, actor: User) -> Letter:
    agreement = appointment.agreement
    assert agreement is not None  # a constraint of the table
    letter = Letter(
        appointment=appointment,
        fiscal_year=row.fiscal_year,
        number=row.last_number,
        layout=LETTER_LAYOUT,
        name=appointment.expert.name,
        first_day=appointment.first_day,
        last_day=row.last_day,
        issued_on=issued_on,
        issuer_name=row.issuer_name,
        issuer_title=row.issuer_title,
        terms_title=agreement.text.title,
        terms_version=agreement.text.version,
        issued_by=actor,
        issued_at=clock.now(),
    )
    letter.sha256 = checksum(letter_pdf(letter))
    return letter


def _tell(row: Round, letters: Iterable[Letter], actor: User) -> None:
    letters = list(letters)
    queue_mails(
        template="appointment_issued",
        letters=(
            MailLetter(
                letter.appointment.expert.email,
                {
                    "name": letter.name,
                    "year": row.fiscal_year,
                    "number": letter.label,
                    "page": PAGE,
                },
                f"appointment:{row.fiscal_year}:issued:{letter.appointment.expert.code}",
            )
            for letter in letters
        ),
        actor=actor,
    )
    open_tasks(
        code=TASK,
        object=task_object(row.fiscal_year),
        title=TITLE,
        note=str(row),
        path=PAGE,
        people=[
            letter.appointment.expert.user_id
            for letter in letters
            if letter.appointment.expert.user_id is not None
        ],
        actor=actor,
    )
