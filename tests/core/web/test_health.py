"""Live needs nobody; ready names the part that fails."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings

from core.jobs.tasks import note_heartbeat
from core.web import health


@pytest.fixture(autouse=True)
def _no_heartbeat() -> Iterator[None]:
    cache.delete(health.HEARTBEAT)
    yield
    cache.delete(health.HEARTBEAT)


def test_live_asks_nobody_else(client: Client) -> None:
    # without the `db` fixture any query is an error
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_ready_when_database_migrations_redis_and_worker_are_there(client: Client) -> None:
    note_heartbeat()
    answer = client.get("/healthz/ready")
    assert (answer.status_code, answer.json()["failing"]) == (200, [])


@pytest.mark.django_db
def test_a_worker_unheard_of_for_three_minutes_is_missed(client: Client) -> None:
    assert client.get("/healthz/ready").json()["failing"] == ["worker"]
    cache.set(health.HEARTBEAT, time.time() - health.OLDEST_HEARTBEAT_SECONDS - 1)
    answer = client.get("/healthz/ready")
    assert (answer.status_code, answer.json()["failing"]) == (503, ["worker"])


@pytest.mark.django_db
def test_a_version_whose_migrations_were_not_applied_is_not_ready(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_heartbeat()
    newer = health._newest_migrations() | {("jobs", "9999_future")}
    monkeypatch.setattr(health, "_newest_migrations", lambda: newer)
    assert client.get("/healthz/ready").json()["failing"] == ["migrations"]


@pytest.mark.django_db
def test_without_redis_it_says_so_and_nothing_else(client: Client) -> None:
    nowhere = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://:canary-secret@127.0.0.1:1/0",
    }
    with override_settings(CACHES={"default": nowhere}):
        answer = client.get("/healthz/ready")
    assert (answer.status_code, answer.json()["failing"]) == (503, ["redis", "worker"])
    assert "canary" not in json.dumps(answer.json())


def test_without_a_database_it_says_so(fresh_database: Any, client: Client) -> None:
    note_heartbeat()
    name = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = "nothing_here"
    try:
        assert client.get("/healthz/ready").json()["failing"] == ["database", "migrations"]
        assert client.get("/healthz").status_code == 200
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name
