"""Messages on their way when Redis ends: a connection error, which workers outlive."""

from typing import Any

import pytest
from celery_worker import own_redis
from django.conf import settings
from kombu import Connection

from config.broker import LastingChannel
from config.celery import app, broker_address


def test_an_ended_connection_is_a_connection_error_for_messages_under_way(django_db_setup: None) -> None:
    assert app.conf.broker_connection_max_retries is None
    with Connection(broker_address(own_redis(settings.REDIS_URL))) as connection:
        channel: Any = connection.channel()
        assert channel.__class__.__name__ == LastingChannel.__name__
        queue = connection.SimpleQueue("test-broker", channel=channel)
        queue.put("x")
        message = queue.get(timeout=10)
        # what kombu does to a connection it gives up
        connection.transport.client = None
        channel._pool = None
        with pytest.raises(connection.recoverable_connection_errors):
            message.ack()
        connection.transport.client = connection
        channel._pool = None
        message.ack()
        queue.clear()
