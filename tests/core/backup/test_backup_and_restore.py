"""Backups of a real PostgreSQL: made while work goes on, damaged, lost, restored to a moment."""

import datetime as dt
import subprocess
import threading
from pathlib import Path

import psycopg
import pytest
from backup_place import Place

from core import clock
from core.backup.own_servers import restore_in_place
from core.backup.repository import BASE, FULL, INCREMENTAL, BackupError, Set
from core.backup.taking import collect, take_backup
from core.backup.verifying import verify_all

MARKER = "秘密の値ABCDEFG"


def back_up(place: Place, kind: str = "") -> Set:
    return take_backup(repository=place.repository, cluster=place.cluster, roots=place.roots, kind=kind)


def collect_now(place: Place) -> int:
    return collect(repository=place.repository, cluster=place.cluster, roots=place.roots)


def restore(place: Place, to: dt.datetime | None = None) -> None:
    restore_in_place(
        repository=place.repository,
        cluster=place.cluster,
        roots=place.roots,
        var_dir=place.var_dir,
        to=to,
    )


def moment(place: Place) -> dt.datetime:
    """A moment by the database's clock, between what was committed before and what comes."""
    (now,) = place.sql("SELECT clock_timestamp() FROM (SELECT pg_sleep(0.01)) AS waited")
    assert isinstance(now, dt.datetime)
    return now


def test_everything_is_lost_and_comes_back_as_it_was_at_a_moment(place: Place) -> None:
    place.sql(f"CREATE TABLE paid AS SELECT n, '{MARKER}' AS note FROM generate_series(1, 1000) AS n")
    (place.evidence / "first").write_bytes(b"receipt 1")
    assert back_up(place).kind == FULL
    place.sql("INSERT INTO paid SELECT n FROM generate_series(1001, 1500) AS n")
    (place.evidence / "second").write_bytes(b"receipt 2")
    (place.evidence / "gone").write_bytes(b"deleted before the second backup")
    collect_now(place)
    (place.evidence / "gone").unlink()
    assert back_up(place).kind == INCREMENTAL
    (place.evidence / "third").write_bytes(b"receipt 3")
    place.sql("INSERT INTO paid VALUES (1501)")
    to = moment(place)
    place.sql("DELETE FROM paid")
    collect_now(place)
    place.destroy()
    restore(place, to)
    assert place.sql("SELECT count(*), sum(n) FROM paid") == (1501, 1501 * 1502 // 2)
    assert {path.name: path.read_bytes() for path in place.evidence.iterdir()} == {
        "first": b"receipt 1",
        "second": b"receipt 2",
        "third": b"receipt 3",
    }
    # work goes on, on a new line of history, and the next backup stands by itself
    place.sql("INSERT INTO paid VALUES (1502)")
    assert back_up(place).kind == FULL
    assert verify_all(place.repository) == []
    place.destroy()
    restore(place)
    assert place.sql("SELECT count(*) FROM paid") == (1502,)
    # nothing in the repository can be read without the key
    found = subprocess.run(
        ["grep", "-rlaF", MARKER, place.repository.folder], capture_output=True, check=False
    )
    assert found.stdout == b""


def test_writes_go_on_during_the_backup_and_none_that_was_committed_is_missing(place: Place) -> None:
    place.sql("CREATE TABLE written (n int)")
    back_up(place)
    committed: list[int] = []
    stop = threading.Event()
    url = place.cluster.url

    def write() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not stop.is_set():
                connection.execute("INSERT INTO written VALUES (%s)", [len(committed)])
                committed.append(len(committed))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        before = len(committed)
        back_up(place)
        during = len(committed) - before
    finally:
        stop.set()
        writer.join()
    assert during > 0
    collect_now(place)
    place.destroy()
    restore(place)
    assert place.sql("SELECT count(*), max(n) FROM written") == (len(committed), len(committed) - 1)


def test_damage_is_found_named_and_never_restored(place: Place) -> None:
    one = back_up(place)
    to = moment(place)
    collect_now(place)
    assert verify_all(place.repository) == []
    base = place.repository.folder / "sets" / one.name / BASE
    content = bytearray(base.read_bytes())
    content[len(content) // 2] ^= 1
    base.write_bytes(content)
    (problem,) = verify_all(place.repository)
    assert one.name in problem and "壊れています" in problem
    before = place.sql("SELECT system_identifier FROM pg_control_system()")
    from config import servers

    servers.detach(place.var_dir)
    with pytest.raises(BackupError, match="壊れています"):
        restore(place, to)
    place.start()
    assert place.sql("SELECT system_identifier FROM pg_control_system()") == before
    base.write_bytes(content[: len(content) // 2])
    assert verify_all(place.repository)


def test_a_missing_segment_and_an_exchanged_file_are_found(place: Place) -> None:
    back_up(place)
    for number in range(3):
        place.sql(f"CREATE TABLE t{number} ()")
        collect_now(place)
    segments = [name for name in place.repository.segments() if len(name) == 24]
    folder = place.repository.folder / "wal"
    kept = (folder / segments[-2]).read_bytes()
    (folder / segments[-2]).unlink()
    (problem,) = verify_all(place.repository)
    assert segments[-2] in problem and "欠けています" in problem
    (folder / segments[-2]).write_bytes((folder / segments[-1]).read_bytes())
    assert any(segments[-2] in problem for problem in verify_all(place.repository))
    (folder / segments[-2]).write_bytes(kept)
    assert verify_all(place.repository) == []


def test_moments_nobody_can_go_to_are_refused_before_anything_is_touched(place: Place) -> None:
    too_early = moment(place)
    with pytest.raises(BackupError, match="使っている処理があります"):
        restore(place, too_early)
    back_up(place)
    place.destroy()
    with pytest.raises(BackupError, match="それより前の"):
        restore(place, too_early)
    with pytest.raises(BackupError, match="それより後の"):
        restore(place, clock.now() + dt.timedelta(hours=1))
    place.start()


def test_without_the_key_the_refusal_says_so(place: Place, settings: object) -> None:
    back_up(place)
    place.destroy()
    from core.secrets import new_key

    settings.FIELD_KEYS = [new_key()]  # type: ignore[attr-defined]
    with pytest.raises(BackupError, match="FIELD_KEYS"):
        restore(place)
    place.start()


def test_a_failed_backup_leaves_the_former_ones(place: Place) -> None:
    first = back_up(place)
    place.destroy()
    with pytest.raises((BackupError, psycopg.OperationalError)):
        back_up(place)
    assert [one.name for one in place.repository.sets()] == [first.name]
    assert list((Path(place.repository.folder) / "incoming").iterdir()) == []
    place.start()
