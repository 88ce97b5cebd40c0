"""Receipts and the virus scanner: answering, silent, coming back, and what happens to an infected file."""

import datetime as dt
import io
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from PIL import Image
from scanner_double import EICAR, Scanner, running
from stage import Stage

from core import clock
from core.errors import DomainError
from core.files.intake import FileRefused
from core.notify.models import Mail, Task
from dispatch import receipt_files
from dispatch.models import Dispatch, Receipt
from dispatch.services import add_receipt, lines_with_receipts, receipt_content, remove_receipt
from dispatch.services.scanning import scan_again, scan_waiting


@pytest.fixture(autouse=True)
def _evidence(settings: Any, tmp_path: Path) -> None:
    settings.EVIDENCE_DIR = tmp_path / "evidence"
    settings.CLAMD_TIMEOUT_SECONDS = 0.5


@pytest.fixture
def scanner(settings: Any) -> Iterator[Scanner]:
    """A scanner that is configured and answers."""
    with running() as found:
        settings.CLAMD_ADDRESS = found.address
        yield found


def picture(comment: bytes = b"") -> io.BytesIO:
    out = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(out, "JPEG", comment=comment)
    out.seek(0)
    return out


def added(stage: Stage, dispatch: Dispatch, **values: Any) -> Receipt:
    given: dict[str, Any] = {
        "upload": picture(),
        "purpose": "領収書",
        "line_number": 1,
        "actor": stage.experts["E1"],
        "key": uuid.uuid4().hex,
        **values,
    }
    return add_receipt(dispatch=dispatch, **given)


def files(settings: Any) -> list[Path]:
    return [path for path in Path(settings.EVIDENCE_DIR).rglob("*") if path.is_file()]


def test_a_clean_file_can_be_used_at_once_and_was_scanned_as_it_came(stage: Stage, scanner: Scanner) -> None:
    receipt = added(stage, stage.visited(), upload=picture(b"as it came"))
    assert (receipt.state, receipt.scanned_at is not None) == ("usable", True)
    assert len(scanner.scanned) == 1 and b"as it came" in scanner.scanned[0]


def test_an_infected_file_is_refused_and_sender_and_office_are_told(
    stage: Stage, scanner: Scanner, settings: Any
) -> None:
    dispatch = stage.visited()
    for _ in range(2):  # the same key again: the same refusal, nothing more
        with pytest.raises(FileRefused, match="ウイルス検査で問題"):
            added(stage, dispatch, upload=picture(EICAR), key="bad")
    receipt = Receipt.objects.get()
    assert (receipt.state, receipt.finding, receipt.stored_name) == ("refused", "Eicar-Signature", "")
    assert files(settings) == []
    tasks = Task.objects.open().filter(code="dispatch_receipt_refused")
    assert sorted((task.person_id or 0, task.role) for task in tasks) == [
        (0, "office_operator"),
        (stage.experts["E1"].pk, ""),
    ]
    assert Mail.objects.filter(to="e1@example.jp", subject__contains="ウイルス検査").count() == 1
    assert lines_with_receipts(dispatch) == {}
    with pytest.raises(DomainError, match="拒否"):
        receipt_content(receipt, stage.operator)
    remove_receipt(receipt=receipt, actor=stage.experts["E1"])
    assert not tasks.all().exists()


def test_silence_lets_files_wait_until_the_scanner_answers(
    stage: Stage, settings: Any, scanner: Scanner
) -> None:
    dispatch = stage.visited()
    scanner.silence = None
    receipt = added(stage, dispatch)
    assert receipt.state == "waiting"
    for person in (stage.experts["E1"], stage.operator):
        with pytest.raises(DomainError, match="ウイルス検査が終わるまで"):
            receipt_content(receipt, person)
    assert scan_waiting() == 0
    scanner.silence = 0.0
    assert scan_waiting() == 1
    receipt.refresh_from_db()
    assert receipt.state == "usable"
    with receipt_content(receipt, stage.experts["E1"]) as file:
        assert file.read() == scanner.scanned[0]
    assert scan_waiting() == 0 and len(scanner.scanned) == 1


def test_after_one_silence_the_next_uploads_do_not_wait_for_it(
    stage: Stage, settings: Any, scanner: Scanner
) -> None:
    dispatch = stage.visited()
    scanner.silence = None
    added(stage, dispatch)
    scanner.silence = 0.0
    assert added(stage, dispatch).state == "waiting"
    assert scanner.scanned == []
    assert scan_waiting() == 2


def test_a_scanner_that_was_down_and_is_started_again_is_found(stage: Stage, settings: Any) -> None:
    with running() as first:
        settings.CLAMD_ADDRESS = first.address
    receipt = added(stage, stage.visited())
    assert receipt.state == "waiting" and scan_waiting() == 0
    with running() as second:
        settings.CLAMD_ADDRESS = second.address
        assert scan_waiting() == 1
    receipt.refresh_from_db()
    assert receipt.state == "usable"


def test_what_the_job_finds_is_refused_and_its_bytes_are_destroyed(
    stage: Stage, settings: Any, scanner: Scanner
) -> None:
    dispatch = stage.visited()
    scanner.silence = None
    receipt = added(stage, dispatch)
    assert len(files(settings)) == 2
    scanner.silence, scanner.signatures = 0.0, {b"\xff\xd8\xff": "Test.Jpeg"}
    assert scan_waiting() == 1
    receipt.refresh_from_db()
    assert (receipt.state, receipt.finding, receipt.stored_name) == ("refused", "Test.Jpeg", "")
    assert files(settings) == []
    assert Task.objects.open().filter(code="dispatch_receipt_refused").count() == 2


def test_bytes_of_a_refused_file_go_also_when_the_first_try_was_cut_off(stage: Stage, settings: Any) -> None:
    receipt = added(stage, stage.visited())
    # as if the process had died after the verdict was written and before the file was deleted
    Receipt.objects.filter(pk=receipt.pk).update(state="refused", finding="Test")
    settings.CLAMD_ADDRESS = ""
    scan_waiting()
    receipt.refresh_from_db()
    assert receipt.stored_name == "" and files(settings) == []


def test_one_file_that_is_lost_does_not_keep_the_others_waiting(
    stage: Stage, settings: Any, scanner: Scanner
) -> None:
    dispatch = stage.visited()
    scanner.silence = None
    lost, other = added(stage, dispatch), added(stage, dispatch)
    receipt_files.destroy(lost.stored_name)
    scanner.silence = 0.0
    assert scan_waiting() == 1
    other.refresh_from_db()
    assert other.state == "usable"


def test_what_newer_signatures_find_in_stored_files_is_refused(
    stage: Stage, settings: Any, scanner: Scanner
) -> None:
    dispatch = stage.visited()
    settings.CLAMD_ADDRESS = ""
    never = added(stage, dispatch)
    settings.CLAMD_ADDRESS = scanner.address
    added(stage, dispatch)
    # what was never scanned is due at once, the other after thirty days
    assert scan_again() == 1
    assert scan_again() == 0
    stage.travel(clock.now() + dt.timedelta(days=31))
    scanner.signatures = {b"\xff\xd8\xff": "New.Jpeg"}
    assert scan_again() == 2
    never.refresh_from_db()
    assert (never.state, never.finding, files(settings)) == ("refused", "New.Jpeg", [])


def test_without_a_scanner_the_check_before_going_live_says_so(settings: Any, capfd: Any) -> None:
    for address, told in (("", True), ("127.0.0.1:3310", False), ("unix:/run/clamd.ctl", False)):
        settings.CLAMD_ADDRESS = address
        call_command("check", deploy=True)
        assert ("CLAMD_ADDRESS" in "".join(capfd.readouterr())) is told


def test_an_address_that_is_none_stops_the_start(settings: Any) -> None:
    for address in ("clamd", "clamd:", ":3310", "clamd:99999", "clamd:x"):
        settings.CLAMD_ADDRESS = address
        with pytest.raises(SystemCheckError, match="CLAMD_ADDRESS"):
            call_command("check")
