"""When which backup is due and how long it stays, over simulated weeks."""

import datetime as dt
from pathlib import Path

from core.backup.calendar import due_kind, expired, gaps, is_due, needless_segments, parent_of_next
from core.backup.kept_files import Root, collect_files
from core.backup.repository import BASE, FULL, INCREMENTAL, Repository, Set, stamp
from core.backup.taking import remove_expired
from core.clock import JST

FIRST_NIGHT = dt.datetime(2026, 3, 1, 0, 40, tzinfo=JST)


def one_night(repository: Repository, night: dt.datetime, number: int, folder: Path) -> Set:
    """A small set as the service would add it, and its kept files and a segment of the log."""
    sets = repository.sets()
    kind = due_kind(sets, night)
    name = f"{stamp(night)}-{kind}"
    full = name if kind == FULL else sets[-1].full
    staging = repository.folder / "incoming" / name
    with repository.writing(f"sets/{name}/{BASE}", staging / BASE) as file:
        file.write(b"database")
    collect_files(repository, [Root("evidence", folder)], full, night)
    segment = folder / f"{1:08X}{0:08X}{number:08X}"
    segment.write_bytes(b"log")
    repository.keep_segment(segment)
    segment.unlink()
    new = Set(
        name=name,
        kind=kind,
        full=full,
        parent="" if kind == FULL else sets[-1].name,
        started=night,
        ended=night + dt.timedelta(minutes=5),
        first_segment=segment.name,
        sha256={BASE: file.measured.sha256},
        bytes=8,
    )
    repository.add_set(new, staging)
    return new


def test_a_backup_from_a_clock_that_was_ahead_takes_no_nights_backup_away() -> None:
    def made(at: dt.datetime) -> Set:
        name = f"{stamp(at)}-{FULL}"
        return Set(
            name=name,
            kind=FULL,
            full=name,
            parent="",
            started=at,
            ended=at + dt.timedelta(minutes=5),
            first_segment=f"{1:08X}{0:08X}{1:08X}",
            sha256={},
            bytes=8,
        )

    ahead = made(FIRST_NIGHT + dt.timedelta(days=40))
    assert is_due([ahead], FIRST_NIGHT)
    assert parent_of_next([ahead], FIRST_NIGHT, damaged=(), newest=ahead.name, line="00000001") is None
    todays = made(FIRST_NIGHT)
    assert not is_due([todays, ahead], FIRST_NIGHT + dt.timedelta(hours=3))
    assert is_due([todays, ahead], FIRST_NIGHT + dt.timedelta(days=1))


def test_over_seven_weeks_three_full_backups_with_their_incrementals_remain(tmp_path: Path) -> None:
    repository, evidence = Repository(tmp_path / "backup"), tmp_path / "evidence"
    repository.prepare()
    evidence.mkdir()
    kinds, most = [], 0
    for number in range(49):
        # each night a little later or earlier, as jobs are
        night = FIRST_NIGHT + dt.timedelta(days=number, minutes=[0, 50, 7, 90, 3][number % 5])
        (evidence / "one").write_bytes(bytes([number]))
        assert is_due(repository.sets(), night)
        kinds.append(one_night(repository, night, number, evidence).kind)
        assert not is_due(repository.sets(), night + dt.timedelta(hours=3))
        remove_expired(repository)
        most = max(most, len(repository.sets()))
    assert kinds == [FULL, *[INCREMENTAL] * 6] * 7
    left = repository.sets()
    assert [one.kind for one in left] == [FULL, *[INCREMENTAL] * 6] * 3
    assert most == 21
    # each generation is whole, and nothing of an older one is left anywhere
    for one in left:
        assert repository.chain(one)[0].name == one.full
    fulls = [one.name for one in left if one.kind == FULL]
    assert sorted(path.name for path in (repository.folder / "files").iterdir()) == fulls
    assert repository.segments() == [one.first_segment for one in left]


def test_a_night_without_backup_moves_nothing_and_a_late_full_one_is_made_the_next_night(
    tmp_path: Path,
) -> None:
    repository, evidence = Repository(tmp_path / "backup"), tmp_path / "evidence"
    repository.prepare()
    evidence.mkdir()
    nights = [0, 1, 2, 5, 6, 8, 9]
    kinds = [one_night(repository, FIRST_NIGHT + dt.timedelta(days=n), n, evidence).kind for n in nights]
    assert kinds == [FULL, *[INCREMENTAL] * 4, FULL, INCREMENTAL]


def test_nothing_expires_before_a_fourth_full_backup_exists(tmp_path: Path) -> None:
    repository, evidence = Repository(tmp_path / "backup"), tmp_path / "evidence"
    repository.prepare()
    evidence.mkdir()
    for number in range(21):
        one_night(repository, FIRST_NIGHT + dt.timedelta(days=number), number, evidence)
    assert expired(repository.sets()) == []
    newest = one_night(repository, FIRST_NIGHT + dt.timedelta(days=21), 21, evidence)
    assert newest.kind == FULL
    gone = expired(repository.sets())
    assert [one.kind for one in gone] == [*[INCREMENTAL] * 6, FULL], "what builds on others goes first"


def test_only_segments_from_before_the_oldest_set_are_needless_on_any_line_of_history(tmp_path: Path) -> None:
    repository, evidence = Repository(tmp_path / "backup"), tmp_path / "evidence"
    repository.prepare()
    evidence.mkdir()
    oldest = one_night(repository, FIRST_NIGHT, 5, evidence)
    names = [
        "000000010000000000000004",
        "000000010000000000000005",
        "000000020000000000000006",
        "00000002.history",
    ]
    assert needless_segments([oldest], names) == names[:1]
    assert needless_segments([], names) == []


def test_missing_segments_are_named_also_over_the_end_of_a_numbering_round() -> None:
    kept = ["0000000100000000000000FE", "000000010000000100000001", "000000020000000100000001"]
    assert gaps(kept, "0000000100000000000000FE") == ["0000000100000000000000FF", "000000010000000100000000"]
    assert gaps(kept, "0000000100000000000000FD")[0] == "0000000100000000000000FD"
