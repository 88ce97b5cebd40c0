"""What an expert answers: agreement to the conditions, a decline with its reason, the acceptance of the letter."""

from typing import Final

from accounts.models import User
from accounts.rights import require
from core import clock
from core.agreements.models import TextCode
from core.agreements.services import agree, shown_text
from core.audit.acting import acting
from core.errors import DomainError, FieldErrors, NotAllowed
from core.notify.models import Task
from experts.standing import is_active_on

from .models import Acceptance, Appointment, Letter
from .offering import TASK, State, task_object
from .papers import ACCEPTANCE_LAYOUT, acceptance_pdf, checksum

ACT: Final = "answer_appointment"
LONGEST_REASON: Final = 500
_AGENT_LETTERS: Final = 200


def subject_of(appointment: Appointment) -> str:
    """How the agreement names what it is about: the expert in that year, who is asked anew each year."""
    return f"expert:{appointment.expert.code}:appointment:{appointment.round.fiscal_year}"


def answer_conditions(
    *,
    appointment: Appointment,
    agrees: bool,
    text_version: str,
    reason: str = "",
    version: int,
    actor: User,
    address: str | None = None,
    agent: str = "",
) -> Appointment:
    """The expert agrees to the conditions shown (`text_version`), or declines with a reason; until the letter is issued.

    The same answer sent again changes nothing. FieldErrors; DomainError when stale or issued meanwhile.
    """
    with acting(actor, "agree_appointment" if agrees else "decline_appointment"):
        row = _own(appointment, actor)
        reason = " ".join(reason.split())
        if agrees and row.state == State.AGREED:
            return row
        if not agrees and row.state == State.DECLINED and row.decline_reason == reason:
            return row
        if row.state in (State.ISSUED, State.ACCEPTED):
            raise DomainError(
                "委嘱状が既に発行されているため、回答は変えられません。事情があるときは、事務局へご連絡ください。",
                code="issued",
            )
        if row.version != version:
            raise DomainError(
                "この回答は、別の画面で変わりました。いまの内容を確かめて、もう一度送ってください。",
                code="stale",
            )
        if not is_active_on(row.expert, clock.today()):
            raise DomainError(
                "専門家の登録が終わっているため、委嘱はできません。お心当たりのないときは、事務局へご連絡ください。",
                code="ended",
            )
        if agrees:
            text = shown_text(TextCode.APPOINTMENT_TERMS, text_version)
            row.agreement = agree(
                text=text,
                subject=subject_of(row),
                name=row.expert.name,
                actor=actor,
                address=address,
                user_agent=agent,
            )
            row.state, row.decline_reason = State.AGREED, ""
        else:
            if not reason:
                raise FieldErrors({"reason": "辞退の理由を入力してください。"})
            if len(reason) > LONGEST_REASON:
                raise FieldErrors(
                    {"reason": f"理由は{LONGEST_REASON}文字以内にしてください（いまは{len(reason)}文字）。"}
                )
            row.state, row.decline_reason, row.agreement = State.DECLINED, reason, None
        row.answered_at, row.problem = clock.now(), ""
        row.version += 1
        row.save(update_fields=["state", "agreement", "decline_reason", "answered_at", "problem", "version"])
        _settle(row, actor)
        return row


def accept_letter(
    *, appointment: Appointment, actor: User, address: str | None = None, agent: str = ""
) -> Acceptance:
    """The expert accepts the appointment by the letter: the 就任承諾書, with its moment. Once; again, the first one stays."""
    with acting(actor, "accept_appointment"):
        row = _own(appointment, actor)
        if row.state == State.ACCEPTED:
            return Acceptance.objects.select_related("letter").get(appointment=row)
        if row.state != State.ISSUED:
            raise DomainError(
                "委嘱状がまだ発行されていません。発行されると、メールとこの画面でお知らせします。",
                code="not_issued",
            )
        accepted = Acceptance(
            appointment=row,
            letter=Letter.objects.get(appointment=row),
            layout=ACCEPTANCE_LAYOUT,
            name=row.expert.name,
            accepted_at=clock.now(),
            user=actor,
            address=address or None,
            user_agent=agent[:_AGENT_LETTERS],
        )
        accepted.sha256 = checksum(acceptance_pdf(accepted))
        accepted.save()
        row.state = State.ACCEPTED
        row.version += 1
        row.save(update_fields=["state", "version"])
        _settle(row, actor)
        return accepted


def _own(appointment: Appointment, actor: User) -> Appointment:
    require(actor, ACT)
    row = (
        Appointment.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .select_related("expert", "round")
        .filter(pk=appointment.pk, expert__user=actor)
        .first()
    )
    if row is None:
        raise NotAllowed("ほかの専門家の委嘱には回答できません。ご自分の画面からお答えください。")
    return row


def _settle(row: Appointment, actor: User) -> None:
    """What waited for this person about this year is done."""
    Task.objects.open().filter(code=TASK, object=task_object(row.round.fiscal_year), person=actor).update(
        closed_at=clock.now(), closed_by=actor
    )
