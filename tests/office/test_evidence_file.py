"""The evidence file of a dispatch: read back as a PDF, with what it says and what is in it."""

import datetime as dt
import io
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from desk import browser, stage, strangers
from PIL import Image
from pypdf import PdfReader
from reportlab.pdfgen.canvas import Canvas
from stage import Stage

from core.audit.models import Access
from core.documents.flow import Column, Flow
from core.documents.sheet import Sheet
from dispatch.models import Dispatch
from dispatch.services import ClaimLine, add_receipt, ask_back, correct_dispatch, declare
from office.evidence_file import evidence_pdf
from portal_expert.models import CheckEventExtra
from portal_expert.signatures import pack

__all__ = ["stage"]

SIGNATURE = {
    "strokes": [[[10, 20], [200, 90]], [[30, 40]]],
    "width": 300,
    "height": 120,
    "text": "支援を受けました。",
}


@pytest.fixture(autouse=True)
def _evidence(settings: Any, tmp_path: Path) -> None:
    settings.EVIDENCE_DIR = tmp_path / "evidence"


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (600, 400), "white").save(out, "JPEG")
    return out.getvalue()


def two_pages() -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(300, 500))
    for word in ("FIRST-PAGE-4711", "SECOND-PAGE-4712"):
        canvas.drawString(40, 400, word)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def add(stage: Stage, dispatch: Dispatch, content: bytes, name: str, **more: Any) -> None:
    file = io.BytesIO(content)
    file.name = name
    add_receipt(
        dispatch=dispatch,
        upload=file,
        purpose="領収書",
        line_number=1,
        actor=stage.operator,
        key=uuid.uuid4().hex,
        reason="郵送で届いたため",
    )


def read(pdf: bytes) -> tuple[list[str], PdfReader]:
    reader = PdfReader(io.BytesIO(pdf))
    return [page.extract_text() for page in reader.pages], reader


def whole(stage: Stage) -> Dispatch:
    """A dispatch that has everything."""
    line = ClaimLine(
        day=stage.application().planned_from.date(),
        kind="鉄道",
        claimed=320,
        fare=320,
        origin="自宅",
        destination="支援先",
    )  # type: ignore[union-attr]
    dispatch = stage.approved(None, line)
    end = dispatch.check_events.get(kind="終了")
    cipher, mark = pack(SIGNATURE)  # type: ignore[arg-type]
    CheckEventExtra.objects.create(
        event=end, sender=stage.experts["E1"], signature_cipher=cipher, signature_hash=mark, content_hash="x"
    )
    declare(
        dispatch=dispatch,
        cause="時刻訂正",
        reason="時計が遅れていたため",
        actor=stage.experts["E1"],
        measures="時計を合わせる",
    )
    ask_back(dispatch=dispatch, asked_of="expert", question="経路を教えてください", actor=stage.operator)
    correct_dispatch(
        dispatch=dispatch, values={"支援場所": "見本町9"}, reason="転記の誤り", actor=stage.operator
    )
    add(stage, dispatch, jpeg(), "領収書.jpg")
    add(stage, dispatch, two_pages(), "明細.pdf")
    return Dispatch.objects.select_related("expert", "institution", "company", "assessment").get(
        pk=dispatch.pk
    )


def test_everything_of_a_dispatch_is_in_one_pdf(stage: Stage) -> None:
    dispatch = whole(stage)
    pages, reader = read(evidence_pdf(dispatch, stage.operator))
    text = "".join(pages).replace("\n", "")
    for said in (
        f"派遣 {dispatch.number}",
        "株式会社試験製作所",
        "販路の助言をした。",
        "試験 社長",
        "支援を受けました。",
        "時計が遅れていたため",
        "時計を合わせる",
        "経路を教えてください",
        "見本町1",
        "見本町9",
        "転記の誤り",
        "320円",
        "10,560円",
        "領収書.jpg",
        "FIRST-PAGE-4711",
        "SECOND-PAGE-4712",
    ):
        assert said in text, said
    assert all(f"{number}/{len(pages)}" in page for number, page in enumerate(pages, start=1))
    pictures = [image for page in reader.pages for image in page.images]
    assert len(pictures) == 1
    assert reader.metadata is not None and dispatch.number in str(reader.metadata.title)


def test_a_dispatch_with_nothing_but_a_plan_has_a_file_too(stage: Stage) -> None:
    dispatch = stage.confirmed()
    pages, _ = read(evidence_pdf(dispatch, stage.operator))
    text = "".join(pages)
    assert "未提出" in text and "記録なし" in text


def test_the_office_opens_it_and_the_look_is_recorded(stage: Stage) -> None:
    dispatch = whole(stage)
    answer = browser(stage.operator).get(f"/office/dispatches/{dispatch.number}/evidence.pdf")
    assert answer.status_code == 200 and answer.content.startswith(b"%PDF-")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert Access.objects.filter(table="dispatch_dispatch", what=Access.What.DOWNLOAD).count() == 1
    for person in strangers(stage):
        assert browser(person).get(f"/office/dispatches/{dispatch.number}/evidence.pdf").status_code == 403


def test_a_text_longer_than_a_page_is_not_cut() -> None:
    sheet = Sheet(title="長い", author="x", dated=dt.date(2026, 11, 21))
    flow = Flow(sheet, running="長い文書", total=0)
    words = [f"第{number}項の内容です。" for number in range(900)]
    flow.facts([("長い値", "".join(words))])
    flow.table([Column("番号", 1), Column("内容", 5)], [("一", "".join(words)), ("二", "短い")])
    pages, _ = read(sheet.pdf())
    # without what stands at the head of each page, between two lines of a text that goes on
    text = re.sub(r"長い文書 ?\d+/0(番号 ?内容)?", "", "".join(pages).replace("\n", ""))
    assert all(text.count(word) >= 2 for word in words)
    assert "短い" in text and len(pages) == flow.pages > 3
