"""Who wants to know that a dispatch was changed: a register that higher layers fill (payments judges it at once).

Acts say so with `changed`; once the act's transaction is committed the listeners are told, all its dispatches
together. What a listener does can't undo the act: its errors are logged and go no further.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import transaction

from .models import Dispatch

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Changed:
    """What one transaction touched: ids of dispatches, and of the experts and clients they had before.

    `at_once`: a person waits for the next page; otherwise it may be done in the background.
    """

    dispatches: frozenset[int]
    experts: frozenset[int]
    companies: frozenset[int]
    at_once: bool


Listener = Callable[[Changed], None]
_LISTENERS: list[Listener] = []


@dataclass
class _Noted(threading.local):
    """What this thread's transaction has touched so far. Notes of one that was rolled back are told with the next:
    judging a dispatch once too often changes nothing."""

    dispatches: set[int] = field(default_factory=set)
    experts: set[int] = field(default_factory=set)
    companies: set[int] = field(default_factory=set)
    at_once: bool = False


_noted = _Noted()


def when_changed(listener: Listener) -> Listener:
    """Registers a function that is told of changes after their commit."""
    if listener not in _LISTENERS:
        _LISTENERS.append(listener)
    return listener


def changed(dispatch: Dispatch, *, at_once: bool = True) -> None:
    """Notes that an act changes this dispatch, as it is before the act; call it inside the act's transaction."""
    note(
        dispatches=(dispatch.pk,),
        experts=(dispatch.expert_id,),
        companies=(dispatch.company_id,),
        at_once=at_once,
    )


def note(
    *,
    dispatches: tuple[int, ...] = (),
    experts: tuple[int, ...] = (),
    companies: tuple[int, ...] = (),
    at_once: bool = True,
) -> None:
    """The same by ids; outside a transaction the listeners are told at once."""
    _noted.dispatches.update(dispatches)
    _noted.experts.update(experts)
    _noted.companies.update(companies)
    _noted.at_once |= at_once
    transaction.on_commit(_tell)


def _tell() -> None:
    told = Changed(
        frozenset(_noted.dispatches), frozenset(_noted.experts), frozenset(_noted.companies), _noted.at_once
    )
    for touched in (_noted.dispatches, _noted.experts, _noted.companies):
        touched.clear()
    _noted.at_once = False
    if not (told.dispatches or told.experts or told.companies):
        return  # told already, with another note of the same transaction
    for listener in _LISTENERS:
        try:
            listener(told)
        except Exception:  # the act is done and stays done
            log.exception("a listener failed after a change of dispatches %s", sorted(told.dispatches))
