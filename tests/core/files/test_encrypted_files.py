"""Files of the vault: what is written comes back, nothing on the disk says what it was, no change goes unnoticed."""

import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from core.files.cipher import CHUNK, Damaged
from core.files.vault import Vault, random_name, rewrap_files
from core.secrets import Unreadable, new_key

MARKER = b"MARKER 1234567 "


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "kept")


def only_file(vault: Vault) -> Path:
    (path,) = vault.folder.iterdir()
    return path


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7])
def test_any_size_comes_back_and_shows_nothing(vault: Vault, size: int) -> None:
    content = (MARKER * (size // len(MARKER) + 1))[:size]
    vault.save("list.csv", [content[:10], content[10:]])
    with vault.open("list.csv") as file:
        assert file.read() == content
    assert vault.size("list.csv") == size
    raw = only_file(vault).read_bytes()
    assert MARKER not in raw
    assert "list" not in only_file(vault).name


def test_the_same_file_kept_twice_has_other_bytes_and_the_newer_one_counts(vault: Vault) -> None:
    vault.save("a", [b"first"])
    before = only_file(vault).read_bytes()
    vault.save("a", [b"first"])
    assert only_file(vault).read_bytes() != before


def test_it_can_be_read_from_any_place_as_workbooks_need(vault: Vault) -> None:
    with vault.create("book") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one", MARKER * 20_000)
        archive.writestr("two", os.urandom(3 * CHUNK))
    with vault.open("book") as file, zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert archive.read("one") == MARKER * 20_000


def test_a_block_that_fails_leaves_the_older_file_and_no_remains(vault: Vault) -> None:
    vault.save("a", [b"older"])
    with pytest.raises(ValueError, match="stop"), vault.create("a") as file:
        file.write(b"newer" * CHUNK)
        raise ValueError("stop")
    with vault.open("a") as file:
        assert file.read() == b"older"
    only_file(vault)


def test_every_altered_byte_is_noticed(vault: Vault) -> None:
    vault.save("a", [MARKER * 10])
    path = only_file(vault)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises((Damaged, Unreadable)), vault.open("a") as file:
            file.read()


def test_chunks_can_be_neither_cut_off_nor_swapped_nor_taken_from_another_file(vault: Vault) -> None:
    vault.save("a", [os.urandom(4 * CHUNK)])
    path = only_file(vault)
    whole = path.read_bytes()
    step = CHUNK + 16
    head = whole[: len(whole) - 4 * step]
    body = [whole[len(head) + n * step :][:step] for n in range(4)]
    vault.save("b", [os.urandom(4 * CHUNK)])
    other = next(p for p in vault.folder.iterdir() if p != path).read_bytes()
    for forged in (
        head + b"".join(body[:3]),
        head + body[1] + body[0] + body[2] + body[3],
        head + body[0] + body[1] + body[3],
        head + b"".join(body) + body[3],
        head + other[len(head) :],
        whole[:-1],
        whole[:20],
        b"",
    ):
        path.write_bytes(forged)
        with pytest.raises(Damaged), vault.open("a") as file:
            file.read()


def test_no_file_can_be_put_in_anothers_place(vault: Vault) -> None:
    vault.save("zengin.txt", [b"to these accounts"])
    right = only_file(vault)
    vault.save("other", [b"to those accounts"])
    (other,) = (path for path in vault.folder.iterdir() if path != right)
    other.replace(right)
    with pytest.raises(Damaged), vault.open("zengin.txt") as file:
        file.read()


def test_R_025_files_move_to_the_newest_key_and_need_the_old_one_no_longer(
    vault: Vault, settings: Any
) -> None:
    old, new = new_key(), new_key()
    settings.FIELD_KEYS = [old]
    vault.save("a", [MARKER * 10_000])
    settings.FIELD_KEYS = [new, old]
    assert rewrap_files(vault.folder) == 1
    assert rewrap_files(vault.folder) == 0
    settings.FIELD_KEYS = [new]
    with vault.open("a") as file:
        assert file.read() == MARKER * 10_000
    settings.FIELD_KEYS = [old]
    with pytest.raises(Unreadable):
        vault.open("a")


def test_files_of_nobody_else_are_readable_by_the_service_alone(vault: Vault) -> None:
    vault.save(random_name(), [b"x"])
    assert only_file(vault).stat().st_mode & 0o077 == 0
