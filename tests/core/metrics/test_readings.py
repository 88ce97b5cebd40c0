"""The readings, taken from a real database, a real Redis and a real disk."""

import datetime as dt
import json
import time
from pathlib import Path
from typing import Any

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from core.audit.acting import SYSTEM
from core.jobs.models import Job
from core.jobs.tasks import note_heartbeat
from core.metrics import noted
from core.metrics.registry import HELP, take
from core.notify.models import Mail
from core.notify.services import queue_text


def values(name: str) -> dict[str, float]:
    """The readings of this name, by their first label."""
    return {"".join(each.labels.values()): each.value for each in take() if each.name == name}


def job(kind: str, status: str, minutes: int) -> Job:
    moment = timezone.now() - dt.timedelta(minutes=minutes)
    made = Job.objects.create(kind=kind, title=kind, status=status, started_at=moment, ended_at=moment)
    Job.objects.filter(pk=made.pk).update(created_at=moment)
    return made


@pytest.mark.django_db
def test_jobs_are_read_by_kind_with_the_age_of_the_oldest() -> None:
    for kind, status, minutes in (
        ("verify_audit", "queued", 10),
        ("verify_audit", "queued", 3),
        ("load_exchange", "running", 90),
        ("load_exchange", "failed", 60),
        ("load_exchange", "failed", 60 * 25),
        ("load_exchange", "done", 500),
    ):
        job(kind, status, minutes)
    assert values("jobs_waiting") == {"verify_audit": 2}
    assert values("jobs_waiting_oldest_seconds")["verify_audit"] == pytest.approx(600, abs=30)
    assert values("jobs_running_oldest_seconds")["load_exchange"] == pytest.approx(5400, abs=30)
    assert values("jobs_failed") == {"": 1}


@pytest.mark.django_db
def test_mails_that_wait_and_mails_that_failed_are_counted() -> None:
    for number, state in enumerate(("queued", "failed", "unsure", "sent")):
        mail = queue_text(
            to="a@example.jp", subject="件名", body="本文", key=f"m{number}", actor=SYSTEM,
            concerns=Mail.Concern.WORK, keeps_body=True,
        )  # fmt: skip
        Mail.objects.filter(pk=mail.pk).update(
            state=state, created_at=timezone.now() - dt.timedelta(minutes=30)
        )
    assert values("mails_waiting") == {"": 1}
    assert values("mails_failed") == {"": 2}
    assert values("mails_waiting_oldest_seconds")[""] == pytest.approx(1800, abs=30)


@pytest.mark.django_db
def test_a_database_has_a_size_connections_and_a_clock_like_ours() -> None:
    assert values("database_bytes")[""] > 1_000_000
    assert 0 < values("database_connections_ratio")[""] < 1
    assert values("database_clock_difference_seconds")[""] < 5


@pytest.mark.django_db
def test_what_waits_in_redis_is_counted_by_queue(settings: Any) -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as server:
        before = values("queue_length")["seal"]
        server.lpush("seal", "one", "two")
        try:
            assert values("queue_length")["seal"] == before + 2
        finally:
            server.lpop("seal", 2)


@pytest.mark.django_db
def test_the_workers_silence_counts_from_its_last_beat() -> None:
    assert values("worker_silent_seconds") == {}
    note_heartbeat()
    assert values("worker_silent_seconds")[""] < 60


@pytest.mark.django_db
def test_the_readings_take_the_same_number_of_queries_whatever_there_is() -> None:
    with CaptureQueriesContext(connection) as empty:
        take()
    for number in range(20):
        job(("verify_audit", "load_exchange")[number % 2], ("queued", "running")[number % 2], number)
    with CaptureQueriesContext(connection) as full:
        take()
    assert len(full) == len(empty) <= 9


@pytest.mark.django_db
def test_redis_that_is_away_leaves_the_others_readable(settings: Any, caplog: Any) -> None:
    settings.REDIS_URL = "redis://:canary-secret@127.0.0.1:1/0"
    answers = values("part_answers")
    assert answers["redis"] == 0
    assert answers["database"] == answers["disk"] == 1
    assert values("queue_length") == {}
    assert "canary" not in caplog.text


def test_a_database_that_is_away_leaves_the_others_readable(fresh_database: Any, client: Client) -> None:
    name = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = "nothing_here"
    try:
        answer = client.get("/metrics")
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name
    assert answer.status_code == 200
    text = answer.content.decode()
    assert 'office_part_answers{part="database"} 0.0' in text
    assert 'office_part_answers{part="redis"} 1.0' in text
    assert "office_migrations_applied 0.0" in text


@pytest.mark.django_db
def test_prometheus_reads_every_reading_and_knows_what_it_is(client: Client) -> None:
    job("verify_audit", "queued", 1)
    answer = client.get("/metrics")
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "no-store" in answer["Cache-Control"]
    families = {each.name: each for each in text_string_to_metric_families(answer.content.decode())}
    taken = {f"office_{each.name}" for each in take()}
    assert set(families) == taken
    assert all(each.documentation for each in families.values())
    assert families["office_jobs_waiting"].samples[0].labels == {"kind": "verify_audit"}
    assert client.post("/metrics").status_code == 405


def test_every_reading_that_is_declared_is_explained() -> None:
    assert all(text.endswith(".") for text in HELP.values())


def _certificate(file: Path, days: float) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "office.go.test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))


@pytest.mark.django_db
def test_the_certificates_days_are_counted_where_it_can_be_read(settings: Any, tmp_path: Path) -> None:
    assert values("certificate_days") == {}
    settings.TLS_CERTIFICATE_FILE = str(tmp_path / "certificate")
    assert values("part_answers")["certificate"] == 0
    _certificate(tmp_path / "certificate", 20)
    assert values("certificate_days")[""] == pytest.approx(20, abs=0.1)


@pytest.mark.django_db
def test_the_disk_is_as_full_as_df_says() -> None:
    used = values("disk_used_ratio")
    assert set(used) == {"var", "evidence"}
    assert all(0 < value < 1 for value in used.values())


@pytest.mark.django_db
def test_backups_are_read_where_they_lie_and_from_what_another_process_noted(
    settings: Any, tmp_path: Path
) -> None:
    cache.delete(noted.KEY)
    assert values("backup_scheduled") == {"": 0}
    settings.BACKUP_SCHEDULED, settings.BACKUP_DIR = True, tmp_path
    assert values("backup_problems") == {"": 1}, "there is none yet"
    assert "backup" in values("disk_used_ratio")
    # elsewhere the place can't be reached: what was noted counts
    settings.BACKUP_DIR = tmp_path / "elsewhere"
    assert (values("backup_problems"), values("backup_seen")) == ({}, {"": 0})
    seen = {"at": time.time() - 30, "age": 7200.0, "log_age": 40.0, "problems": 0}
    cache.set(noted.KEY, json.dumps({**seen, "disk": [["disk_used_ratio", 0.5]]}), 60)
    assert values("backup_age_seconds") == {"": 7200}
    assert values("backup_noted_seconds")[""] == pytest.approx(30, abs=5)
    assert values("disk_used_ratio")["backup"] == 0.5
    noted.note(dt.datetime.now(dt.UTC))
    assert values("backup_age_seconds") == {}
