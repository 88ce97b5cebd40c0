"""The mails of signing in. The worker makes them, so that a page answers everybody equally fast."""

import secrets
from typing import Any

from core.audit.acting import SYSTEM
from core.jobs.waking import wake_on_commit
from core.notify.models import Mail
from core.notify.services import queue_mail

from .links import absolute
from .models import Alarm, Role, User
from .records import on_alarm


def send_later(template: str, *users: User) -> None:
    """Has the worker queue the mail of this template for these people, once the transaction has ended.

    With nobody to send to, the worker is woken all the same: an unknown address must not answer faster.
    """
    from .tasks import queue_sign_in_mails

    # nobody is kept out because the worker can't be reached; such a mail is asked for again
    # the message may reach the worker twice; its number makes one mail of it
    wake_on_commit(queue_sign_in_mails, template, [user.pk for user in users], secrets.token_hex(8))


def key_of(template: str, user: User, message: str) -> str:
    """The key of a person's mail that a message to the worker asks for."""
    return f"{template}:{user.pk}:{message}"


def queue(template: str, user: User, message: str, **words: Any) -> bool:
    """Queues one mail to a person, once for a `message`; answers whether there was an address."""
    if not user.email:
        return False
    queue_mail(
        to=user.email,
        template=template,
        context={"name": user.get_full_name(), "username": user.username, "home": absolute("/"), **words},
        key=key_of(template, user, message),
        actor=SYSTEM,
        concerns=Mail.Concern.ACCOUNT,
        keeps_body=False,
    )
    return True


@on_alarm
def mail_alarm(alarm: Alarm) -> None:
    """Tells every administrator of the office that there is an alarm; the mail names no person."""
    send_later(
        "sign_in_alarm", *User.objects.filter(role=Role.OFFICE_ADMIN, is_active=True).exclude(email="")
    )
