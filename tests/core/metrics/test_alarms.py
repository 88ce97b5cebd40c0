"""Administrators are told once of what turned bad; it ends by itself."""

from typing import Any

import pytest

from accounts.models import Role, User
from core.audit.acting import SYSTEM, acting
from core.metrics.alarms import CODE, tell
from core.metrics.judging import judge
from core.metrics.registry import Reading
from core.metrics.tasks import watch_system
from core.notify.models import Mail, Task

pytestmark = pytest.mark.django_db
WELL = [Reading("worker_silent_seconds", 5)]


@pytest.fixture(autouse=True)
def administrator() -> User:
    with acting(SYSTEM, "test"):
        return User.objects.create(username="kanri", role=Role.OFFICE_ADMIN, email="kanri@example.jp")


def disk(*ratios: float) -> list[str]:
    return tell(
        judge([*WELL, *(Reading("disk_used_ratio", r, {"folder": f"f{n}"}) for n, r in enumerate(ratios))])
    )


def open_ones() -> list[str]:
    return list(Task.objects.open().filter(code=CODE).values_list("object", flat=True))


def test_bad_is_told_once_by_task_and_mail_and_ends_by_itself() -> None:
    for _ in range(3):
        assert disk(0.9, 0.1, 0.95) == ["disk_used_ratio"]
    task = Task.objects.get(code=CODE)
    assert (task.role, task.path) == ("office_admin", "/office/system/")
    assert "f0：90.0％、f2：95.0％" in task.note
    assert "f1" not in task.note
    mail = Mail.objects.get()
    assert (mail.to, "ディスクの使用率" in mail.subject) == ("kanri@example.jp", True)
    assert disk(0.1) == []
    assert open_ones() == []


def test_what_is_bad_for_a_moment_is_not_told() -> None:
    for ratio in (0.9, 0.1, 0.9, 0.1):
        disk(ratio)
    assert Task.objects.filter(code=CODE).count() == Mail.objects.count() == 0


def test_what_turns_bad_again_is_told_again() -> None:
    for ratio in (0.9, 0.9, 0.5, 0.9, 0.9):
        disk(ratio)
    assert Task.objects.filter(code=CODE).count() == Mail.objects.count() == 2


def test_a_value_that_wavers_around_its_limit_is_told_once() -> None:
    for ratio in (0.86, 0.86, 0.84, 0.86, 0.86, 0.84):
        disk(ratio)
    assert open_ones() == ["disk_used_ratio"]
    assert Mail.objects.count() == 1


def test_what_the_backups_tell_themselves_is_not_told_twice() -> None:
    for _ in range(3):
        assert tell(judge([*WELL, Reading("backup_problems", 2)])) == ["backup_problems"]
    assert open_ones() == []


def test_a_warning_alone_is_no_task() -> None:
    assert disk(0.75) == []
    assert Task.objects.filter(code=CODE).count() == 0


def test_the_timer_tells_of_a_worker_nobody_has_heard_of_and_business_is_no_alarm(settings: Any) -> None:
    from django.core.cache import cache

    from core.web import health

    cache.delete(health.HEARTBEAT)
    assert "worker_silent_seconds" in watch_system()
    assert "worker_silent_seconds" not in open_ones(), "once is not yet told"
    assert "worker_silent_seconds" in watch_system()
    assert "worker_silent_seconds" in open_ones()
    health.beat()
    assert "worker_silent_seconds" not in watch_system()
    assert "worker_silent_seconds" not in open_ones()
