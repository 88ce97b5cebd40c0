"""Who is told about a request: the expert by mail, at the address of before as well, and on the own page."""

from collections.abc import Iterable

from core.audit.acting import Actor
from core.notify.services import close_tasks, open_task, queue_mail
from experts.models import Expert

from .models import ChangeRequest

RETURNED = "expert_change_returned"


def own_path(row: ChangeRequest) -> str:
    """The expert's page where the request is sent again."""
    return f"/expert/profile/change/{row.kind}/"


def settle(row: ChangeRequest, actor: Actor) -> None:
    """Nothing waits for the expert any more."""
    close_tasks(code=RETURNED, object=row, actor=actor)


def tell_returned(row: ChangeRequest, expert: Expert, actor: Actor) -> None:
    """A task on the own page, and a mail with the reason."""
    if expert.user is not None:
        open_task(
            code=RETURNED,
            object=row,
            title=f"「{row.get_kind_display()}」の変更の申請が差し戻されました",
            path=own_path(row),
            actor=actor,
            person=expert.user,
            note=row.answer,
        )
    _mail(row, "change_returned", {expert.email}, actor, answer=row.answer)


def mail_asked(row: ChangeRequest, address: str, actor: Actor, *, waits: bool) -> None:
    """The receipt goes to the address registered until now: who didn't ask learns of it before anything changes."""
    _mail(row, "change_asked", {address}, actor, waits=waits)


def mail_refused(row: ChangeRequest, address: str, actor: Actor) -> None:
    """Why nothing changes."""
    _mail(row, "change_refused", {address}, actor, answer=row.answer)


def mail_made(row: ChangeRequest, addresses: Iterable[str], actor: Actor) -> None:
    """The change stands; to the old address and to the new one."""
    _mail(row, "change_made", addresses, actor)


def _mail(row: ChangeRequest, template: str, addresses: Iterable[str], actor: Actor, **words: object) -> None:
    for number, address in enumerate(sorted({each for each in addresses if "@" in each})):
        queue_mail(
            to=address,
            template=template,
            context={"name": row.expert.name, "number": row.number, "what": row.get_kind_display(), **words},
            key=f"{template}:{row.pk}:{row.version}:{number}",
            actor=actor,
        )
