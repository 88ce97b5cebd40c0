"""Receipts of a dispatch: who adds, sees and removes them, and what lies on the disk."""

import datetime as dt
import io
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.db import ProgrammingError, transaction
from PIL import Image
from stage import Stage

from core.audit.models import Access, Change
from core.errors import DomainError, NotAllowed
from core.files.cipher import Damaged
from core.files.intake import FileRefused
from core.files.vault import rewrap_files
from core.secrets import new_key
from dispatch import receipt_files
from dispatch.models import Dispatch, Receipt
from dispatch.selectors import timeline
from dispatch.services import (
    ReportData,
    add_receipt,
    edit_token,
    lines_with_receipts,
    place_receipts,
    receipt_content,
    receipt_thumbnail,
    receipts_of,
    remove_receipt,
    submit_report,
)


@pytest.fixture(autouse=True)
def _evidence(settings: Any, tmp_path: Path) -> None:
    settings.EVIDENCE_DIR = tmp_path / "evidence"


def picture(size: tuple[int, int] = (60, 40), **options: Any) -> bytes:
    """A small JPEG."""
    out = io.BytesIO()
    Image.new("RGB", size, "white").save(out, "JPEG", **options)
    return out.getvalue()


def upload(content: bytes | None = None, name: str = "領収書.jpg") -> io.BytesIO:
    """A file as a request brings it."""
    file = io.BytesIO(picture() if content is None else content)
    file.name = name
    return file


def added(stage: Stage, dispatch: Dispatch, **values: Any) -> Receipt:
    """A receipt the expert of the dispatch added."""
    given: dict[str, Any] = {
        "upload": upload(),
        "purpose": "領収書",
        "line_number": 1,
        "actor": stage.experts[dispatch.expert.code],
        "key": uuid.uuid4().hex,
        **values,
    }
    return add_receipt(dispatch=dispatch, **given)


def test_an_expert_adds_a_receipt_and_opens_it(stage: Stage) -> None:
    dispatch = stage.visited()
    receipt = added(stage, dispatch)
    assert (receipt.state, receipt.media_type) == ("usable", "image/jpeg")
    assert (receipt.width, receipt.height, receipt.line_number) == (60, 40, 1)
    with receipt_content(receipt, stage.experts["E1"]) as file:
        content = file.read()
    assert Image.open(io.BytesIO(content)).size == (60, 40)
    with receipt_thumbnail(receipt, stage.experts["E1"]) as file:
        assert Image.open(io.BytesIO(file.read())).format == "JPEG"
    assert Access.objects.filter(table="dispatch_receipt", what="evidence").count() == 2


def test_the_same_key_adds_once(stage: Stage) -> None:
    dispatch = stage.visited()
    first = added(stage, dispatch, key="k1")
    again = added(stage, dispatch, key="k1", purpose="半券")
    assert again == first and Receipt.objects.count() == 1


def test_nothing_plain_lies_on_the_disk(stage: Stage, settings: Any) -> None:
    receipt = added(stage, stage.visited())
    files = [path for path in Path(settings.EVIDENCE_DIR).rglob("*") if path.is_file()]
    assert len(files) == 2
    for path in files:
        stored = path.read_bytes()
        assert b"\xff\xd8\xff" not in stored and b"JFIF" not in stored
        assert receipt.stored_name not in path.name and "領収書" not in path.name


def test_only_those_of_the_dispatch_and_the_office_see_it(stage: Stage) -> None:
    dispatch = stage.visited()
    receipt = added(stage, dispatch)
    for person in (stage.experts["E1"], stage.chief, stage.operator, stage.approver):
        assert receipts_of(dispatch, person) == [receipt]
        receipt_content(receipt, person).close()
    for person in (stage.experts["E2"], stage.other_chief):
        assert receipts_of(dispatch, person) == []
        with pytest.raises(Receipt.DoesNotExist):
            receipt_content(receipt, person)


def test_another_expert_and_the_institution_add_nothing(stage: Stage) -> None:
    dispatch = stage.visited()
    with pytest.raises(Dispatch.DoesNotExist):
        added(stage, dispatch, actor=stage.experts["E2"])
    with pytest.raises(NotAllowed, match="専門家または事務局"):
        added(stage, dispatch, actor=stage.chief)
    assert not Receipt.objects.exists()


def test_after_the_report_only_the_office_adds_with_a_reason(stage: Stage) -> None:
    dispatch = stage.visited()
    submit_report(dispatch=dispatch, report=ReportData("助言した。"), lines=[], actor=stage.experts["E1"])
    with pytest.raises(DomainError, match="報告済"):
        added(stage, dispatch)
    with pytest.raises(DomainError, match="理由"):
        added(stage, dispatch, actor=stage.operator)
    receipt = added(stage, dispatch, actor=stage.operator, reason="郵送で届いたため")
    assert receipt.add_reason == "郵送で届いたため"


def test_a_removed_receipt_stays_as_evidence_for_the_office(stage: Stage) -> None:
    dispatch = stage.visited()
    receipt = added(stage, dispatch)
    removed = remove_receipt(receipt=receipt, actor=stage.experts["E1"])
    assert remove_receipt(receipt=receipt, actor=stage.experts["E1"]).removed_at == removed.removed_at
    assert receipts_of(dispatch, stage.experts["E1"]) == []
    assert receipts_of(dispatch, stage.operator) == []
    assert receipts_of(dispatch, stage.operator, removed=True) == [receipt]
    receipt_content(receipt, stage.operator).close()
    with pytest.raises(Receipt.DoesNotExist):
        receipt_content(receipt, stage.experts["E1"])


def test_an_expert_does_not_remove_what_the_office_added(stage: Stage) -> None:
    dispatch = stage.visited()
    receipt = added(stage, dispatch, actor=stage.operator, reason="郵送で届いたため")
    with pytest.raises(NotAllowed, match="自分が追加した"):
        remove_receipt(receipt=receipt, actor=stage.experts["E1"])


def test_receipts_follow_their_lines(stage: Stage) -> None:
    dispatch = stage.visited()
    receipt = added(stage, dispatch)
    changed = place_receipts(
        dispatch=dispatch,
        places={receipt.uuid: ("半券", 3), uuid.uuid4(): ("領収書", 1)},
        actor=stage.experts["E1"],
    )
    assert changed == 1
    assert lines_with_receipts(dispatch) == {3: {"半券"}}


def test_there_is_an_end_to_the_files_of_a_dispatch(stage: Stage, settings: Any) -> None:
    settings.RECEIPT_MOST_FILES = 2
    dispatch = stage.visited()
    added(stage, dispatch)
    second = added(stage, dispatch)
    with pytest.raises(DomainError, match="2件まで"):
        added(stage, dispatch)
    remove_receipt(receipt=second, actor=stage.experts["E1"])
    assert added(stage, dispatch)


def test_a_refused_file_leaves_nothing_behind(stage: Stage, settings: Any) -> None:
    dispatch = stage.visited()
    with pytest.raises(FileRefused, match="HTML"):
        added(stage, dispatch, upload=upload(b"<svg/>", "receipt.jpg"))
    assert not Receipt.objects.exists()
    assert not [path for path in Path(settings.EVIDENCE_DIR).rglob("*") if path.is_file()]


def test_no_file_stays_when_the_report_was_handed_in_meanwhile(stage: Stage, settings: Any) -> None:
    dispatch = stage.visited()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            submit_report(
                dispatch=dispatch, report=ReportData("助言した。"), lines=[], actor=stage.experts["E1"]
            )
            return super().read(size)

    with pytest.raises(DomainError, match="報告済"):
        added(stage, dispatch, upload=Slow(picture()))
    assert not Receipt.objects.exists()
    assert not [path for path in Path(settings.EVIDENCE_DIR).rglob("*") if path.is_file()]


def test_the_sweep_takes_what_no_row_knows_and_nothing_else(stage: Stage, settings: Any) -> None:
    receipt = added(stage, stage.visited())
    orphan = receipt_files.keep(b"lost", b"lost")
    assert receipt_files.sweep() == 0
    stage.travel(dt.datetime(2100, 1, 1, tzinfo=dt.UTC))  # files carry the real clock's time
    assert receipt_files.sweep() == 2
    with pytest.raises(FileNotFoundError):
        receipt_files.opened(orphan)
    receipt_content(receipt, stage.operator).close()


def test_the_same_key_at_the_same_time_adds_once_and_leaves_one_file(stage: Stage, settings: Any) -> None:
    dispatch = stage.visited()

    class Second(io.BytesIO):
        """While it is read, the first one with the same key arrives whole."""

        def read(self, size: int | None = -1) -> bytes:
            added(stage, dispatch, key="k1")
            return super().read(size)

    receipt = added(stage, dispatch, key="k1", upload=Second(picture((90, 90))))
    assert receipt == Receipt.objects.get() and receipt.width == 60
    assert len([path for path in Path(settings.EVIDENCE_DIR).rglob("*") if path.is_file()]) == 2


def test_receipts_open_after_the_keys_were_changed(stage: Stage, settings: Any) -> None:
    receipt = added(stage, stage.visited())
    old = settings.FIELD_KEYS
    settings.FIELD_KEYS = [new_key(), *old]
    assert rewrap_files(Path(settings.EVIDENCE_DIR)) == 2
    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]
    with receipt_content(receipt, stage.operator) as file:
        assert file.read().startswith(b"\xff\xd8\xff")


def test_a_file_put_in_anothers_place_is_not_opened(stage: Stage) -> None:
    dispatch = stage.visited()
    one, other = added(stage, dispatch), added(stage, dispatch, upload=upload(picture((90, 90))))
    source, target = (receipt_files.path_of(r.stored_name) for r in (one, other))
    target.write_bytes(source.read_bytes())
    with pytest.raises(Damaged):
        receipt_content(other, stage.operator)
    assert not Access.objects.filter(table="dispatch_receipt").exists()


def test_adding_a_receipt_makes_no_form_stale(stage: Stage) -> None:
    dispatch = stage.visited()
    before = edit_token(dispatch)
    added(stage, dispatch)
    assert edit_token(Dispatch.objects.get(pk=dispatch.pk)) == before


def test_who_added_and_removed_stands_in_the_history_without_the_files_name(stage: Stage) -> None:
    dispatch = stage.visited()
    receipt = added(stage, dispatch)
    remove_receipt(receipt=receipt, actor=stage.operator, reason="二重に届いたため")
    changes = Change.objects.filter(table="dispatch_receipt", row_id=receipt.pk).order_by("id")
    assert [(change.action, change.actor_id, change.reason) for change in changes] == [
        ("add_receipt", stage.experts["E1"].pk, ""),
        ("remove_receipt", stage.operator.pk, "二重に届いたため"),
    ]
    assert all("stored_name" not in (change.new or {}) for change in changes)


def test_the_story_of_a_dispatch_tells_of_its_receipts(stage: Stage) -> None:
    dispatch = stage.visited()
    receipt = added(stage, dispatch)
    remove_receipt(receipt=receipt, actor=stage.operator, reason="二重に届いたため")
    told = [(entry.what, entry.why) for entry in timeline(dispatch, stage.operator)]
    assert ("領収書（領収書.jpg）の追加", "") in told
    assert ("領収書（領収書.jpg）の取り除き", "二重に届いたため") in told


def test_the_database_lets_nobody_delete_a_receipt(stage: Stage) -> None:
    receipt = added(stage, stage.visited())
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        Receipt.objects.filter(pk=receipt.pk).delete()
