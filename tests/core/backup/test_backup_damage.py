"""Backups that are damaged, incomplete, exchanged or under another key: found, told, replaced, never restored."""

import datetime as dt
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from backup_place import Place, back_up, collect_now, moment, restore

from config import servers
from config.servers.layout import load_state
from core.backup import tasks
from core.backup.checking import check_all
from core.backup.repository import (
    BASE,
    DATABASE_MANIFEST,
    FULL,
    INCREMENTAL,
    LISTING,
    SET,
    BackupError,
    Repository,
)
from core.backup.restoring import bring_files, newest_moment
from core.backup.verifying import needs_new_one, verify_all
from core.backup.watching import standing
from core.notify.models import Task
from core.secrets import new_key

Spoil = Callable[[Path], None]


def flip(path: Path, share: float = 0.5) -> None:
    """One bit of a file, at that share of its length."""
    content = bytearray(path.read_bytes())
    content[min(int(len(content) * share), len(content) - 1)] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


def newest(repository: Repository, what: str) -> Path:
    """A file of the newest backup, or of the log or the kept files beside it."""
    one = repository.sets()[-1]
    if what == "wal":
        return repository.folder / "wal" / [name for name in repository.segments() if len(name) == 24][-2]
    if what in ("tar", "json"):
        return sorted((repository.folder / "files" / one.full).glob(f"*.{what}"))[-1]
    return repository.folder / "sets" / one.name / what


@pytest.fixture(scope="module")
def kept(made_once: Path) -> Iterator[Path]:
    """The backups of a few nights, made once: whoever spoils them takes a copy."""
    parent = Path(tempfile.mkdtemp(prefix="kept-"))
    subprocess.run(["cp", "-a", made_once, parent / "var"], check=True)
    place = Place(parent / "var", Repository(parent / "backup"))
    place.start()
    for number in range(2):
        place.sql(f"CREATE TABLE t{number} AS SELECT n FROM generate_series(1, 2000) AS n")
        (place.evidence / f"receipt-{number}").write_bytes(b"receipt" * 3000)
        back_up(place)
        collect_now(place)
    servers.detach(place.var_dir)
    yield parent / "backup"
    shutil.rmtree(load_state(parent / "var").socket_dir, ignore_errors=True)
    shutil.rmtree(parent)


@pytest.fixture
def copied(kept: Path, tmp_path: Path) -> Repository:
    shutil.copytree(kept, tmp_path / "backup")
    return Repository(tmp_path / "backup")


BIT = "a bit within"
SPOILS: dict[str, Spoil] = {
    BIT: flip,
    "a bit in the head": lambda path: flip(path, 0.03),
    "the last byte": lambda path: flip(path, 1),
    "cut off": cut,
    "gone": Path.unlink,
}
WAYS = [
    *[(what, way) for what in (BASE, "wal") for way in SPOILS],
    *[
        (what, way)
        for what in (DATABASE_MANIFEST, LISTING, SET, "tar", "json")
        for way in (BIT, "cut off", "gone")
    ],
]


@pytest.mark.parametrize(("what", "way"), WAYS, ids=[f"{what}, {way}" for what, way in WAYS])
def test_whatever_is_spoilt_is_found_with_its_name(copied: Repository, what: str, way: str) -> None:
    path = newest(copied, what)
    place = str(path.relative_to(copied.folder))
    SPOILS[way](path)
    problems = verify_all(copied)
    assert problems, f"{place} is spoilt and nobody noticed"
    assert any(place.split("/")[1] in problem.words for problem in problems)
    # a backup that can't be trusted is followed by a new one that stands by itself
    assert needs_new_one(copied, problems)


def test_what_is_whole_has_no_problems_and_needs_nothing(copied: Repository) -> None:
    assert verify_all(copied) == []
    assert not needs_new_one(copied, [])


def test_files_put_in_each_others_place_are_found(copied: Repository) -> None:
    first, second, *_ = copied.sets()
    one, other = (copied.folder / "sets" / name for name in (first.name, second.name))
    aside = copied.folder / "aside"
    one.rename(aside)
    other.rename(one)
    aside.rename(other)
    assert {problem.damaged for problem in verify_all(copied)} >= {first.name, second.name}
    wal = [copied.folder / "wal" / name for name in copied.segments()[:2]]
    shutil.copy(wal[0], wal[1])
    assert any(wal[1].name in problem.words for problem in verify_all(copied))


def test_under_another_key_everything_is_refused_and_nothing_is_deleted(
    copied: Repository, settings: Any
) -> None:
    before = copied.files()
    settings.FIELD_KEYS = [new_key()]
    (problem,) = verify_all(copied)
    assert "FIELD_KEYS" in problem.words
    with pytest.raises(BackupError, match="FIELD_KEYS"):
        copied.sets()
    assert standing(copied, dt.datetime.now(dt.UTC)).problems
    assert copied.files() == before


@pytest.mark.django_db
def test_the_daily_check_tells_the_administrators_and_makes_a_new_full_backup_at_once(
    place: Place, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BACKUP_DIR, settings.BACKUP_SCHEDULED = place.repository.folder, True
    monkeypatch.setattr(tasks, "own_cluster", lambda: place.cluster)
    monkeypatch.setattr(tasks, "own_roots", lambda: place.roots)
    back_up(place)
    second = back_up(place)
    assert (second.kind, tasks.verify_backups()) == (INCREMENTAL, 0)
    flip(place.repository.folder / "sets" / second.name / BASE)
    assert tasks.verify_backups() == 1
    (task,) = Task.objects.filter(code="backup_alarm", closed_at=None)
    assert second.name in task.note
    third = place.repository.sets()[-1]
    assert third.kind == FULL
    # the damaged one stays an alarm, and out of use, until somebody says that it is known
    assert not tasks.watch_backups()
    assert back_up(place).parent == third.name
    assert check_all(place.repository, dt.datetime.now(dt.UTC), accept=True)
    assert tasks.watch_backups()
    assert not Task.objects.filter(code="backup_alarm", closed_at=None).exists()
    assert tasks.verify_backups() == 1
    assert tasks.watch_backups(), "what is known is no new alarm"


def test_with_a_damaged_backup_an_older_one_and_the_log_lead_to_the_same_moment(place: Place) -> None:
    place.sql("CREATE TABLE paid AS SELECT n FROM generate_series(1, 100) AS n")
    back_up(place)
    place.sql("INSERT INTO paid VALUES (101)")
    second = back_up(place)
    place.sql("INSERT INTO paid VALUES (102)")
    to = moment(place)
    place.sql("DELETE FROM paid")
    collect_now(place)
    base = place.repository.folder / "sets" / second.name / BASE
    whole = base.read_bytes()
    flip(base)
    place.destroy()
    restore(place, to)
    assert place.sql("SELECT count(*), max(n) FROM paid") == (102, 102)
    # and with no whole backup at all the refusal comes before anything is touched
    for one in place.repository.sets():
        cut(place.repository.folder / "sets" / one.name / BASE)
    servers.detach(place.var_dir)
    with pytest.raises(BackupError, match="壊れています"):
        restore(place, to)
    place.start()
    assert place.sql("SELECT count(*) FROM paid") == (102,)
    assert len(whole) > 0


def test_a_file_whose_newest_copy_is_damaged_comes_from_another_generation_and_only_what_none_has_is_lost(
    place: Place,
) -> None:
    (place.evidence / "old").write_bytes(b"receipt 1")
    first = back_up(place)
    (place.evidence / "young").write_bytes(b"receipt 2")
    second = back_up(place, FULL)
    (collection,) = (place.repository.folder / "files" / second.name).glob("*.tar")
    flip(collection)
    to = newest_moment(place.repository)
    for path in place.evidence.iterdir():
        path.unlink()
    count, lost = bring_files(place.repository, second, to, place.roots)
    assert (place.evidence / "old").read_bytes() == b"receipt 1"
    assert lost == ["evidence/young"]
    assert count >= 1
    assert first.name != second.name
