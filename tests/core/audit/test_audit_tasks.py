"""The history's own timers: what is broken is told, and nothing is told when all is well."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import time_machine

from core.audit import tasks
from core.audit.models import Seal
from core.audit.sealing import seal_audit
from core.errors import DomainError
from core.jobs.models import Job
from core.jobs.progress import Progress
from core.jobs.services import execute_job
from core.notify.models import Task

pytestmark = pytest.mark.usefixtures("fresh_database")


def nightly_check() -> Job:
    job = Job.objects.create(kind=tasks.VERIFY, title="履歴の検証", arguments={})
    execute_job(job.pk)
    job.refresh_from_db()
    return job


def test_the_minute_task_seals() -> None:
    assert tasks.seal_audit() > 0
    assert Seal.objects.count() == 1


def test_the_nightly_check_ends_well_when_all_is_whole() -> None:
    seal_audit()
    job = nightly_check()
    assert (job.status, job.error) == ("done", "")
    assert job.result["封印"] == 1
    assert not Task.objects.exists()


def test_a_changed_row_fails_the_nightly_check_and_waits_for_the_administrators_once(
    tampering: Callable[..., None],
) -> None:
    seal_audit()
    tampering("UPDATE audit_change SET reason = 'x' WHERE id = (SELECT min(id) FROM audit_change)")
    for _ in range(2):
        job = nightly_check()
        assert job.status == "failed"
        assert "書き換えられています" in job.error
    task = Task.objects.get()
    assert (task.role, task.path) == ("office_admin", "/office/history/")


def test_history_that_nobody_seals_is_told(tampering: Callable[..., None]) -> None:
    tampering("UPDATE audit_change SET at = at - interval '20 minutes'")
    assert "15分以上封印されていません" in nightly_check().error


def test_what_cannot_be_kept_is_told(settings: Any) -> None:
    settings.AUDIT_SIGNING_KEY = ""
    seal_audit()
    assert tasks.keep_audit() == 0  # nothing to archive yet, nothing to sign
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=32)), pytest.raises(DomainError):
        tasks.keep_audit()
    assert "AUDIT_SIGNING_KEY" in Task.objects.get().note


def test_progress_is_not_needed_to_check() -> None:
    seal_audit()
    assert tasks.run_verification({}, Progress())["未封印"] == 0
