"""What becomes of messages on their way when Redis ends."""

from typing import Any

from kombu.transport import redis as transport
from redis.exceptions import ConnectionError as Lost


class LastingChannel(transport.Channel):
    """kombu's channel, which on a connection that has ended says so.

    kombu asks the ended connection for its address to give back a message or to acknowledge it, and stumbles over
    None: no connection error, so the whole worker would end. Nothing is lost by not giving back: rows say what there
    is to do (core/jobs/waking.py).
    """

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        if self.connection.client is None:
            raise Lost("the connection to the broker has ended")
        parameters: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[misc]
        return parameters


def use_lasting_channels() -> None:
    """For every connection to Redis that Celery makes from now on."""
    transport.Transport.Channel = LastingChannel
