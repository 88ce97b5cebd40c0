"""The background work of institutions."""

from celery import shared_task

from .operator_change.services import stop_due


@shared_task
def stop_operators() -> int:
    """Ends the IDs of old operators whose last day is over; answers of how many changes."""
    return stop_due()
