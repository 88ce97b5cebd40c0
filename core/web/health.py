"""Whether the web process lives, and whether the whole service can work. For the inside; the proxy hides both."""

import logging
import time
from collections.abc import Callable
from functools import cache as remember

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# Beat sends a task each minute, the worker notes the moment it ran: both live while this is young.
HEARTBEAT = "worker-heartbeat"
OLDEST_HEARTBEAT_SECONDS = 180


@require_safe
@login_not_required
def live(request: HttpRequest) -> HttpResponse:
    """Alive: the process answers. Asks nobody else, so that a lost database restarts no web process."""
    return JsonResponse({"status": "ok"})


@require_safe
@login_not_required
def ready(request: HttpRequest) -> HttpResponse:
    """Able to work: database, migrations, Redis, worker. 503 with the names of the parts that fail."""
    failing = [name for name, works in _PARTS.items() if not _works(name, works)]
    status = {"status": "ready" if not failing else "not ready", "failing": failing}
    return JsonResponse(status, status=503 if failing else 200)


def _works(name: str, part: Callable[[], bool]) -> bool:
    try:
        return part()
    except (DatabaseError, RedisError, OSError) as error:
        log.warning("not ready: %s (%s)", name, type(error).__name__)
        return False


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone() == (1,)


@remember
def _newest_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def _migrations() -> bool:
    """Whether the newest migration of every app of this version has been applied."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations")
        return _newest_migrations() <= set(cursor.fetchall())


def has_newest_migrations() -> bool:
    """Whether the database has every migration of this version; False also while it is away."""
    return _works("migrations", _migrations)


def _redis() -> bool:
    key = "health"
    cache.set(key, "1", 10)
    return cache.get(key) == "1"


def beat() -> None:
    """Notes that the worker has just run something beat had asked for."""
    cache.set(HEARTBEAT, time.time(), settings.CELERY_TASK_TIME_LIMIT)


def _worker() -> bool:
    last = cache.get(HEARTBEAT)
    return last is not None and time.time() - last < OLDEST_HEARTBEAT_SECONDS


_PARTS: dict[str, Callable[[], bool]] = {
    "database": _database,
    "migrations": _migrations,
    "redis": _redis,
    "worker": _worker,
}
