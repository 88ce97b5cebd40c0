"""The age of the last good backup, and who is told."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from core.backup import tasks
from core.backup.repository import BASE, FULL, Repository, Set, stamp
from core.backup.watching import standing
from core.notify.models import Task

NOW = dt.datetime(2026, 11, 20, 9, 0, tzinfo=dt.UTC)


def repository_with_a_set(folder: Path, ended: dt.datetime, complete: dt.datetime) -> Repository:
    repository = Repository(folder)
    repository.prepare()
    name = f"{stamp(ended)}-{FULL}"
    staging = repository.folder / "incoming" / name
    with repository.writing(f"sets/{name}/{BASE}", staging / BASE) as file:
        file.write(b"database")
    first = "000000010000000000000002"
    repository.add_set(
        Set(name, FULL, name, "", ended, ended, first, {BASE: file.measured.sha256}, 8), staging
    )
    repository.note(complete=complete.isoformat())
    return repository


@pytest.mark.parametrize(
    ("backup_hours", "log_minutes", "words"),
    [
        (25.9, 1, []),
        (26.1, 1, ["26 時間まで"]),
        (1, 14, []),
        (1, 16, ["15 分まで"]),
        (50, 60, ["26 時間まで", "15 分まで"]),
    ],
)
def test_a_backup_and_a_log_that_are_too_old_are_problems(
    tmp_path: Path, backup_hours: float, log_minutes: float, words: list[str]
) -> None:
    repository = repository_with_a_set(
        tmp_path, NOW - dt.timedelta(hours=backup_hours), NOW - dt.timedelta(minutes=log_minutes)
    )
    now = standing(repository, NOW)
    assert now.backup_age == dt.timedelta(hours=backup_hours)
    assert len(now.problems) == len(words)
    assert all(word in problem for word, problem in zip(words, now.problems, strict=True))


def test_no_backup_at_all_and_one_found_damaged_are_problems(tmp_path: Path) -> None:
    assert standing(Repository(tmp_path / "none"), NOW).problems
    repository = repository_with_a_set(tmp_path / "one", NOW, NOW)
    repository.note(problem="控えが壊れています")
    assert standing(repository, NOW).problems == ["控えが壊れています"]


@pytest.mark.django_db
def test_the_administrators_are_told_once_and_the_task_ends_when_all_is_well(
    tmp_path: Path, settings: Any
) -> None:
    settings.BACKUP_DIR, settings.BACKUP_SCHEDULED = tmp_path, True
    assert not tasks.watch_backups()
    assert not tasks.watch_backups()
    (task,) = Task.objects.filter(code="backup_alarm", closed_at=None)
    assert task.role == "office_admin"
    assert "manage.py backup" in task.note
    now = dt.datetime.now(dt.UTC)
    repository_with_a_set(tmp_path, now, now)
    assert tasks.watch_backups()
    assert not Task.objects.filter(code="backup_alarm", closed_at=None).exists()


def test_where_no_place_is_named_the_timers_do_nothing(settings: Any, tmp_path: Path) -> None:
    settings.BACKUP_DIR, settings.BACKUP_SCHEDULED = tmp_path / "backup", False
    assert tasks.back_up() == ""
    assert tasks.collect_for_backup() == 0
    assert tasks.watch_backups()
    assert not (tmp_path / "backup").exists()


def test_backups_that_nobody_has_read_for_three_days_are_a_problem(tmp_path: Path) -> None:
    repository = repository_with_a_set(tmp_path, NOW, NOW)
    for hours, problems in ((71, 0), (73, 1)):
        repository.note(verified=(NOW - dt.timedelta(hours=hours)).isoformat())
        assert len(standing(repository, NOW).problems) == problems


def test_the_newest_backup_counts_only_while_it_is_whole(tmp_path: Path) -> None:
    repository = repository_with_a_set(tmp_path, NOW - dt.timedelta(hours=1), NOW)
    (only,) = repository.sets()
    repository.note(damaged=only.name)
    assert standing(repository, NOW).backup_age is None
