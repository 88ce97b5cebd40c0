"""What the worker does for signing in."""

import datetime as dt
import secrets

from celery import shared_task
from django.db import transaction

from core import clock
from core.notify.models import Mail

from .links import absolute, one_time_link
from .mails import key_of, queue
from .models import SignInEvent, User
from .records import record_event

# One link for a forgotten password per person in this time, however often it is asked for.
_PAUSE = dt.timedelta(minutes=5)
RESET, INVITATION = "sign_in_reset", "sign_in_invitation"


@shared_task(name="accounts.tasks.queue_sign_in_mails")
def queue_sign_in_mails(template: str, user_ids: list[int], message: str = "") -> None:
    """Queues a mail to each of these people. A link is made here, so that none stands in a message queue.

    `message` is the number of this message: delivered twice, it queues nobody's mail a second time.
    """
    message = message or secrets.token_hex(8)
    for pk in (
        User.objects.filter(pk__in=user_ids, is_active=True).order_by("pk").values_list("pk", flat=True)
    ):
        with transaction.atomic():
            # two deliveries at the same moment: the second sees the first one's mail
            user = User.objects.select_for_update(no_key=True).get(pk=pk)
            if not Mail.objects.filter(key=key_of(template, user, message)).exists():
                _queue_one(template, user, message)


def _queue_one(template: str, user: User, message: str) -> None:
    if template not in (RESET, INVITATION):
        queue(template, user, message)
        return
    lately = SignInEvent.objects.filter(
        user=user, kind=SignInEvent.Kind.LINK_MADE, detail=template, at__gte=clock.now() - _PAUSE
    )
    if template == RESET and lately.exists():
        return
    if queue(template, user, message, link=absolute(one_time_link(user))):
        record_event(SignInEvent.Kind.LINK_MADE, user, detail=template)
