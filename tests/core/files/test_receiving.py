"""Uploads beyond the memory's share are encrypted while they arrive and leave nothing behind."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest
from django.test import RequestFactory

from core.files.receiving import EncryptedUploadHandler

CONTENT = b"MARKER 1234567 " * 600_000


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.UPLOAD_DIR = tmp_path
    return tmp_path / "receiving"


def posted(content: bytes) -> HttpRequest:
    return RequestFactory().post("/", {"uploads": SimpleUploadedFile("experts.csv", content)})


def test_a_large_upload_comes_in_whole_and_is_no_file_of_django(folder: Path) -> None:
    upload = posted(CONTENT).FILES["uploads"]
    assert not hasattr(upload, "temporary_file_path")
    assert (upload.name, upload.size) == ("experts.csv", len(CONTENT))
    assert list(folder.iterdir()) == []
    assert b"".join(upload.chunks()) == CONTENT
    assert b"".join(upload.chunks()) == CONTENT
    upload.close()


def test_what_has_arrived_is_encrypted_and_goes_when_the_sender_does(folder: Path) -> None:
    handler = EncryptedUploadHandler()
    handler.new_file("uploads", "experts.csv", "text/csv", None)
    for start in range(0, len(CONTENT), 64 * 1024):
        handler.receive_data_chunk(CONTENT[start : start + 64 * 1024], start)
    (arriving,) = folder.iterdir()
    assert arriving.stat().st_size > 1_000_000
    assert b"1234567" not in arriving.read_bytes()
    handler.upload_interrupted()
    assert list(folder.iterdir()) == []


def test_a_small_upload_stays_in_memory(folder: Path) -> None:
    assert b"".join(posted(b"x").FILES["uploads"].chunks()) == b"x"
    assert not folder.exists() or list(folder.iterdir()) == []
