"""The timers of backups. They do something only where BACKUP_DIR names a place for them."""

from celery import shared_task
from django.conf import settings

from core import clock
from core.errors import DomainError

from .calendar import is_due
from .cluster import open_log_folder, own_cluster, own_repository, own_roots
from .taking import collect, take_backup
from .watching import end_alarm, raise_alarm, standing


@shared_task
def back_up() -> str:
    """Once a night: the backup the calendar wants, unless today has one. Answers its name."""
    repository = own_repository()
    if not settings.BACKUP_SCHEDULED or not is_due(repository.sets(), clock.now()):
        return ""
    try:
        cluster = own_cluster()
        open_log_folder(cluster)
        return take_backup(repository=repository, cluster=cluster, roots=own_roots()).name
    except (DomainError, OSError) as error:
        raise_alarm(f"控えを取れませんでした（{error}）。")
        raise


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
