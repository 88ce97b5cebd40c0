"""Changing the key: backups made before stay restorable, and the old key alone opens none of them any more."""

from typing import Any

import pytest
from backup_place import Place, back_up, collect_now, moment, restore

from core.backup.rekeying import last_needing_old_keys, missing_keys, rewrap_backups
from core.backup.repository import BackupError
from core.backup.verifying import verify_all
from core.secrets import key_marks, new_key


def test_after_the_old_key_is_gone_backups_made_under_it_come_back_to_the_moment(
    place: Place, settings: Any
) -> None:
    old, new = new_key(), new_key()
    settings.FIELD_KEYS = [old]
    (mark,) = key_marks()
    place.sql("CREATE TABLE paid AS SELECT n FROM generate_series(1, 100) AS n")
    (place.evidence / "receipt").write_bytes(b"receipt")
    first = back_up(place)
    to = moment(place)
    place.sql("INSERT INTO paid VALUES (101)")
    second = back_up(place)
    collect_now(place)
    times = {name: place.repository.segment_time(name) for name in place.repository.segments()}

    settings.FIELD_KEYS = [new, old]
    files = place.repository.files()
    assert rewrap_backups(place.repository) == len(files)
    assert rewrap_backups(place.repository) == 0, "whoever is killed begins again and finds the rest"
    assert place.repository.files() == files
    # the moment of a segment is its time
    assert {name: place.repository.segment_time(name) for name in place.repository.segments()} == times

    settings.FIELD_KEYS = [old]
    with pytest.raises(BackupError, match="FIELD_KEYS"):
        place.repository.sets()
    settings.FIELD_KEYS = [new]
    assert verify_all(place.repository) == []
    # the values in a backup stay under the key of its time, which it names without telling it
    assert missing_keys(place.repository) == {first.name: [mark], second.name: [mark]}
    assert last_needing_old_keys(place.repository) == second.name
    assert len(mark) == 8 and mark not in old
    place.destroy()
    restore(place, to)
    assert place.sql("SELECT count(*) FROM paid") == (100,)
    assert (place.evidence / "receipt").read_bytes() == b"receipt"
