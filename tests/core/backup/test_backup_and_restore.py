"""Backups of a real PostgreSQL: made while work goes on, damaged, lost, restored to a moment."""

import datetime as dt
import subprocess
import threading
from pathlib import Path

import psycopg
import pytest
from backup_place import Place, back_up, collect_now, moment, restore

from core import clock
from core.backup.repository import FULL, INCREMENTAL, BackupError
from core.backup.verifying import verify_all

MARKER = "秘密の値ABCDEFG"


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
    with pytest.raises(BackupError, match="接続できません"):
        back_up(place)
    assert [one.name for one in place.repository.sets()] == [first.name]
    assert list((Path(place.repository.folder) / "incoming").iterdir()) == []
    place.start()
