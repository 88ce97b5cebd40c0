"""What the core itself can be read of: jobs, mails, history, database, Redis, disk, certificate, version."""

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import redis
from cryptography import x509
from django.conf import settings
from django.core.cache import cache
from django.db import InterfaceError, OperationalError, connection

from core import clock
from core.version import VERSION, commit
from core.web import health

from .disks import disk_readings
from .noted import backup_readings
from .registry import Reading, readings

QUEUES = ("celery", "quick", "seal", "backup")
_FAILED_WITHIN = "24 hours"

# One statement each, over indexed columns; ages in seconds, by the database's clock.
_JOBS = """
SELECT status, kind, count(*), extract(epoch FROM now() - min(coalesce(
           CASE WHEN status = 'running' THEN started_at END, created_at)))
  FROM jobs_job WHERE status IN ('queued', 'running') GROUP BY status, kind ORDER BY status, kind
"""
_FAILED_JOBS = "SELECT count(*) FROM jobs_job WHERE status = 'failed' AND ended_at > now() - %s::interval"
_MAILS = """
SELECT count(*) FILTER (WHERE state = 'queued'), count(*) FILTER (WHERE state IN ('failed', 'unsure')),
       coalesce(extract(epoch FROM now() - min(created_at) FILTER (WHERE state = 'queued')), 0)
  FROM notify_mail WHERE state IN ('queued', 'failed', 'unsure')
"""
_UNSEALED = """
SELECT coalesce(extract(epoch FROM now() - min(at)), 0) FROM (
  (SELECT at FROM audit_change WHERE (transaction, id) > (
      coalesce((SELECT upto_transaction FROM audit_seal WHERE source = 'C' ORDER BY number DESC LIMIT 1), 0),
      coalesce((SELECT upto_id FROM audit_seal WHERE source = 'C' ORDER BY number DESC LIMIT 1), 0))
    ORDER BY transaction, id LIMIT 1)
  UNION ALL
  (SELECT at FROM audit_access WHERE (transaction, id) > (
      coalesce((SELECT upto_transaction FROM audit_seal WHERE source = 'A' ORDER BY number DESC LIMIT 1), 0),
      coalesce((SELECT upto_id FROM audit_seal WHERE source = 'A' ORDER BY number DESC LIMIT 1), 0))
    ORDER BY transaction, id LIMIT 1)
) unsealed
"""
_SEALED = "SELECT coalesce(extract(epoch FROM now() - max(sealed_at)), 0) FROM audit_seal WHERE number = (SELECT max(number) FROM audit_seal)"
_SERVER = """
SELECT pg_database_size(current_database()), extract(epoch FROM clock_timestamp()),
       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()),
       current_setting('max_connections')::int, pg_is_in_recovery()
"""
_STANDBYS = """
SELECT slot_name, active, greatest(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)
  FROM pg_replication_slots WHERE slot_type = 'physical' AND NOT temporary AND restart_lsn IS NOT NULL ORDER BY slot_name
"""


@readings(
    "database",
    expected=(OperationalError, InterfaceError),
    jobs_waiting="Jobs that wait, by kind.",
    jobs_waiting_oldest_seconds="Age of the oldest job that waits, by kind.",
    jobs_running_oldest_seconds="How long the oldest running job has been running, by kind.",
    jobs_failed="Jobs that failed within 24 hours and were not run again.",
    mails_waiting="Mails that wait to be sent.",
    mails_waiting_oldest_seconds="Age of the oldest mail that waits to be sent.",
    mails_failed="Mails that could not be sent or may not have arrived, not yet decided by a person.",
    seal_age_seconds="Age of the newest seal of the history. Grows while nothing happens.",
    unsealed_oldest_seconds="Age of the oldest entry of the history that is not sealed.",
    database_bytes="Size of the database.",
    database_connections_ratio="Connections in use, of those the server allows.",
    database_clock_difference_seconds="How far the database's clock is from this process's.",
    standby_connected="1 while the standby of a replication slot is connected.",
    standby_behind_bytes="Log that is kept for a standby and that it has not confirmed.",
)
def _database() -> Iterator[Reading]:
    with connection.cursor() as cursor:
        cursor.execute(_JOBS)
        for status, kind, count, age in cursor.fetchall():
            if status == "queued":
                yield Reading("jobs_waiting", count, {"kind": kind})
                yield Reading("jobs_waiting_oldest_seconds", float(age), {"kind": kind})
            else:
                yield Reading("jobs_running_oldest_seconds", float(age), {"kind": kind})
        cursor.execute(_FAILED_JOBS, [_FAILED_WITHIN])
        yield Reading("jobs_failed", cursor.fetchone()[0])
        cursor.execute(_MAILS)
        waiting, failed, oldest = cursor.fetchone()
        yield Reading("mails_waiting", waiting)
        yield Reading("mails_failed", failed)
        yield Reading("mails_waiting_oldest_seconds", float(oldest))
        cursor.execute(_SEALED)
        if row := cursor.fetchone():
            yield Reading("seal_age_seconds", float(row[0]))
        cursor.execute(_UNSEALED)
        yield Reading("unsealed_oldest_seconds", float(cursor.fetchone()[0]))
        before = time.time()
        cursor.execute(_SERVER)
        size, now, used, most, is_standby = cursor.fetchone()
        # the statement ran somewhere between the two looks at our clock
        between = (before + time.time()) / 2
        yield Reading("database_bytes", size)
        yield Reading("database_connections_ratio", used / most)
        yield Reading("database_clock_difference_seconds", _apart(float(now), between, before))
        if not is_standby:
            cursor.execute(_STANDBYS)
            for slot, connected, behind in cursor.fetchall():
                yield Reading("standby_connected", float(connected), {"slot": slot})
                yield Reading("standby_behind_bytes", float(behind), {"slot": slot})


def _apart(theirs: float, ours: float, before: float) -> float:
    """The difference of two clocks that the time of the question itself can't explain."""
    return max(0.0, abs(theirs - ours) - (ours - before))


@readings(
    "redis",
    expected=(redis.RedisError, OSError),
    queue_length="Messages that wait in Redis, by queue.",
    worker_silent_seconds="Since when nothing that beat asked for has been done; absent when Redis has forgotten.",
    redis_clock_difference_seconds="How far Redis's clock is from this process's.",
    redis_memory_ratio="Memory in use, of what Redis may use; 0 without a limit.",
)
def _redis() -> Iterator[Reading]:
    with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=3) as server:
        for queue in QUEUES:
            # the interface of the library is typed for its asynchronous twin, too
            yield Reading("queue_length", float(str(server.llen(queue))), {"queue": queue})
        before = time.time()
        seconds, microseconds = server.time()
        between = (before + time.time()) / 2
        yield Reading("redis_clock_difference_seconds", _apart(seconds + microseconds / 1e6, between, before))
        memory = dict(server.info("memory"))
        limit = float(memory.get("maxmemory") or 0)
        yield Reading("redis_memory_ratio", float(memory["used_memory"]) / limit if limit else 0.0)
    last = cache.get(health.HEARTBEAT)
    if last is not None:
        yield Reading("worker_silent_seconds", max(0.0, time.time() - last))


@readings(
    "disk",
    expected=(OSError,),
    disk_used_ratio="How full the disk below a folder of ours is.",
    disk_free_bytes="What is free on the disk below a folder of ours.",
)
def _disk() -> Iterator[Reading]:
    for name, folder in (("var", settings.VAR_DIR), ("evidence", settings.EVIDENCE_DIR)):
        yield from disk_readings(name, Path(folder))


@readings(
    "backup",
    expected=(OSError,),
    backup_scheduled="1 where backups are made by themselves (BACKUP_DIR), else 0.",
    backup_seen="1 while somebody who reaches the backups has said within ten minutes how they stand.",
    backup_age_seconds="Age of the last good backup; absent when there is none.",
    backup_log_age_seconds="How old what isn't in the backups yet is, at most.",
    backup_problems="How many things are wrong with the backups.",
    backup_noted_seconds="How old these readings are, where another process looks at the backups.",
)
def _backup() -> Iterator[Reading]:
    yield from backup_readings(clock.now())


@readings(
    "certificate",
    expected=(OSError, ValueError),
    certificate_days="Days until the server's certificate ends; absent where its file can't be read from here.",
)
def _certificate() -> Iterator[Reading]:
    if settings.TLS_CERTIFICATE_FILE:
        ends = certificate_end(Path(settings.TLS_CERTIFICATE_FILE))
        yield Reading("certificate_days", (ends - clock.now()).total_seconds() / 86400)


def certificate_end(file: Path) -> datetime:
    """When the first certificate of a PEM file ends. OSError, ValueError when it can't be read."""
    return x509.load_pem_x509_certificates(file.read_bytes())[0].not_valid_after_utc


@readings(
    "service",
    expected=(),
    build_info="1; the labels say which version runs.",
    migrations_applied="1 when the database has every migration of this version.",
)
def _service() -> Iterator[Reading]:
    yield Reading("build_info", 1, {"version": VERSION, "commit": commit()})
    yield Reading("migrations_applied", float(health.has_newest_migrations()))
