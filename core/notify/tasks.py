"""What Celery runs for mails: it only wakes the sender, the rows say what to send."""

from celery import shared_task

from . import sending


@shared_task
def send_mails() -> int:
    """After a mail was queued, and twice a minute for those whose time has come."""
    return sending.send_waiting()


@shared_task
def sweep_mails() -> int:
    """Once a minute: no mail is forgotten on its way."""
    return sending.sweep_mails()
