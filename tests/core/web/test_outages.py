"""A part that is away: people meet a page or a sentence, nobody meets the inside, nothing half-done stays."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.core.cache import caches
from django.db import InterfaceError, OperationalError, connection, transaction
from django.test import Client, override_settings

from accounts.models import Role, User
from accounts.services import create_user
from core.audit.acting import SYSTEM
from core.jobs import registry, services
from core.jobs.models import Job
from core.jobs.progress import Progress
from core.jobs.waking import wake
from core.web.outages import Outage, outage_of

NOWHERE = "redis://:canary-secret@127.0.0.1:1/0"
SOFT = {"BACKEND": "core.web.cache.ForgetfulRedisCache", "LOCATION": NOWHERE}


@pytest.fixture
def office(fresh_database: Any, settings: Any) -> Client:
    """Somebody of the office, signed in while everything stood."""
    settings.MFA_REQUIRED = False
    client = Client(raise_request_exception=False)
    client.force_login(create_user(username="tanaka", role=Role.OFFICE_OPERATOR, actor=SYSTEM))
    assert client.get("/office/").status_code == 200
    return client


@pytest.fixture
def no_database(office: Client, tmp_path: Path) -> Iterator[None]:
    """The database's place is empty."""
    place = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = str(tmp_path)
    yield
    connection.close()
    connection.settings_dict["HOST"] = place


@pytest.mark.parametrize(
    "address", ["/office/", "/office/jobs/", "/expert/", "/c/no-such-token/", "/sign-in/"]
)
def test_without_a_database_pages_say_what_why_and_what_next(
    office: Client, no_database: None, address: str
) -> None:
    answer = office.get(address)
    if address == "/sign-in/" and answer.status_code == 302:
        return
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert "データベースに接続できないため" in answer.text and "もう一度" in answer.text
    assert "Traceback" not in answer.text and "dispatch_app" not in answer.text
    assert answer["Cache-Control"] == "no-store, private"


def test_without_a_database_programs_get_sentences(office: Client, no_database: None) -> None:
    answer = office.post("/api/v1/check-events/", "[]", content_type="application/json")
    assert answer.status_code == 503
    assert "データベースに接続できない" in json.loads(answer.content)["detail"]
    answer = office.get("/office/", headers={"X-Requested-With": "fetch"})
    assert (answer.status_code, answer["Content-Type"]) == (503, "text/plain; charset=utf-8")


def test_a_connection_that_the_database_ends_is_an_outage_and_a_slow_query_is_none(
    fresh_database: Any,
) -> None:
    with (
        pytest.raises((OperationalError, InterfaceError)) as lost,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert outage_of(lost.value) is Outage.DATABASE
    with pytest.raises(OperationalError) as slow, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 1")
        cursor.execute("SELECT pg_sleep(1)")
    assert outage_of(slow.value) is None
    assert outage_of(ZeroDivisionError()) is None


def test_a_job_that_loses_the_database_is_no_failure_and_runs_again(fresh_database: Any) -> None:
    tries = []
    before = dict(registry.KINDS)

    @registry.job_kind("test_torn", "試験")
    def torn(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
        tries.append(1)
        with transaction.atomic():
            Job.objects.filter(pk=arguments["job_id"]).update(title="半分")
            if len(tries) == 1:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return {"tries": len(tries)}

    try:
        job = services.queue_job(kind="test_torn", title="試験", arguments={}, actor=SYSTEM)
        with pytest.raises((OperationalError, InterfaceError)):
            services.execute_job(job.pk)
        job.refresh_from_db()
        assert (job.status, job.title) == ("running", "試験")
        Job.objects.update(beat_at=job.created_at - services.SILENT * 2)
        end = time.monotonic() + 30  # the database lets go of the lock a moment after the connection's end
        while services.sweep_jobs() == 0:
            assert time.monotonic() < end
            time.sleep(0.05)
        services.execute_job(job.pk)
        job.refresh_from_db()
        assert (job.status, job.attempts, job.result) == ("done", 2, {"tries": 2})
    finally:
        registry.KINDS.clear()
        registry.KINDS.update(before)


def test_an_act_is_done_although_the_worker_cannot_be_woken(
    fresh_database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Celery("away", broker=NOWHERE)

    @away.task(name="nothing")
    def task(number: int) -> None: ...

    assert wake(task, 1) is False
    monkeypatch.setattr("core.jobs.tasks.run_job", task)
    job = services.queue_job(kind="check_month", title="試験", arguments={}, actor=SYSTEM)
    job.refresh_from_db()
    assert job.status == "queued"


def test_without_redis_pages_work_and_links_still_open_only_what_they_should(office: Client) -> None:
    with override_settings(CACHES={"default": SOFT}):
        assert office.get("/office/").status_code == 200
        assert office.get("/c/no-such-token/").status_code == 404
        assert office.get("/join/").status_code == 200
        cache = caches["default"]
        assert (cache.add("a", 1), cache.get("a", "nothing"), cache.delete("a")) == (True, "nothing", False)
        with pytest.raises(ValueError, match="away"):
            cache.incr("a")
    assert User.objects.count() == 1
