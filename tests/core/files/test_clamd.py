"""The scanner's protocol: verdicts, silence and broken answers (core/files/clamd.py)."""

import datetime as dt
from pathlib import Path

import pytest
from scanner_double import EICAR, running

from core.files.clamd import ScannerSilent, Verdict, scan, signatures_from


def test_what_is_clean_passes_whole() -> None:
    content = bytes(range(256)) * 1000
    with running() as scanner:
        assert scan(content, address=scanner.address, timeout=5) == Verdict(True)
        assert scanner.scanned == [content]


def test_eicar_is_found_over_a_unix_socket_as_well(tmp_path: Path) -> None:
    for path in (None, tmp_path / "clamd.ctl"):
        with running(path) as scanner:
            verdict = scan(b"x" * 70_000 + EICAR, address=scanner.address, timeout=5)
            assert verdict == Verdict(False, "Eicar-Signature")


def test_what_the_scanner_finds_too_large_is_not_clean() -> None:
    with running() as scanner:
        scanner.most_bytes = 1000
        verdict = scan(b"x" * 5_000_000, address=scanner.address, timeout=5)
        assert not verdict.clean and "大きさ" in verdict.finding


def test_nobody_there_is_silence(tmp_path: Path) -> None:
    with running() as scanner:
        address = scanner.address
    for nobody in (address, f"unix:{tmp_path}/none", "127.0.0.1", "127.0.0.1:none"):
        with pytest.raises(ScannerSilent):
            scan(b"x", address=nobody, timeout=1)


def test_no_answer_in_time_is_silence() -> None:
    with running() as scanner:
        scanner.silence = None
        with pytest.raises(ScannerSilent):
            scan(b"x", address=scanner.address, timeout=0.2)


@pytest.mark.parametrize(
    "words",
    [b"", b"stream: OK", b"stream: O\0", b"UNKNOWN COMMAND\0", b"OK\0", b"stream: OK FOUND OK\0", b"\xff\0"],
)
def test_whatever_is_no_verdict_is_silence_and_never_clean(words: bytes) -> None:
    with running() as scanner:
        scanner.words = words
        with pytest.raises(ScannerSilent):
            scan(b"x", address=scanner.address, timeout=2)


def test_the_scanner_says_how_old_its_signatures_are() -> None:
    with running() as scanner:
        assert signatures_from(address=scanner.address, timeout=5) == dt.datetime(
            2026, 1, 2, 9, 5, 6, tzinfo=dt.UTC
        )
