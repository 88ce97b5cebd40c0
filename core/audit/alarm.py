"""Telling people when the history is in danger."""

import logging

from core.notify.services import notify

from .acting import SYSTEM

log = logging.getLogger(__name__)


def raise_alarm(message: str) -> None:
    """A critical line in the log and a task for the office administrators, once while it is open."""
    log.critical("history alarm: %s", message)
    notify(
        code="audit_alarm",
        object="audit",
        title="変更履歴に異常があります",
        note=message[:200],
        path="/office/history/",
        actor=SYSTEM,
        role="office_admin",
    )
