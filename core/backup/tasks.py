"""The timers of backups. They do something only where BACKUP_DIR names a place for them."""

from celery import shared_task
from django.conf import settings

from core import clock
from core.errors import DomainError

from .calendar import is_due
from .checking import check_all
from .cluster import open_log_folder, own_cluster, own_repository, own_roots
from .repository import FULL, Repository
from .taking import collect, take_backup
from .verifying import needs_new_one
from .watching import end_alarm, raise_alarm, standing


@shared_task
def back_up() -> str:
    """Each hour: the backup the calendar wants, unless today has one; so the night's first attempt makes it. Answers its name."""
    if not settings.BACKUP_SCHEDULED:
        return ""
    try:
        repository = own_repository()
        return _take(repository) if is_due(repository.sets(), clock.now()) else ""
    except (DomainError, OSError) as error:
        raise_alarm(f"控えを取れませんでした（{error}）。")
        raise


@shared_task
def verify_backups() -> int:
    """Once a day: everything is read. Whatever spoils the newest backup is answered by a new full one. Answers how many problems."""
    if not settings.BACKUP_SCHEDULED:
        return 0
    repository = own_repository()
    try:
        problems = check_all(repository, clock.now())
        if problems:
            raise_alarm(" ".join(problem.words for problem in problems[:3]))
            if needs_new_one(repository, problems):
                _take(repository, FULL)
    except (DomainError, OSError) as error:
        raise_alarm(f"控えを確かめられませんでした（{error}）。")
        raise
    return len(problems)


def _take(repository: Repository, kind: str = "") -> str:
    cluster = own_cluster()
    open_log_folder(cluster)
    return take_backup(repository=repository, cluster=cluster, roots=own_roots(), kind=kind).name


@shared_task
def collect_for_backup() -> int:
    """Once a minute: the log and the new files."""
    if not settings.BACKUP_SCHEDULED:
        return 0
    return collect(repository=own_repository(), cluster=own_cluster(), roots=own_roots())


@shared_task
def watch_backups() -> bool:
    """Four times an hour: whether the last good backup is young enough; else an alarm. Answers whether all is well."""
    if not settings.BACKUP_SCHEDULED:
        return True
    problems = standing(own_repository(), clock.now()).problems
    if problems:
        raise_alarm(" ".join(problems))
    else:
        end_alarm()
    return not problems
