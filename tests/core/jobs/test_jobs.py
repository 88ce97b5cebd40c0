"""A job is a row: run once, visible while it runs, never forgotten."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import time_machine
from django.db import connection

from accounts.models import Role, User
from accounts.services import create_user
from core.audit.acting import SYSTEM, request_id
from core.errors import DomainError
from core.jobs import registry, services
from core.jobs.models import Job
from core.jobs.progress import Progress


@pytest.fixture
def kinds() -> Iterator[dict[str, list[dict[str, Any]]]]:
    """Kinds of jobs for a test: one that works, one that refuses, one that breaks."""
    ran: dict[str, list[dict[str, Any]]] = {"ran": []}
    before = dict(registry.KINDS)

    @registry.job_kind("test_work", "試験")
    def work(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
        progress.report(1, 2, "半分")
        ran["ran"].append(arguments)
        progress.report(2, 2)
        return {"rows": 2}

    @registry.job_kind("test_refuse", "試験")
    def refuse(arguments: dict[str, Any], progress: Progress) -> None:
        raise DomainError("支払日が銀行営業日ではありません。")

    @registry.job_kind("test_break", "試験", repeatable=False)
    def fail(arguments: dict[str, Any], progress: Progress) -> None:
        raise ZeroDivisionError

    @registry.job_kind("test_heavy", "重い処理", per_person=2)
    def heavy(arguments: dict[str, Any], progress: Progress) -> None:
        return None

    yield ran
    registry.KINDS.clear()
    registry.KINDS.update(before)


def queue(kind: str) -> Job:
    return services.queue_job(kind=kind, title="試験の処理", arguments={"a": 1}, actor=SYSTEM)


@pytest.mark.django_db
def test_a_job_delivered_twice_runs_once(kinds: dict[str, list[dict[str, Any]]]) -> None:
    job = queue("test_work")
    services.execute_job(job.pk)
    services.execute_job(job.pk)
    job.refresh_from_db()
    assert (job.status, job.result, job.attempts) == ("done", {"rows": 2}, 1)
    assert kinds["ran"] == [{"a": 1, "job_id": job.pk}]


@pytest.mark.django_db
def test_a_refusal_is_shown_in_its_own_words(kinds: object) -> None:
    job = queue("test_refuse")
    services.execute_job(job.pk)
    job.refresh_from_db()
    assert (job.status, job.error) == ("failed", "支払日が銀行営業日ではありません。")


@pytest.mark.django_db
def test_a_broken_job_fails_visibly_and_may_be_run_again(kinds: object) -> None:
    job = queue("test_break")
    services.execute_job(job.pk)
    job.refresh_from_db()
    assert job.status == "failed"
    assert "ZeroDivisionError" in job.error
    services.requeue_job(job=job, actor=SYSTEM)
    job.refresh_from_db()
    assert job.status == "queued"
    with pytest.raises(DomainError, match="失敗したジョブだけ"):
        services.requeue_job(job=job, actor=SYSTEM)


@pytest.mark.django_db
def test_only_a_waiting_job_can_be_cancelled(kinds: object) -> None:
    job = queue("test_work")
    services.cancel_job(job=job, actor=SYSTEM)
    services.execute_job(job.pk)
    job.refresh_from_db()
    assert job.status == "cancelled"
    with pytest.raises(DomainError, match="取り消せません"):
        services.cancel_job(job=job, actor=SYSTEM)


@pytest.mark.django_db
def test_a_job_whose_worker_died_is_taken_up_again(kinds: object) -> None:
    with time_machine.travel(dt.datetime(2026, 11, 20, 3, tzinfo=dt.UTC), tick=False) as clock:
        job = queue("test_work")
        once_only = queue("test_break")
        Job.objects.update(status="running", beat_at=dt.datetime(2026, 11, 20, 3, tzinfo=dt.UTC))
        clock.shift(dt.timedelta(seconds=15))
        assert services.sweep_jobs() == 0
        clock.shift(dt.timedelta(seconds=20))
        assert services.sweep_jobs() == 2
    job.refresh_from_db()
    once_only.refresh_from_db()
    assert job.status == "queued"
    assert once_only.status == "failed"
    assert "途中で止まりました" in once_only.error


def test_progress_shows_before_the_work_has_committed(fresh_database: object, kinds: object) -> None:
    from django.db import transaction

    from core.jobs.progress import job_progress

    job = queue("test_work")
    other = connection.copy()
    try:
        with transaction.atomic(), job_progress(job.pk) as progress:
            progress.report(3, 3, "三分の三")
            with other.cursor() as cursor:
                cursor.execute("SELECT done, total, message FROM jobs_job WHERE id = %s", [job.pk])
                assert cursor.fetchone() == (3, 3, "三分の三")
    finally:
        other.close()


@pytest.mark.django_db
def test_a_person_has_only_so_many_heavy_jobs_at_a_time(kinds: object) -> None:
    mine, other = (
        create_user(username=name, role=Role.OFFICE_OPERATOR, actor=SYSTEM) for name in ("tanaka", "sato")
    )

    def ask(who: User) -> Job:
        return services.queue_job(kind="test_heavy", title="出力", arguments={}, actor=who)

    first, _ = ask(mine), ask(mine)
    with pytest.raises(DomainError, match="一人で同時に2件まで"):
        ask(mine)
    ask(other)
    services.execute_job(first.pk)
    ask(mine)


@pytest.mark.django_db
def test_what_a_job_changes_names_the_job_in_the_history(kinds: dict[str, list[dict[str, Any]]]) -> None:
    seen: list[str] = []
    kind = registry.KINDS["test_work"]
    registry.KINDS["test_work"] = replace(kind, run=lambda arguments, progress: seen.append(request_id.get()))  # type: ignore[func-returns-value]
    job = queue("test_work")
    services.execute_job(job.pk)
    assert seen == [f"job-{job.pk}"]
    assert request_id.get() == ""
