"""Who is told what when a dispatch moves on: tasks for people, mails to those outside."""

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.models import Role
from core.audit.acting import Actor
from core.notify.services import close_tasks, notify, queue_mail

from ..models import Dispatch, Inquiry, Receipt

# What can wait, by the code of its task.
ANSWER = "dispatch_answer"
CONFIRM = "dispatch_confirm"
REPORT = "dispatch_report"
APPROVE = "dispatch_approve"
VERIFY = "dispatch_verify"
OBJECTION = "dispatch_objection"
INQUIRY = "dispatch_inquiry"
INQUIRY_ANSWERED = "dispatch_inquiry_answered"
REQUEST = "dispatch_request"
REFUSED = "dispatch_request_refused"
NEWS = "dispatch_news"
RECEIPT_REFUSED = "dispatch_receipt_refused"
# What a reminder, and later the office's own task, is called: with the step that is late.
LATE = "dispatch_late_"
ESCALATED = "dispatch_escalated_"
# Which steps are no longer late once a task is settled.
_LATE_STEPS = {
    ANSWER: ("answer",),
    REPORT: ("report",),
    OBJECTION: ("attestation",),
    APPROVE: ("approval",),
    INQUIRY: ("inquiry_expert", "inquiry_institution"),
}
# All of them but the last are about work that ends with the dispatch.
STEPS = (ANSWER, CONFIRM, REPORT, APPROVE, VERIFY, OBJECTION, INQUIRY, INQUIRY_ANSWERED, REQUEST, REFUSED)


def portal_path(dispatch: Dispatch) -> str:
    """The dispatch's page for its institution."""
    return f"/portal/dispatches/{dispatch.number}/"


def expert_path(dispatch: Dispatch) -> str:
    """The dispatch's page for its expert."""
    return f"/expert/dispatches/{dispatch.number}/"


def office_path(dispatch: Dispatch) -> str:
    """The dispatch's page for the office."""
    return f"/office/dispatches/{dispatch.number}/"


def can_get_mail(address: str) -> bool:
    """Whether a mail can be sent there; loaded addresses may be anything."""
    try:
        validate_email(address)
    except ValidationError:
        return False
    return True


def tell_expert(dispatch: Dispatch, code: str, title: str, actor: Actor, note: str = "") -> None:
    """A task for the expert and a mail; an expert without a login gets the mail alone."""
    user = dispatch.expert.user
    if user is not None and user.is_active:
        notify(
            code=code,
            object=dispatch,
            title=title,
            path=expert_path(dispatch),
            actor=actor,
            persons=[user],
            note=note,
            template="task",
        )
    elif can_get_mail(dispatch.expert.email):
        queue_mail(
            to=dispatch.expert.email,
            template="task",
            context={
                "name": dispatch.expert.name,
                "title": title,
                "note": note,
                "path": expert_path(dispatch),
            },
            key=f"{code}:{dispatch.pk}:{dispatch.updated_at.timestamp()}",
            actor=actor,
        )


def tell_institution(dispatch: Dispatch, code: str, title: str, actor: Actor, note: str = "") -> None:
    """A task and a mail for everybody of the institution."""
    people = get_user_model().objects.filter(
        institution_member__institution=dispatch.institution_id, is_active=True
    )
    notify(
        code=code,
        object=dispatch,
        title=title,
        path=portal_path(dispatch),
        actor=actor,
        persons=people.order_by("pk"),
        note=note,
        template="task",
    )


def tell_office(dispatch: Dispatch, code: str, title: str, actor: Actor, note: str = "") -> None:
    """A task for the office's operators; they work from their queue, so no mail."""
    notify(
        code=code,
        object=dispatch,
        title=title,
        path=office_path(dispatch),
        actor=actor,
        role=Role.OFFICE_OPERATOR,
        note=note,
    )


def settle(dispatch: Dispatch, actor: Actor, *codes: str) -> None:
    """Ends the tasks of these codes about the dispatch, whoever they waited for, and what reminded of them."""
    for code in codes:
        close_tasks(code=code, object=dispatch, actor=actor)
        for late in _LATE_STEPS.get(code, ()):
            _no_longer_late(dispatch, late, actor)


def settle_inquiry(dispatch: Dispatch, actor: Actor, asked_of: str) -> None:
    """Ends the task of one side's inquiries; the other side's may still wait."""
    path = expert_path(dispatch) if asked_of == Inquiry.AskedOf.EXPERT else portal_path(dispatch)
    close_tasks(code=INQUIRY, object=dispatch, actor=actor, path=path)
    _no_longer_late(dispatch, f"inquiry_{asked_of}", actor)


def _no_longer_late(dispatch: Dispatch, late: str, actor: Actor) -> None:
    for prefix in (LATE, ESCALATED):
        close_tasks(code=f"{prefix}{late}", object=dispatch, actor=actor)


def settle_all(dispatch: Dispatch, actor: Actor) -> None:
    """Ends whatever waits about a dispatch that is over."""
    settle(dispatch, actor, *STEPS)


def tell_of_refused_receipt(receipt: Receipt, actor: Actor) -> None:
    """The sender and the office learn that the scanner refused a file; open until its entry is removed."""
    title = f"派遣 {receipt.dispatch.number} のファイルがウイルス検査で拒否されました"
    note = f"{receipt.original_name or receipt.purpose}（{receipt.finding}）"
    sender = receipt.uploaded_by
    from_office = sender.role.startswith("office")
    notify(
        code=RECEIPT_REFUSED,
        object=receipt,
        title=title,
        path=office_path(receipt.dispatch) if from_office else expert_path(receipt.dispatch),
        actor=actor,
        persons=[sender] if sender.is_active else [],
        note=note,
        template="task",
    )
    notify(
        code=RECEIPT_REFUSED,
        object=receipt,
        title=title,
        path=office_path(receipt.dispatch),
        actor=actor,
        role=Role.OFFICE_OPERATOR,
        note=note,
    )


def forget_refused_receipt(receipt: Receipt, actor: Actor) -> None:
    """Ends the tasks about a refused file whose entry was removed."""
    close_tasks(code=RECEIPT_REFUSED, object=receipt, actor=actor)
