"""Who acts: every write happens inside `acting`, which opens the transaction and names the person to the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from django.db import DatabaseError, connection, transaction

request_id: ContextVar[str] = ContextVar("request_id", default="")
# the client's address, as far as it can be known; set by the middleware, empty for commands and timers
client_address: ContextVar[str] = ContextVar("client_address", default="")
_current: ContextVar[tuple[str, str, str, str]] = ContextVar("acting", default=("", "", "", ""))


class Actor(Protocol):
    """Whoever is named in the history: a signed-in person, or the system itself."""

    @property
    def pk(self) -> int | None: ...

    def get_full_name(self) -> str: ...


@dataclass(frozen=True)
class System:
    """The software acting without a person: a command, a timer."""

    name: str = "システム"
    pk: int | None = None

    def get_full_name(self) -> str:
        """The name the history shows."""
        return self.name


SYSTEM = System()


def _tell_database(values: tuple[str, str, str, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('app.actor_id', %s, true), set_config('app.actor_name', %s, true),"
            " set_config('app.action', %s, true), set_config('app.reason', %s, true),"
            " set_config('app.request_id', %s, true), set_config('app.address', %s, true)",
            [*values, request_id.get(), client_address.get()],
        )


def tell_session(actor: Actor | None) -> None:
    """Names request, address and person for whatever this connection writes from now on, also outside `acting`.

    Ends with `forget_session`; inside `acting` the act's own names count.
    """
    _set_session(
        "" if actor is None or actor.pk is None else str(actor.pk),
        "" if actor is None else actor.get_full_name(),
        request_id.get(),
        client_address.get(),
    )


def forget_session() -> None:
    """The next user of this connection inherits no names; a connection that can't forget is closed."""
    try:
        _set_session("", "", "", "")
    except DatabaseError:
        connection.close()


def _set_session(*values: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('app.actor_id', %s, false), set_config('app.actor_name', %s, false),"
            " set_config('app.request_id', %s, false), set_config('app.address', %s, false)",
            values,
        )


@contextmanager
def acting(actor: Actor, action: str, reason: str = "") -> Iterator[None]:
    """One transaction in which `actor` does `action`; the triggers write both into the history.

    Nested, it names the inner action and then the outer one again. The names end with the transaction.
    """
    values = ("" if actor.pk is None else str(actor.pk), actor.get_full_name(), action, reason)
    with transaction.atomic():
        token = _current.set(values)
        try:
            _tell_database(values)
            yield
        finally:
            _current.reset(token)
        outer = _current.get()
        if connection.in_atomic_block and outer[2]:
            _tell_database(outer)
