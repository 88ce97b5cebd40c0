"""Where the tests keep their data."""

from pathlib import Path

from config.test_place import BASE, place

DISK = BASE / "build" / "test"


def test_in_memory_where_there_is_room(tmp_path: Path) -> None:
    found = place(tmp_path, room=1)
    assert found.parent == tmp_path
    assert found.stat().st_mode & 0o777 == 0o700
    # taken once it stays, whatever others have filled since
    assert place(tmp_path, room=2**60) == found


def test_on_the_disk_where_there_is_none(tmp_path: Path) -> None:
    assert place(tmp_path, room=2**60) == DISK
    assert place(tmp_path / "missing", room=1) == DISK


def test_what_somebody_else_has_put_there_is_not_used(tmp_path: Path) -> None:
    found = place(tmp_path, room=1)
    found.rmdir()
    (tmp_path / "elsewhere").mkdir()
    found.symlink_to(tmp_path / "elsewhere")
    assert place(tmp_path, room=1) == DISK
    found.unlink()
    found.write_text("")
    assert place(tmp_path, room=1) == DISK
