"""The background work of registrations: certificates that wait for the scanner, files of nobody, reminders."""

from celery import shared_task

from .certificate_files import SHELF
from .services.certificates import scan_waiting
from .services.reminding import remind_candidates, tell_of_expired


@shared_task
def scan_certificates() -> int:
    """Each minute: certificates that wait for the virus scanner; answers how many got its verdict."""
    return scan_waiting()


@shared_task
def sweep_certificates() -> int:
    """Once a day: files of certificates that no row knows; answers how many went."""
    return SHELF.sweep()


@shared_task
def remind_registrations() -> int:
    """Once an hour: unanswered invitations and returns, and links that ran out; answers how many were told of."""
    return remind_candidates() + tell_of_expired()
