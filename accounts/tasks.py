"""What the worker does for signing in."""

import datetime as dt

from celery import shared_task

from core import clock

from .links import absolute, one_time_link
from .mails import queue
from .models import SignInEvent, User
from .records import record_event

# One link for a forgotten password per person in this time, however often it is asked for.
_PAUSE = dt.timedelta(minutes=5)
RESET, INVITATION = "sign_in_reset", "sign_in_invitation"


@shared_task(name="accounts.tasks.queue_sign_in_mails")
def queue_sign_in_mails(template: str, user_ids: list[int]) -> None:
    """Queues a mail to each of these people. A link is made here, so that none stands in a message queue."""
    for user in User.objects.filter(pk__in=user_ids, is_active=True):
        if template not in (RESET, INVITATION):
            queue(template, user)
            continue
        lately = SignInEvent.objects.filter(
            user=user, kind=SignInEvent.Kind.LINK_MADE, detail=template, at__gte=clock.now() - _PAUSE
        )
        if template == RESET and lately.exists():
            continue
        if queue(template, user, link=absolute(one_time_link(user))):
            record_event(SignInEvent.Kind.LINK_MADE, user, detail=template)
