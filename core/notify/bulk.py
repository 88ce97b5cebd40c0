"""Many mails and tasks of one act at once: as `queue_mail` and `open_task`, in a few statements."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from core.audit.acting import Actor
from core.secrets import encrypt

from .models import Mail, Task
from .rendering import render_mail
from .services import wake_sender

_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail of many: to whom, what its template needs, and its key (see `queue_mail`)."""

    to: str
    context: dict[str, Any]
    key: str


def queue_mails(
    *,
    template: str,
    letters: Iterable[Letter],
    actor: Actor,
    concerns: str = Mail.Concern.WORK,
    keeps_body: bool = True,
) -> dict[str, int]:
    """Queues a mail for each letter whose address can be one; answers the mail's id by key.

    A key that is there already changes nothing and answers the first mail. Letters with an impossible address are left
    out of the answer: the caller tells whoever is to call instead.
    """
    mails = []
    for letter in letters:
        try:
            validate_email(letter.to)
        except ValidationError:
            continue
        subject, body = render_mail(template, letter.context)
        mails.append(
            Mail(
                key=letter.key,
                concerns=concerns,
                template=template,
                to=letter.to,
                subject=subject,
                body_cipher=encrypt(body),
                keeps_body=keeps_body,
                next_at=timezone.now(),
                created_by_id=actor.pk,
            )
        )
    with transaction.atomic():
        Mail.objects.bulk_create(mails, batch_size=_BATCH, ignore_conflicts=True)
        keys = [mail.key for mail in mails]
        found: dict[str, int] = dict(Mail.objects.filter(key__in=keys).values_list("key", "pk"))
        if found:
            wake_sender()
    return found


def open_tasks(
    *, code: str, object: str, title: str, path: str, people: Iterable[int], actor: Actor, note: str = ""
) -> None:
    """Lets the same matter wait for many persons (ids); for whom it waits already nothing changes."""
    Task.objects.bulk_create(
        (
            Task(
                code=code,
                object=object,
                title=title[:200],
                note=note[:200],
                path=path,
                person_id=person,
                opened_by_id=actor.pk,
            )
            for person in people
        ),
        batch_size=_BATCH,
        ignore_conflicts=True,
    )
